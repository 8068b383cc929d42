defmodule ElixirScope.Distributed.View.GapsTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, Pictures}
  alias ElixirScope.Distributed.Query.Result
  alias ElixirScope.Distributed.View
  alias ElixirScope.Distributed.View.Gaps
  doctest Gaps

  @ms 1_000

  defp lines(picture, options \\ []) do
    for line <- Gaps.render(picture, [width: 120, color: false, ascii: false] ++ options),
        do:
          line
          |> IO.iodata_to_binary()
          |> String.replace(~r/ {2,}/, "  ")
          |> String.trim_trailing()
  end

  defp gap(data, more \\ []), do: {:a@h, nil, 0, :gap, nil, data, more}

  # Every cause that the library has.
  defp everything do
    Pictures.of(
      [
        {:a@h, 1, 0, :mark, :begin, nil, correlation: "r-1"},
        {:a@h, 1, 1, :mark, :begin, nil, correlation: "r-2"},
        {:a@h, nil, 2, :gap, nil, 120, []},
        {:a@h, 1, 3, :mark, :goes_on, nil, correlation: "r-2"},
        {:a@h, nil, 100 * @ms, :gap, nil,
         %{thinned: 40, refused: 2, of: %{trace: 3, level: 1, correlations: 9}}, []},
        {:a@h, nil, 200 * @ms, :gap, nil,
         %{thinned: 60, refused: 0, of: %{trace: 3, level: 2, correlations: 9}}, []},
        {:a@h, nil, 210 * @ms, :trace_stopped, nil, %{trace: 3, reason: :rate}, []},
        {:b@h, nil, 220 * @ms, :gap, nil, %{expired: 7}, []},
        {:b@h, nil, 230 * @ms, :gap, nil, %{expired: 5, restarted: :b@h}, id: nil},
        {:b@h, nil, 240 * @ms, :gap, nil, %{missing: :distributed_timeout}, id: nil},
        {:b@h, nil, 250 * @ms, :gap, nil, %{dropped: 3}, id: nil},
        {:b@h, 1, 260 * @ms, :call, {A, :b, 1}, ["cut"], meta: %{truncated?: true}},
        {:b@h, nil, 270 * @ms, :trace_stopped, nil, %{trace: 4, reason: :stopped}, []}
      ],
      nodes: [:a@h, :b@h, :c@h],
      missing: %{c@h: {:distributed_exit, :not_allowed}},
      dropped: 300,
      expired: 12,
      more?: true
    )
  end

  for width <- [60, 80, 200] do
    test "everything that can be lost, at #{width} columns" do
      lines = Gaps.render(everything(), width: unquote(width), color: false, ascii: false)
      assert_golden("gaps_#{unquote(width)}.txt", lines)
    end
  end

  test "every cause is told, with how much and of whom" do
    lines = lines(everything())

    for said <- [
          "+0.002 ms  120 events lost, a ring was full  a@h#3",
          "around it: \"r-2\", \"r-1\"",
          "+100.000 ms to +200.000 ms  100 events left out by thinning of trace 3, in 2 gaps  a@h#5",
          "+100.000 ms  2 events over a budget of trace 3  a@h#5",
          "trace 3 ended, nothing of it comes after: more events came in a second",
          "7 events expired  b@h#8",
          "b@h  5 events gone with a restart",
          "b@h  does not answer (timeout)",
          "b@h  3 events lost on the way",
          "1 event cut to a budget  b@h#12",
          "c@h is missing (not allowed): what only it has is not here",
          "at most 12 events expired: retention took them everywhere",
          "75 events lost, and nothing here says where: damaged, or lost on the way",
          "the limit cut the answer: there are more events than these"
        ],
        do: assert(Enum.any?(lines, &(&1 =~ said)), said <> "\n" <> Enum.join(lines, "\n"))

    refute Enum.any?(lines, &(&1 =~ "trace 4"))
  end

  test "who was there before and after comes first, and no more than eight are named" do
    before = for n <- 1..12, do: {:a@h, 1, n, :mark, :x, nil, correlation: n}
    behind = for n <- [3, 20], do: {:a@h, 1, 20 + n, :mark, :x, nil, correlation: n}
    others = {:b@h, 1, 15, :mark, :x, nil, correlation: :elsewhere}
    lines = lines(Pictures.of(before ++ [others, gap(1)] ++ behind))
    assert "around it: 3, 20, 12, 11, 10, 9, 8, 7 and 5 more" in Enum.map(lines, &String.trim/1)
  end

  test "gaps far apart are not one loss" do
    picture = Pictures.of([gap(1), {:a@h, nil, 3_000_000, :gap, nil, 1, []}])
    assert Enum.count(lines(picture), &(&1 =~ "1 event lost")) == 2
  end

  test "nothing is missing" do
    assert lines(Pictures.of([{:a@h, 1, 0, :mark, :x, nil, []}])) == [
             "nothing is known to be missing",
             "",
             "1 event of 1 node, 0 dropped, none missing"
           ]
  end

  test "gaps are in a result as well as in an answer" do
    event = %Event{id: {{:a@h, 1}, 1}, at: {0, 1_000, :a@h}, node: :a@h, kind: :gap, data: 7}

    printed =
      ExUnit.CaptureIO.capture_io(fn ->
        :ok = View.gaps(%Result{events: [event], nodes: [:a@h], dropped: 7})
      end)

    assert printed =~ "7 events lost, a ring was full"
    refute printed =~ "nothing here says where"
  end

  test "a question about a correlation is told of what was lost around it" do
    scope = :gaps_of_correlation
    {:ok, _pid} = Scope.start(name: scope)
    on_exit(fn -> Scope.stop(scope) end)
    :ok = Scope.record(:before, nil, correlation_id: "r-1", scope: scope)
    {:ok, %{store: store} = opened} = ElixirScope.Distributed.Scope.fetch(scope)
    true = store != nil
    # As the core says it of a trace.
    ElixirScope.Distributed.Storages.Native.note(opened, :gap, %{
      thinned: 5,
      refused: 0,
      of: %{trace: 1, level: 1, correlations: 2}
    })

    :ok = Scope.record(:behind, nil, correlation_id: "r-1", scope: scope)

    printed =
      ExUnit.CaptureIO.capture_io(fn ->
        assert View.gaps(correlation_id: "r-1", scope: scope) == :ok
      end)

    assert printed =~ "5 events left out by thinning of trace 1"
    assert printed =~ "around it: \"r-1\""
  end
end
