defmodule ElixirScope.Distributed.Query.CoverTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Query.Cover

  doctest Cover

  @members [:a@h, :b@h, :c@h, :d@h]
  @origins [{"a@h", 1}, {"a@h", 2}, {"b@h", 1}, {"gone@h", 5}]

  defp holdings do
    row =
      map(tuple([integer(0..3), integer(1..40), integer(0..12)]), fn {origin, first, more} ->
        {node, incarnation} = Enum.at(@origins, origin)
        {node, incarnation, first, first + more}
      end)

    map(tuple(List.duplicate(list(row), length(@members))), fn rows ->
      Map.new(Enum.zip(@members, Tuple.to_list(rows)))
    end)
  end

  # Every number by itself, as the oracle counts.
  defp numbers(rows), do: for({node, start, a, b} <- rows, n <- a..b, do: {node, start, n})
  defp all(holdings), do: holdings |> Map.values() |> Enum.concat() |> numbers() |> MapSet.new()

  test "everything that anybody has is read once, and from somebody who has it" do
    property(holdings(), fn holdings ->
      cover = Cover.plan(holdings, :a@h)
      read = cover |> Map.values() |> Enum.concat() |> numbers()
      assert length(read) == MapSet.size(all(holdings))
      assert MapSet.new(read) == all(holdings)

      for {node, rows} <- cover,
          do:
            assert(MapSet.subset?(MapSet.new(numbers(rows)), MapSet.new(numbers(holdings[node]))))
    end)
  end

  test "what is here is read here, then who recorded it is asked, and only then others" do
    property(holdings(), fn holdings ->
      cover = Cover.plan(holdings, :a@h)
      own = MapSet.new(numbers(holdings[:a@h]))
      assert MapSet.new(numbers(Map.get(cover, :a@h, []))) == own

      recorder =
        for {"b@h", _, _} = number <- numbers(holdings[:b@h]), number not in own, do: number

      asked = for {"b@h", _, _} = number <- numbers(Map.get(cover, :b@h, [])), do: number
      assert MapSet.new(asked) == MapSet.new(recorder)
    end)
  end

  test "when a member fails, the others are asked for all that they have of it" do
    property(holdings(), fn holdings ->
      left = Map.delete(holdings, :b@h)
      again = Cover.plan(left, :a@h)
      lost = Cover.less(holdings[:b@h], Enum.concat(Map.values(again)))
      read = again |> Map.values() |> Enum.concat() |> numbers()
      assert MapSet.new(read) == all(left)
      assert MapSet.new(numbers(lost)) == MapSet.difference(all(holdings), all(left))
    end)
  end

  test "holes are what nobody has between what somebody has" do
    property(holdings(), fn holdings ->
      holes = MapSet.new(numbers(Cover.holes(holdings)))
      held = all(holdings)

      expected =
        for {_origin, numbers} <- Enum.group_by(held, fn {node, start, _} -> {node, start} end),
            {node, start, _} = hd(numbers),
            {first, last} = numbers |> Enum.map(&elem(&1, 2)) |> Enum.min_max(),
            n <- first..last,
            {node, start, n} not in held,
            into: MapSet.new(),
            do: {node, start, n}

      assert holes == expected
    end)
  end

  test "ranges without an end, that overlap or touch, and of no node that is meant" do
    rows = [{"x", 1, 5, :infinity}, {"x", 1, 1, 6}]
    assert Cover.plan(%{a: rows}, :a) == %{a: [{"x", 1, 1, :infinity}]}
    assert Cover.plan(%{a: [{"x", 1, 1, 9}], b: rows}, :a).b == [{"x", 1, 10, :infinity}]
    assert Cover.plan(%{a: [{"x", 1, 1, 2}, {"x", 1, 3, 4}]}, :b) == %{a: [{"x", 1, 1, 4}]}
    assert Cover.holes(%{a: rows}) == []
    assert Cover.of(rows ++ [{"y", 1, 1, 1}], ["y"]) == [{"y", 1, 1, 1}]
    assert Cover.plan(%{a: [], b: []}, :a) == %{}
  end
end
