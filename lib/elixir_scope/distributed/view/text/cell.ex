defmodule ElixirScope.Distributed.View.Text.Cell do
  @moduledoc false
  # Text as a terminal takes it: a base with all that has no column of its own. Such a cell is never
  # cut. It is what UAX 29 calls a grapheme cluster, as far as columns go, by one version of Unicode
  # under every version of Erlang. Pure.

  alias ElixirScope.Distributed.View.Text.Table

  # Characters in one cell; more would be text without end in no columns, and the rest begins another.
  @most 16

  @joiner 0x200D
  @as_picture 0xFE0F
  @circle "◌"

  @named %{0 => "0", ?\a => "a", ?\b => "b", ?\t => "t", ?\n => "n", ?\v => "v"}
         |> Map.merge(%{?\f => "f", ?\r => "r", ?\e => "e", 0x7F => "d"})

  defguardp is_picture(class) when class in [?e, ?p]
  defguardp is_tone(point) when point in 0x1F3FB..0x1F3FF
  defguardp is_region(point) when point in 0x1F1E6..0x1F1FF
  defguardp is_key(point) when point in ?0..?9 or point in [?#, ?*]

  @doc "The first cell of a text as it is safe to print, its columns, and the rest of the text."
  @spec next(binary) :: {String.t(), columns :: pos_integer, rest :: binary} | nil
  def next(""), do: nil

  def next(<<c, d, rest::binary>>) when c in 0x20..0x7E and d in 0x20..0x7E,
    do: {<<c>>, 1, <<d, rest::binary>>}

  def next(<<point::utf8, rest::binary>> = text), do: next(Table.class(point), point, text, rest)
  def next(<<byte, rest::binary>>), do: shown("\\x" <> hex(byte, 2), rest)

  defp next(?x, point, _text, rest), do: shown(escape(point), rest)

  # What stands on nothing stands on a circle, not on what was drawn before it.
  defp next(?0, _point, text, rest) do
    {marks, 1, rest} = cell(text, rest, {1, nil}, 2)
    {@circle <> marks, 1, rest}
  end

  defp next(_class, point, text, <<other::utf8, rest::binary>>)
       when is_region(point) and is_region(other),
       do: cell(text, rest, {2, nil}, 2)

  defp next(?e, _point, text, rest), do: cell(text, rest, {2, :picture}, 1)
  defp next(?p, _point, text, rest), do: cell(text, rest, {1, :picture}, 1)
  defp next(?2, _point, text, rest), do: cell(text, rest, {2, nil}, 1)
  defp next(?1, key, text, rest) when is_key(key), do: cell(text, rest, {1, :key}, 1)
  defp next(?1, _point, text, rest), do: cell(text, rest, {1, nil}, 1)

  defp cell(text, rest, base, count) do
    {rest, columns} = grow(rest, base, count)
    {binary_part(text, 0, byte_size(text) - byte_size(rest)), columns, rest}
  end

  defp shown(escaped, rest), do: {escaped, byte_size(escaped), rest}

  # What belongs to a base of so many columns, which is a picture, a key of a telephone, or neither.
  defp grow(text, {columns, _base}, count) when count >= @most, do: {text, columns}

  defp grow(<<@as_picture::utf8, rest::binary>>, {_columns, base}, count) when base != nil,
    do: grow(rest, {2, base}, count + 1)

  defp grow(<<@joiner::utf8, point::utf8, rest::binary>> = text, {columns, :picture}, count) do
    if is_picture(Table.class(point)),
      do: grow(rest, {2, :picture}, count + 2),
      else: grow(behind(text, @joiner), {columns, :picture}, count + 1)
  end

  defp grow(<<point::utf8, rest::binary>>, {_columns, :picture}, count) when is_tone(point),
    do: grow(rest, {2, :picture}, count + 1)

  defp grow(<<point::utf8, rest::binary>> = text, {columns, _} = base, count) do
    if Table.class(point) == ?0, do: grow(rest, base, count + 1), else: {text, columns}
  end

  defp grow(text, {columns, _base}, _count), do: {text, columns}

  defp behind(text, point) do
    first = byte_size(<<point::utf8>>)
    binary_part(text, first, byte_size(text) - first)
  end

  @doc "A character as Elixir writes it in a string."
  @spec escape(char) :: String.t()
  def escape(point) when is_map_key(@named, point), do: "\\" <> @named[point]
  def escape(point) when point < 0x80, do: "\\x" <> hex(point, 2)
  def escape(point) when point < 0x10000, do: "\\u" <> hex(point, 4)
  def escape(point), do: "\\u{" <> hex(point, 1) <> "}"

  defp hex(number, digits), do: number |> Integer.to_string(16) |> String.pad_leading(digits, "0")
end
