defmodule ElixirScope.Distributed.View.Text.Table do
  @moduledoc false
  # Of each character how many columns it takes, by Unicode's data. Two steps, as most blocks of
  # 256 characters are alike: the first says which block, the second has a letter for each character.

  @source Path.join(__DIR__, "widths.txt")
  @external_resource @source

  @block 256
  @last 0x10FFFF
  @plain ?1

  ["# Unicode " <> about | _] = lines = @source |> File.read!() |> String.split("\n", trim: true)
  @version about |> String.split(",") |> hd()

  classes =
    for line <- lines,
        not String.starts_with?(line, "#"),
        [first, last, class] = String.split(line, ["-", " "]),
        point <- String.to_integer(first, 16)..String.to_integer(last, 16),
        into: %{},
        do: {point, :binary.first(class)}

  blocks =
    for first <- 0..@last//@block,
        do: for(point <- first..(first + @block - 1), into: "", do: <<classes[point] || @plain>>)

  distinct = Enum.uniq(blocks)
  places = distinct |> Enum.with_index() |> Map.new()

  @places for block <- blocks, into: "", do: <<places[block]>>
  @letters Enum.join(distinct)

  @doc "The version of Unicode."
  @spec version() :: String.t()
  def version, do: @version

  @doc "What a character is; the letters stand in `scripts/widths.exs`, `?1` is none of these."
  @spec class(char) :: ?0 | ?1 | ?2 | ?e | ?p | ?x
  def class(point) when point in 0x20..0x7E, do: @plain

  def class(point) do
    block = :binary.at(@places, div(point, @block))
    :binary.at(@letters, block * @block + rem(point, @block))
  end
end
