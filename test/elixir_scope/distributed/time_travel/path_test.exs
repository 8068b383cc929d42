defmodule ElixirScope.Distributed.TimeTravel.PathTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Opaque
  alias ElixirScope.Distributed.TimeTravel.Path
  doctest Path

  defmodule Struct do
    defstruct [:field]
  end

  test "goes through maps, structs, tuples, lists and lists of pairs" do
    for {term, path, found} <- [
          {%{a: %{"b" => 1}}, [:a, "b"], {:ok, 1}},
          {%{a: nil}, [:a], {:ok, nil}},
          {%{}, [:a], :none},
          {%Struct{field: 1}, [:field], {:ok, 1}},
          {{:a, [1, 2]}, [1, 1], {:ok, 2}},
          {{:a}, [1], :none},
          {{:a}, [-1], :none},
          {{:a}, [:a], :none},
          {[a: 1, b: 2], [:b], {:ok, 2}},
          {[a: 1, b: 2], [0, 1], {:ok, 1}},
          {[1, 2], [2], :none},
          {[1 | 2], [0], {:ok, 1}},
          {[1 | 2], [:a], :none},
          {%{{1, 2} => 3}, [{1, 2}], {:ok, 3}},
          {%{1 => :int}, [1.0], :none},
          {:atom, [:a], :none},
          {7, [], {:ok, 7}}
        ],
        do: assert({term, path, Path.fetch(term, path)} == {term, path, found})
  end

  test "what a budget cut is not said to be missing" do
    cut = %Opaque{type: :cut}

    for {term, path} <- [
          {%{cut => cut, a: 1}, [:b]},
          {[1, 2, cut], [7]},
          {{1, cut}, [5]},
          {[a: 1] ++ [cut], [:b]},
          {%{a: %Opaque{type: :map}}, [:a, :b]},
          {cut, []}
        ],
        do: assert(Path.fetch(term, path) == :unknown)

    assert Path.fetch(%{cut => cut, a: 1}, [:a]) == {:ok, 1}
  end

  test "is a proper list, and not a long one" do
    for path <- [[], [:a], [nil, {1, 2}, "x"]], do: assert(Path.valid?(path))
    for path <- [:a, [:a | :b], Enum.to_list(1..65), %{}], do: refute(Path.valid?(path))
  end
end
