defmodule ElixirScope.Distributed.View.Text do
  @moduledoc """
  Text in the columns of a terminal.

  How many columns a text takes is not how many characters it has: those of East Asia take two, marks
  that combine with others take none, and several emoji that are joined are one picture.

  What comes from a trace is other people's text. What in it would move the cursor, colour the
  terminal, turn the direction of writing or hide itself is written as Elixir writes it in a string; so are
  bytes that are no text. Every function here takes any binary, and gives what is safe to print on
  one line.

      iex> alias ElixirScope.Distributed.View.Text
      iex> Text.width("日本")
      4
      iex> Text.fit("日本語", 5)
      "日本…"
      iex> Text.pad("日本", 6) <> "|"
      "日本  |"
      iex> Text.clean("a\\e[31mb")
      ~S"a\\e[31mb"
  """

  alias ElixirScope.Distributed.View.Text.{Cell, Table}

  @ellipsis "…"

  @doc """
  The version of Unicode that columns are counted by.

      iex> ElixirScope.Distributed.View.Text.unicode_version()
      "15.0.0"
  """
  @spec unicode_version() :: String.t()
  def unicode_version, do: Table.version()

  @doc """
  The text as it is safe to print. What is safe stays as it is.

      iex> ElixirScope.Distributed.View.Text.clean(<<"a", 7, 0xFF, 0x202E::utf8>>)
      ~S"a\\a\\xFF\\u202E"
  """
  @spec clean(binary) :: String.t()
  def clean(text), do: if(plain?(text), do: text, else: text |> cells([]) |> join())

  @doc """
  The same in ASCII alone, for what cannot show more.

      iex> ElixirScope.Distributed.View.Text.ascii("café")
      ~S"caf\\u00E9"
  """
  @spec ascii(binary) :: String.t()
  def ascii(text) do
    if plain?(text), do: text, else: for(<<c::utf8 <- clean(text)>>, into: "", do: in_ascii(c))
  end

  defp in_ascii(char) when char < 0x80, do: <<char>>
  defp in_ascii(char), do: Cell.escape(char)

  @doc """
  How many columns a text takes.

      iex> ElixirScope.Distributed.View.Text.width("e\\u0301👩🏽‍🚀")
      3
  """
  @spec width(binary) :: non_neg_integer
  def width(text), do: if(plain?(text), do: byte_size(text), else: columns(text, 0))

  defp columns(text, sum) do
    case Cell.next(text) do
      {_cell, columns, rest} -> columns(rest, sum + columns)
      nil -> sum
    end
  end

  @doc """
  A text that is wider than `columns` is cut, and ends with an ellipsis or what is given for it.

      iex> ElixirScope.Distributed.View.Text.fit("checkout", 5)
      "chec…"
      iex> ElixirScope.Distributed.View.Text.fit("checkout", 5, "~")
      "chec~"
  """
  @spec fit(binary, non_neg_integer, String.t()) :: String.t()
  def fit(text, columns, ellipsis \\ @ellipsis) do
    if plain?(text),
      do: fit_plain(text, columns, ellipsis),
      else: fit_cells(text, columns, ellipsis)
  end

  defp fit_plain(text, columns, _ellipsis) when byte_size(text) <= columns, do: text

  defp fit_plain(text, columns, ellipsis) do
    ellipsis = short(ellipsis, columns)
    binary_part(text, 0, columns - width(ellipsis)) <> ellipsis
  end

  # A text without end is not read to its end.
  defp fit_cells(text, columns, ellipsis) do
    case take(text, columns, []) do
      {cells, ""} -> join(cells)
      {cells, _rest} -> cut(join(cells), columns, short(ellipsis, columns))
    end
  end

  defp cut(text, columns, ellipsis) do
    {cells, _rest} = take(text, columns - width(ellipsis), [])
    join(cells) <> ellipsis
  end

  defp short(ellipsis, columns), do: if(width(ellipsis) > columns, do: "", else: ellipsis)

  defp take("", _columns, cells), do: {cells, ""}

  defp take(text, columns, cells) do
    case Cell.next(text) do
      {cell, needed, rest} when needed <= columns -> take(rest, columns - needed, [cell | cells])
      _too_wide -> {cells, text}
    end
  end

  @doc """
  A text that is narrower than `columns` is filled up; `:right` puts the text there.

      iex> ElixirScope.Distributed.View.Text.pad("7", 3, :right)
      "  7"
  """
  @spec pad(binary, non_neg_integer, :left | :right) :: String.t()
  def pad(text, columns, side \\ :left) do
    {text, width} = measured(text)
    fill = String.duplicate(" ", max(columns - width, 0))
    if side == :left, do: text <> fill, else: fill <> text
  end

  defp measured(text) do
    if plain?(text) do
      {text, byte_size(text)}
    else
      clean = clean(text)
      {clean, columns(clean, 0)}
    end
  end

  defp cells(text, cells) do
    case Cell.next(text) do
      {cell, _columns, rest} -> cells(rest, [cell | cells])
      nil -> cells
    end
  end

  defp join(cells), do: cells |> Enum.reverse() |> IO.iodata_to_binary()

  # Most text is, and needs no table.
  defp plain?(<<c, rest::binary>>) when c in 0x20..0x7E, do: plain?(rest)
  defp plain?(rest), do: rest == ""
end
