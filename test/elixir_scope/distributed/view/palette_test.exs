defmodule ElixirScope.Distributed.View.PaletteTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.View.Palette
  doctest Palette

  test "the colour of a node depends on its place alone" do
    paint = fn nodes, node ->
      nodes |> Palette.new(true) |> Palette.paint(node, "x") |> IO.iodata_to_binary()
    end

    assert paint.([:a, :b], :b) == paint.([:c, :d, :e], :d)
    assert paint.([:a, :a, :b], :b) == paint.([:a, :b], :b)
    assert paint.(Enum.to_list(1..13), 13) == paint.([13], 13)

    assert [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
           |> Enum.map(&paint.(Enum.to_list(1..12), &1))
           |> Enum.uniq()
           |> length() == 12
  end

  test "who is not in it has no colour" do
    assert [:a] |> Palette.new(true) |> Palette.paint(:b, "x") == "x"
  end
end
