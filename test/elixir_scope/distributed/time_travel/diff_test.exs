defmodule ElixirScope.Distributed.TimeTravel.DiffTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.TimeTravel.{Diff, Path}
  doctest Diff

  defp all(old, new), do: old |> Diff.between(new) |> Enum.to_list()

  test "says what was set, added and removed, and where" do
    for {old, new, found} <- [
          {1, 1, []},
          {1, 1.0, [{:set, [], 1, 1.0}]},
          {%{a: 1}, %{a: 1.0}, [{:set, [:a], 1, 1.0}]},
          {{:a, 1}, {:a, 2}, [{:set, [1], 1, 2}]},
          {{:a}, {:a, 2}, [{:set, [], {:a}, {:a, 2}}]},
          {[1, 2, 3], [0, 1, 2, 3], [{:added, [0], 0}]},
          {[1, 2, 3], [1, 3], [{:removed, [1], 2}]},
          {[1, 2, 3], [1, 5, 3], [{:set, [1], 2, 5}]},
          {[a: 1, b: 2], [a: 1, b: 3], [{:set, [:b], 2, 3}]},
          {[a: 1], [a: 1, b: 3], [{:added, [:b], 3}]},
          {[a: 1, b: 2], [b: 2, a: 1],
           [
             {:set, [0, 0], :a, :b},
             {:set, [0, 1], 1, 2},
             {:set, [1, 0], :b, :a},
             {:set, [1, 1], 2, 1}
           ]},
          {[1 | 2], [1 | 3], [{:set, [], [1 | 2], [1 | 3]}]},
          {~D[2026-01-01], %{day: 1}, [{:set, [], ~D[2026-01-01], %{day: 1}}]},
          {~D[2026-01-01], ~D[2026-01-02], [{:set, [:day], 1, 2}]}
        ] do
      assert {old, new, all(old, new)} == {old, new, found}
      assert Diff.first(old, new) == List.first(found)
    end
  end

  test "there is one exactly where terms are not the same, and its path leads to it" do
    property(tuple([term(), term()]), [runs: 100], fn {old, new} ->
      assert all(old, old) == []
      assert all(old, new) == [] == (old === new)

      for {:set, path, one, other} <- all(old, new) do
        assert Path.fetch(old, path) == {:ok, one}
        assert one !== other
      end
    end)
  end

  test "only as much of it is made as is taken" do
    {old, new} = {Map.new(1..100_000, &{&1, &1}), Map.new(1..100_000, &{&1, -&1})}
    assert {:set, [1], 1, -1} = Diff.first(old, new)
  end
end
