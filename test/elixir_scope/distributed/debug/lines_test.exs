defmodule ElixirScope.Distributed.Debug.LinesTest do
  use ExUnit.Case

  alias ElixirScope.Distributed.Debug.Lines
  alias ElixirScope.Distributed.Sources

  @cart """
  defmodule LinesCart do
    def add(cart, item) when is_list(cart) do
      priced =
        item
        |> Map.put(:price, 1)
        |> Map.new()

      [priced | cart]
    end

    # Nothing is here.
    def empty, do: []
    def total(cart), do: Enum.sum(for %{price: p} <- cart, do: p)
  end

  defmodule LinesCart.Other do
    def id(x), do: x
  end
  """

  test "a line leads to its function, and to where one can stop for it" do
    file = Sources.compile!(Sources.project!(), "lib/lines_cart.ex", @cart)
    assert {:ok, %{module: LinesCart, function: :add, arity: 2, line: 3}} = Lines.at(file, 4)
    assert {:ok, %{line: 3}} = Lines.at(file, 3)
    assert {:ok, %{line: 3, lines: 2..8}} = Lines.at(file, 2)
    assert {:ok, %{function: :total, line: 13}} = Lines.at("lines_cart.ex", 13)
    assert {:ok, %{module: LinesCart.Other, function: :id}} = Lines.at(file, 17)
    assert Lines.in_file(file) == {:ok, [LinesCart, LinesCart.Other]}
    assert {:ok, %{line: line}} = Lines.at(file, 8)
    assert line in [3, 8]
    assert {:ok, lines} = Lines.breakable(LinesCart)
    assert lines -- [8, 12] == [3, 13]
  end

  test "what cannot be answered says why" do
    file = Sources.compile!(Sources.project!(), "lib/lines_cart.ex", @cart)
    assert {:error, %{reason: :no_code_on_line, details: %{nearest: 12}}} = Lines.at(file, 11)
    assert {:error, %{reason: :unknown_line}} = Lines.at(file, 99)
    assert {:error, %{reason: :unknown_file}} = Lines.at("no_such_file.ex", 1)
  end
end
