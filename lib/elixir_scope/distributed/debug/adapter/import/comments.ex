defmodule ElixirScope.Distributed.Debug.Adapter.Import.Comments do
  @moduledoc false
  # JSON as editors keep it: with comments, commas behind the last item, and a mark of its byte order. All of it
  # becomes blanks, so that every byte that stays is where it was.

  @doc """
  The same text without them.

      iex> ElixirScope.Distributed.Debug.Adapter.Import.Comments.blank(~s([1, // one\\n "//",]))
      ~s([1,       \\n "//" ])
  """
  @spec blank(String.t()) :: String.t()
  def blank(<<0xEF, 0xBB, 0xBF, rest::binary>>), do: blank("   " <> rest)
  def blank(text), do: text |> code([]) |> Enum.reverse() |> commas([]) |> IO.iodata_to_binary()

  # Tokens, the last one first: what is outside of texts byte by byte, a text as one.
  defp code("//" <> rest, done), do: line(rest, ["  " | done])
  defp code("/*" <> rest, done), do: rest |> :binary.match("*/") |> comment(rest, done)
  defp code(<<?", rest::binary>>, done), do: string(rest, rest, 0, done)
  defp code(<<byte, rest::binary>>, done), do: code(rest, [byte | done])
  defp code("", done), do: done

  defp line(<<?\n, _::binary>> = rest, done), do: code(rest, done)
  defp line(<<_byte, rest::binary>>, done), do: line(rest, [?\s | done])
  defp line("", done), do: done

  # One that never ends is no comment: the decoder says where.
  defp comment(:nomatch, rest, done), do: code(rest, [?*, ?/ | done])
  defp comment({length, 2}, rest, done), do: block(rest, length, ["  " | done])

  defp block("*/" <> rest, 0, done), do: code(rest, ["  " | done])
  defp block(<<?\n, rest::binary>>, left, done), do: block(rest, left - 1, [?\n | done])
  defp block(<<_byte, rest::binary>>, left, done), do: block(rest, left - 1, [?\s | done])

  defp string(<<?\\, _byte, rest::binary>>, text, length, done),
    do: string(rest, text, length + 2, done)

  defp string(<<?", rest::binary>>, text, length, done),
    do: code(rest, [[?", binary_part(text, 0, length), ?"] | done])

  defp string(<<_byte, rest::binary>>, text, length, done),
    do: string(rest, text, length + 1, done)

  defp string("", text, _length, done), do: [[?", text] | done]

  # A comma before nothing but blanks and a bracket.
  defp commas([?, | rest], done),
    do: commas(rest, [if(last?(rest), do: ?\s, else: ?,) | done])

  defp commas([token | rest], done), do: commas(rest, [token | done])
  defp commas([], done), do: Enum.reverse(done)

  defp last?([blank | rest]) when blank in [?\s, ?\t, ?\r, ?\n, "  "], do: last?(rest)
  defp last?([bracket | _rest]), do: bracket in [?], ?}]
  defp last?([]), do: false
end
