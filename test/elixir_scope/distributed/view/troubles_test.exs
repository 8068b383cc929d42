defmodule ElixirScope.Distributed.View.TroublesTest do
  # Every view of a day on three real nodes that was recorded (`TroubledDay`): orders, a race, a crash, a
  # deadlock and a partition.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Causality, View}
  alias ElixirScope.Distributed.View.{Dependencies, Diff, Flame, Gaps, Sequence, States}
  alias ElixirScope.Distributed.View.{Timeline, Top, Tree}

  @recording "test/fixtures/troubles.scope"
  @views [timeline: Timeline, tree: Tree, sequence: Sequence, flame: Flame, top: Top] ++
           [gaps: Gaps, dependencies: Dependencies]

  setup_all do
    {:ok, scope} = Scope.open(@recording, name: __MODULE__)
    on_exit(fn -> Scope.close(scope) end)
    {:ok, day} = Causality.build(scope: scope)
    [scope: scope, day: day]
  end

  for width <- [60, 80, 200], {name, view} <- @views do
    test "#{name} of the day at #{width} columns", %{day: day} do
      lines = unquote(view).render(day, width: unquote(width), color: false, ascii: false)
      assert_golden("troubles/#{unquote(name)}_#{unquote(width)}.txt", lines)
    end
  end

  for order <- 1..4, width <- [60, 80, 200] do
    test "order #{order} as a tree, and event by event, at #{width} columns", %{scope: scope} do
      {:ok, picture} = Causality.build(correlation_id: "order-#{unquote(order)}", scope: scope)

      for {name, view} <- [timeline: Timeline, tree: Tree] do
        lines = view.render(picture, width: unquote(width), color: false, ascii: false)
        assert_golden("troubles/order_#{unquote(order)}_#{name}_#{unquote(width)}.txt", lines)
      end
    end
  end

  test "the race is one: neither of those who wrote led to the other", %{day: day} do
    [one, other] = for %{data: [_node, 9], id: id} <- calls(day, Troubles.Stock, :set), do: id
    assert Causality.relation(day, one, other) == :concurrent
  end

  test "the till fell before the desk", %{day: day} do
    # The desk fell once more, in the partition.
    [till, desk | _] =
      for %{kind: :exit, data: {_error, _where}} = event <- events(day), do: event

    assert {node_name(till), node_name(desk)} == {"till", "desk"}
    assert Causality.place(day, till) < Causality.place(day, desk)
  end

  test "in the deadlock both had asked when the first gave up", %{day: day} do
    asked = for %{kind: :send, data: {_, _, :anything_left?}} = event <- events(day), do: event
    assert asked |> Enum.map(&node_name/1) |> Enum.sort() == ["desk", "stock"]
    [gave_up | _] = for %{kind: :return, data: :no_answer} = event <- events(day), do: event
    assert Enum.all?(asked, &(Causality.relation(day, &1, gave_up) == :before))
  end

  test "in the partition the order went as far as the stock", %{scope: scope} do
    {:ok, events} = Scope.events(correlation_id: "order-4", kinds: [:call], scope: scope)
    assert events |> Enum.map(&node_name/1) |> Enum.uniq() |> Enum.sort() == ["desk", "stock"]
  end

  test "two orders differ in what was ordered, and where that led", %{scope: scope} do
    lines = for line <- difference(scope, "order-1", "order-2"), do: IO.iodata_to_binary(line)
    assert hd(lines) =~ ~s("order-1", then "order-2")
    assert Enum.any?(lines, &(&1 =~ ":book, then :lamp"))
  end

  test "the states of the stock", %{scope: scope, day: day} do
    %{pid: pid} =
      hd(for %{kind: :state, subject: {Troubles.Stock, _, _}} = event <- events(day), do: event)

    {:ok, past} = ElixirScope.Distributed.TimeTravel.past(pid, :states, scope: scope)
    assert_golden("troubles/states_80.txt", States.render(past, width: 80, color: false))
  end

  defp difference(scope, one, other) do
    [{:ok, one}, {:ok, other}] =
      for id <- [one, other], do: Causality.build(correlation_id: id, scope: scope)

    Diff.render({one, other}, width: 200, color: false)
  end

  defp calls(day, module, function) do
    for %{kind: :call, subject: {^module, ^function, _}} = event <- events(day), do: event
  end

  defp events(day), do: Causality.events(day, Enum.to_list(0..(Causality.size(day) - 1)))
  defp node_name(%{node: node}), do: node |> Atom.to_string() |> String.split("@") |> hd()

  test "every view is there" do
    assert Enum.all?(@views, fn {name, _view} -> function_exported?(View, name, 2) end)
  end
end
