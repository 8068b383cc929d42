defmodule ElixirScope.Distributed.Operations.ShapeTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Hostile, only: [mutated: 1]

  alias ElixirScope.Distributed.{Hostile, Operations.Shape}
  doctest Shape

  test "a budget of terms and bytes is spent to the last" do
    assert Shape.small?([1, {2, "ab"}, %{a: :b}], {8, 2})
    refute Shape.small?([1, {2, "ab"}, %{a: :b}], {7, 2})
    refute Shape.small?([1, {2, "ab"}, %{a: :b}], {8, 1})
  end

  test "functions, integers of more than 64 bits and lists without an end are not small" do
    for term <- [&Kernel.+/2, Bitwise.bsl(1, 64), [1 | 2], %{a: [&is_atom/1]}],
        do: refute(Shape.small?(term, {100, 100}))

    assert Shape.small?([1 | 2], {100, 100}, :any)
    refute Shape.small?([1 | &is_atom/1], {100, 100}, :any)
    refute Shape.small?([[1 | 2]], {2, 100}, :any)
  end

  test "text is text, numbers have 64 bits, a list is one to its end" do
    assert Shape.text?("ä", 2) and not Shape.text?("ä", 1) and not Shape.text?(<<255>>, 9)
    assert Shape.number?(0) and not Shape.number?(-1) and not Shape.number?(Bitwise.bsl(1, 64))
    assert Shape.each?([1, 2], 2, &is_integer/1)
    refute Shape.each?([1, 2], 1, &is_integer/1) or Shape.each?([1 | 2], 9, &is_integer/1)
    assert Shape.fields?(%{a: 1}, %{a: &is_integer/1})
    refute Shape.fields?(%{a: 1, b: 1}, %{a: &is_integer/1}) or Shape.fields?([], %{})
  end

  test "nothing raises, whatever it is given" do
    terms = bind(one_of([constant(Hostile.order()), list(term())]), &mutated/1)

    property(terms, [runs: 60], fn term ->
      answers = [
        Shape.small?(term, {1_000, 1_000}, :any),
        Shape.small?(term, {1_000, 1_000}),
        Shape.stamp?(term),
        Shape.number?(term),
        Shape.text?(term, 10),
        Shape.each?(term, 9, &is_atom/1),
        Shape.fields?(term, %{a: &is_atom/1})
      ]

      assert Enum.all?(answers, &is_boolean/1)
    end)
  end
end
