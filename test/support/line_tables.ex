defmodule ElixirScope.Distributed.LineTables do
  @moduledoc false
  # What the compiled code of a module has on which line, read off its code and its line table: for
  # tests of what is found by other means.

  @doc "Each `{file, line}` with the functions that have code there, and all functions that there are."
  def of(beam) do
    {:beam_file, _, _, _, _, functions} = :beam_disasm.file(beam)
    table = table(beam)

    places =
      for {:function, name, arity, _, code} <- functions,
          written?(name),
          {:line, at} <- code,
          {file, line} when line > 0 <- [place(at, table)],
          uniq: true,
          do: {{file, line}, written(name, arity)}

    {Enum.group_by(places, &elem(&1, 0), &elem(&1, 1)),
     for({:function, name, arity, _, _} <- functions, do: written(name, arity))}
  end

  # `fun m/1` where it is written is a function of the compiler's, of no place.
  defp written?(name), do: not String.starts_with?(Atom.to_string(name), "-fun.")

  # What stands within a function becomes functions that are named after it.
  defp written(name, arity) do
    case Regex.run(~r/^-(?:inlined-)?(.+?)\/(\d+)-/s, Atom.to_string(name)) do
      [_, name, arity] -> {name, String.to_integer(arity)}
      nil -> {Atom.to_string(name), arity}
    end
  end

  defp place([{:location, file, line} | _], _table), do: {List.to_string(file), line}
  defp place(index, table) when is_integer(index) and index > 0, do: Enum.at(table, index - 1)
  defp place(_none, _table), do: nil

  defp table(beam) do
    {:ok, {_, [{_, chunk}]}} = :beam_lib.chunks(beam, [~c"Line"])
    <<_::32, _::32, _::32, lines::32, files::32, rest::binary>> = chunk
    {items, rest} = items(rest, lines, 0, [])
    names = names(rest, files)
    for {file, line} <- items, do: {Enum.at([nil | names], file), line}
  end

  defp items(rest, 0, _file, items), do: {Enum.reverse(items), rest}

  defp items(<<first, rest::binary>>, left, file, items) do
    {tag, value, rest} = term(first, rest)

    if tag == 2,
      do: items(rest, left, value, items),
      else: items(rest, left - 1, file, [{file, value} | items])
  end

  defp term(first, rest) do
    import Bitwise
    {tag, kind} = {first &&& 7, first >>> 3 &&& 3}
    if (kind &&& 1) == 0, do: {tag, first >>> 4, rest}, else: longer(tag, kind, first >>> 5, rest)
  end

  defp longer(tag, 1, high, <<low, rest::binary>>), do: {tag, high * 256 + low, rest}

  defp longer(tag, 3, size, bytes) do
    {value, rest} =
      {binary_part(bytes, 0, size + 2), binary_part(bytes, size + 2, byte_size(bytes) - size - 2)}

    {tag, :binary.decode_unsigned(value), rest}
  end

  defp names(_rest, 0), do: []

  defp names(<<size::16, name::binary-size(size), rest::binary>>, n),
    do: [name | names(rest, n - 1)]
end
