defmodule ElixirScope.Distributed.Debug.Lines.LineTable do
  @moduledoc false
  # The chunk "Line" of a BEAM file: which line of which file each of the code's line
  # instructions stands for, counted from 1. Pure, and does not fail whatever it is given.
  #
  # A line is a number with tag 1; before it there is one with tag 2 where its file is another
  # one than that of the line before. The files' names follow. Numbers are the VM's compact terms.

  @type line :: {file :: non_neg_integer, line :: non_neg_integer}

  @doc "The lines, and the names of the files 1 and on; file 0 has the module's own name."
  @spec parse(term) :: {:ok, [line], [String.t()]} | :error
  def parse(<<_version::32, _flags::32, _instructions::32, lines::32, files::32, rest::binary>>),
    do: lines(rest, lines, files, 0, [])

  def parse(_other), do: :error

  defp lines(rest, 0, files, _file, lines), do: names(rest, files, Enum.reverse(lines), [])

  defp lines(rest, left, files, file, lines) do
    case number(rest) do
      {1, line, rest} -> lines(rest, left - 1, files, file, [{file, line} | lines])
      {2, file, rest} -> lines(rest, left, files, file, lines)
      _else -> :error
    end
  end

  defp number(<<value::4, 0::1, tag::3, rest::binary>>), do: {tag, value, rest}
  defp number(<<high::3, 0b01::2, tag::3, low, rest::binary>>), do: {tag, high * 256 + low, rest}
  defp number(<<0::3, 0b11::2, tag::3, value::16, rest::binary>>), do: {tag, value, rest}
  defp number(<<1::3, 0b11::2, tag::3, value::24, rest::binary>>), do: {tag, value, rest}
  defp number(<<2::3, 0b11::2, tag::3, value::32, rest::binary>>), do: {tag, value, rest}
  defp number(_larger), do: :error

  defp names(_rest, 0, lines, names), do: {:ok, lines, Enum.reverse(names)}

  defp names(<<size::16, name::binary-size(size), rest::binary>>, left, lines, names),
    do: names(rest, left - 1, lines, [name | names])

  defp names(_rest, _left, _lines, _names), do: :error
end
