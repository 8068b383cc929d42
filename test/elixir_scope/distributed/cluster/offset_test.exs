defmodule ElixirScope.Distributed.Cluster.OffsetTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Cluster.Offset
  doctest Offset

  test "the exchange with the shortest round trip is believed" do
    window = nil |> Offset.add({90, 400}) |> Offset.add({100, 10}) |> Offset.add({500, 900})
    assert Offset.best(window) == {100, 10}
  end

  test "only the last eight count" do
    window = Enum.reduce(1..8, [{0, 0}], &Offset.add(&2, {&1, &1}))
    assert Offset.best(window) == {1, 1}
  end

  test "so many nodes are known, and no more" do
    windows = Enum.reduce(1..600, %{}, &Offset.learn(&2, :"n#{&1}@h", {&1, 1}))
    assert %{offsets: 512, offset_limit: 512} = Offset.bounds(windows)
    assert [{2, 1}, {1, 1}] = Offset.learn(windows, :n1@h, {2, 1})[:n1@h]
  end
end
