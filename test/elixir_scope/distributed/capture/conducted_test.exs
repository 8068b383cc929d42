defmodule ElixirScope.Distributed.Capture.ConductedTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.{Asking, Conducted, Order}
  alias ElixirScope.Distributed.{Error, Trace}

  defp conducted(options \\ []) do
    {:ok, order} = Order.new(Shop, options, {node(), self()})
    Conducted.new(order, make_ref(), 0)
  end

  defp after_all(conducted, steps), do: Enum.reduce(steps, conducted, &step/2)

  defp step({:armed, node}, c), do: Conducted.answered(c, node, {:ok, summary()})
  defp step({:refused, node}, c), do: Conducted.answered(c, node, {:error, error(:no_match)})
  defp step({:silent, node}, c), do: Conducted.answered(c, node, {:error, error(:no_answer)})
  defp step({:ended, node}, c), do: Conducted.ended(c, node, summary())
  defp step({:lost, node}, c), do: Conducted.lost(c, node)

  defp error(reason), do: Error.new(reason, node: :x)

  defp summary,
    do: %{functions: 2, events: 3, refused: 1, thinned: 5, looked_at: 4, bytes: 9}

  describe "the nodes of a trace" do
    test "are all members, or those that are named, each once" do
      assert Conducted.chosen(:all, [:a, :b]) == {:ok, [:a, :b]}
      assert Conducted.chosen([:b, :a, :b], [:a, :b, :c]) == {:ok, [:b, :a]}
    end

    test "are members, and there is one" do
      assert {:error, %{reason: :node_unavailable, details: %{nodes: [:x], members: [:a]}}} =
               Conducted.chosen([:a, :x], [:a])

      assert {:error, %{reason: :no_node}} = Conducted.chosen([], [:a])
    end
  end

  describe "a node that comes, or comes back," do
    for {what, steps, wanted?} <- [
          {"is to take it if it was never asked", [], true},
          {"does not take it twice", [armed: :b], false},
          {"is to take it again after it was lost", [armed: :b, lost: :b], true},
          {"is asked again where it did not answer", [silent: :b], true},
          {"is not asked again after it refused", [refused: :b], false},
          {"is not asked again after it refused and was lost", [refused: :b, lost: :b], false},
          {"never takes it after it ended there", [armed: :b, ended: :b], false},
          {"not even if it was lost later", [armed: :b, ended: :b, lost: :b], false},
          {"nor if it ended before it was heard to have begun", [ended: :b, armed: :b], false}
        ] do
      test what do
        c = after_all(conducted(), unquote(steps))
        assert Conducted.wants?(c, :b) == unquote(wanted?)
      end
    end

    test "is not asked if others are meant" do
      assert Conducted.wants?(conducted(nodes: [:a, :b]), :b)
      refute Conducted.wants?(conducted(nodes: [:a]), :b)
    end

    test "may use the time that is left, while there is some" do
      c = conducted(duration_ms: 5_000, events: 7, lease_ms: 1_000)
      assert {:ok, %Order{budgets: budgets}, 600} = Conducted.rest(c, :b, 400)
      assert {budgets.duration_ms, budgets.events} == {4_600, 7}
      assert Conducted.rest(c, :b, 1_000) == :over
      renewed = Conducted.renew(c, 900)
      assert {:ok, _order, 900} = Conducted.rest(renewed, :b, 1_000)
      assert Conducted.rest(Conducted.renew(renewed, 1_800), :b, 5_000) == :over
    end
  end

  describe "a node that was started again" do
    test "may use what it had not used when it told last" do
      c = conducted(events: 100) |> after_all(armed: :b) |> told(:b, 40, 2) |> step_lost(:b)

      assert {:ok, %Order{budgets: %{events: 58}, spent: spent}, _lease} =
               Conducted.rest(c, :b, 1)

      assert spent == %{events: 40, refused: 2, thinned: 1, bytes: 40}
      assert {:ok, %Order{budgets: %{events: 100}}, _lease} = Conducted.rest(c, :c, 1)
      # What it tells from then on has that in it.
      again = c |> after_all(armed: :b) |> told(:b, 70, 2) |> step_lost(:b)
      assert {:ok, %Order{budgets: %{events: 28}}, _lease} = Conducted.rest(again, :b, 1)
    end

    test "is not asked when nothing is left, and no answer changes nothing" do
      c = conducted(events: 100) |> after_all(armed: :b) |> told(:b, 100, 0) |> step_lost(:b)
      assert Conducted.rest(c, :b, 1) == :over
      assert c |> after_all(silent: :b) |> Conducted.rest(:b, 1) == :over
      ended = after_all(conducted(), ended: :b)
      assert told(ended, :b, 1, 0) == ended
    end

    defp told(c, node, events, refused),
      do: Conducted.told(c, node, %{events: events, refused: refused, thinned: 1, bytes: events})

    defp step_lost(c, node), do: Conducted.lost(c, node)
  end

  test "nothing is left of it when its time is over and it runs nowhere" do
    c = conducted(duration_ms: 100) |> after_all(armed: :a, armed: :b, ended: :a)
    refute Conducted.over?(c, 50)
    refute Conducted.over?(c, 100)
    assert Conducted.running(c) == [:b]
    assert c |> after_all(ended: :b) |> Conducted.over?(100)
    refute c |> after_all(ended: :b) |> Conducted.over?(50)
  end

  describe "who began it" do
    test "hears where it runs, and who refused" do
      {:ok, trace} =
        Conducted.result(conducted(), %{
          b: {:ok, summary()},
          a: {:ok, summary()},
          c: {:error, error(:no_match)}
        })

      assert %Trace{nodes: [:a, :b], matched: %{a: 2, b: 2}, refused: %{c: error}} = trace
      assert error.reason == :no_match
      assert %{events: 10_000, profile: :adhoc} = trace.budgets
    end

    test "hears this node's error where no node takes it" do
      answers = %{:a => {:error, error(:other)}, node() => {:error, error(:ours)}}
      assert {:error, %{reason: :ours}} = Conducted.result(conducted(), answers)
      assert {:error, %{reason: :x}} = Conducted.result(conducted(), %{a: {:error, error(:x)}})
    end
  end

  describe "who stops" do
    test "hears what each node recorded" do
      answers = %{a: {:ok, [summary(), summary()]}, b: {:ok, []}, c: {:error, error(:no_answer)}}
      assert {:ok, %{a: a, b: b, c: c}} = Conducted.stopped(:all, answers)
      assert {a.events, a.refused, a.thinned, a.looked_at, a.bytes} == {6, 2, 10, 8, 18}
      assert length(a.traces) == 2
      assert b == %{events: 0, refused: 0, thinned: 0, looked_at: 0, bytes: 0, traces: []}
      assert %{traces: [], error: %{reason: :no_answer}} = c
    end

    test "a trace that no node knows hears so" do
      assert {:error, %{reason: :no_trace} = error} = Conducted.stopped(7, %{a: {:ok, []}})
      assert Exception.message(error) == "no node runs a trace 7, or ended one lately"
      answers = %{a: {:ok, []}, b: {:error, error(:tracer_failed)}}
      assert {:error, %{reason: :no_trace} = error} = Conducted.stopped(7, answers)
      assert Exception.message(error) =~ "of b it is not known"
      assert {:ok, _} = Conducted.stopped(7, %{a: {:ok, [summary()]}, b: {:ok, []}})
      assert {:ok, _} = Conducted.stopped(:all, %{a: {:ok, []}})
    end
  end

  # Each order is a question to one node, as the conductor asks it.
  test "whatever happens, a node where it ended is never ordered again, and every asker is answered once" do
    happening =
      tuple([
        one_of(Enum.map([:join, :armed, :refused, :lost, :ended], &constant/1)),
        integer(1..3)
      ])

    property(list(happening), [runs: 300], fn happenings ->
      world = Enum.reduce(happenings, world(conducted()), &happen/2)
      replies = for asking <- world.asked, do: asking |> Asking.give_up() |> Asking.done?()
      assert Enum.all?(replies)
      assert world.ordered_after_end == []
      for node <- world.ended, do: refute(node in Conducted.running(world.conducted))
    end)
  end

  defp world(conducted), do: %{conducted: conducted, asked: [], ended: [], ordered_after_end: []}

  defp happen({:join, node}, world) do
    if Conducted.wants?(world.conducted, node) do
      asking = Asking.new({:trace, 1}, nil, [node])
      wrong = if node in world.ended, do: [node], else: []

      %{
        world
        | asked: [asking | world.asked],
          ordered_after_end: wrong ++ world.ordered_after_end
      }
    else
      world
    end
  end

  defp happen({kind, node}, world) do
    world = %{
      world
      | conducted: step({kind, node}, world.conducted),
        asked: Enum.map(world.asked, &hear(&1, kind, node))
    }

    if kind == :ended, do: %{world | ended: [node | world.ended]}, else: world
  end

  defp hear(asking, :armed, node), do: Asking.answer(asking, node, {:ok, summary()})
  defp hear(asking, :refused, node), do: Asking.answer(asking, node, {:error, error(:no_match)})
  defp hear(asking, :lost, node), do: Asking.lost(asking, node)
  defp hear(asking, :ended, _node), do: asking
end
