defmodule ElixirScope.Distributed.Simulation.PlanTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Error, Simulation.Plan}
  doctest Plan

  @nodes [:a@s, :b@s, :c@s]

  defp reason({:error, %Error{reason: reason} = error}) do
    # None is told by its name alone.
    refute Exception.message(error) =~ inspect(reason)
    reason
  end

  test "a number of nodes is one from 1 to 8" do
    assert {:ok, [_]} = Plan.names(1)
    assert {:ok, names} = Plan.names(8)
    assert length(Enum.uniq(names)) == 8

    for wrong <- [0, -1, 1.0, nil, "3", :three, [3]],
        do: assert(reason(Plan.names(wrong)) == :bad_number)

    for wrong <- [9, 1_000_000_000_000], do: assert(reason(Plan.names(wrong)) == :too_many_nodes)
  end

  test "groups are named nodes, each once, and more than one of them" do
    assert Plan.groups([:a@s, :b@s], @nodes) == {:ok, [[:a@s, :b@s], [:c@s]]}
    assert Plan.groups([[:a@s], [:b@s, :c@s]], @nodes) == {:ok, [[:a@s], [:b@s, :c@s]]}

    for wrong <-
          [[], nil, :a@s, %{}, "a@s", [[:a@s]], [[:a@s], []], [[:a@s], [:a@s]]] ++
            [@nodes, [:a@s, [:b@s]], [:a@s | :b@s], [[:a@s | :b@s]], [:a@s, :a@s], [1]],
        do: assert({wrong, reason(Plan.groups(wrong, @nodes))} == {wrong, :bad_groups})

    for unknown <- [[:x@s], [[:a@s], [:x@s]], [nil], [[:a@s], ["b@s"]]],
        do: assert(reason(Plan.groups(unknown, @nodes)) == :no_virtual_node)
  end

  test "a partition on top of another one cuts more, or is refused" do
    {:ok, cuts} = Plan.cut(MapSet.new(), [[:a@s], [:b@s, :c@s]])
    assert reason(Plan.cut(cuts, [[:b@s], [:a@s]])) == :already_partitioned
    assert {:ok, more} = Plan.cut(cuts, [[:b@s], [:c@s]])
    assert MapSet.size(more) == 6
  end
end
