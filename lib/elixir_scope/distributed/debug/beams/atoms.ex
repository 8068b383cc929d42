defmodule ElixirScope.Distributed.Debug.Beams.Atoms do
  @moduledoc false
  # How many atoms it makes at most to read a BEAM file: judged by the sizes of its parts, which costs
  # nothing, or counted. Nothing is decoded, and none is made. Pure.

  # Chunks that hold names, and of these those which are external terms.
  @terms ["Attr", "CInf", "Dbgi", "Abst"]
  @tables ["Atom", "AtU8"]

  # Debug information, unpacked. The largest of Elixir and OTP has 6 MiB.
  @term_bytes 32 * 1024 * 1024

  # An atom in an external term or in a table takes at least a length, in a term also a tag, and its letters. There
  # are fewer than 20,000 names of up to two bytes (each is ASCII, or both are one character).
  @bytes_per_atom 4
  @short_names 20_000

  @type reason :: :bad_beam | :too_large

  @doc "At most, by sizes alone."
  @spec estimate(binary) :: {:ok, non_neg_integer} | {:error, reason}
  def estimate(code), do: sum(code, &by_size/2)

  @doc "The names in each part, counted."
  @spec count(binary) :: {:ok, non_neg_integer} | {:error, reason}
  def count(code), do: sum(code, &by_name/2)

  defp sum(<<"FOR1", _size::32, "BEAM", chunks::binary>>, how), do: sum(chunks, how, 0)
  defp sum(_other, _how), do: {:error, :bad_beam}

  defp sum(<<id::binary-4, size::32, data::binary-size(size), rest::binary>>, how, sum) do
    padding = min(rem(4 - rem(size, 4), 4), byte_size(rest))
    rest = binary_part(rest, padding, byte_size(rest) - padding)
    with {:ok, atoms} <- in_chunk(id, data, how), do: sum(rest, how, sum + atoms)
  end

  defp sum(<<>>, _how, sum), do: {:ok, sum}
  defp sum(_cut, _how, _sum), do: {:error, :bad_beam}

  defp in_chunk(id, data, how) when id in @terms do
    case unpacked_size(data) do
      size when size > @term_bytes -> {:error, :too_large}
      size -> how.(data, size)
    end
  end

  defp in_chunk(id, data, _how) when id in @tables, do: by_size(data, byte_size(data))
  defp in_chunk(_id, _data, _how), do: {:ok, 0}

  # A packed term says how large it is, and the VM refuses it if that is wrong.
  defp unpacked_size(<<131, 80, size::32, _packed::binary>>), do: size
  defp unpacked_size(data), do: byte_size(data)

  defp by_size(_data, size),
    do: {:ok, min(div(size, 2), @short_names + div(size, @bytes_per_atom))}

  defp by_name(data, size) do
    with {:ok, term} <- unpack(data, size), do: distinct(term, MapSet.new())
  end

  defp unpack(<<131, 80, _size::32, packed::binary>>, size) do
    stream = :zlib.open()
    :ok = :zlib.inflateInit(stream)

    try do
      inflate(:zlib.safeInflate(stream, packed), stream, [], size)
    after
      :zlib.close(stream)
    end
  end

  defp unpack(<<131, term::binary>>, _size), do: {:ok, term}
  defp unpack(<<>>, _size), do: {:ok, <<>>}
  defp unpack(_other, _size), do: {:error, :bad_beam}

  # Never more than was said.
  defp inflate({state, part}, stream, done, left) do
    left = left - IO.iodata_length(part)

    cond do
      left < 0 -> {:error, :bad_beam}
      state == :finished -> {:ok, IO.iodata_to_binary([done, part])}
      true -> inflate(:zlib.safeInflate(stream, []), stream, [done, part], left)
    end
  end

  # An external term is a row of heads: what a list or a tuple holds follows it, as many as it says.
  # So the row can be read without building anything.
  defp distinct(<<tag, size, name::binary-size(size), rest::binary>>, names)
       when tag in [115, 119],
       do: distinct(rest, MapSet.put(names, name))

  defp distinct(<<tag, size::16, name::binary-size(size), rest::binary>>, names)
       when tag in [100, 118],
       do: distinct(rest, MapSet.put(names, name))

  defp distinct(<<97, _, rest::binary>>, names), do: distinct(rest, names)
  defp distinct(<<98, _::32, rest::binary>>, names), do: distinct(rest, names)
  defp distinct(<<70, _::64, rest::binary>>, names), do: distinct(rest, names)
  defp distinct(<<104, _arity, rest::binary>>, names), do: distinct(rest, names)
  defp distinct(<<106, rest::binary>>, names), do: distinct(rest, names)
  defp distinct(<<113, rest::binary>>, names), do: distinct(rest, names)

  # A large tuple, a list, a map.
  defp distinct(<<tag, _count::32, rest::binary>>, names) when tag in [105, 108, 116],
    do: distinct(rest, names)

  defp distinct(<<107, size::16, _::binary-size(size), rest::binary>>, names),
    do: distinct(rest, names)

  defp distinct(<<109, size::32, _::binary-size(size), rest::binary>>, names),
    do: distinct(rest, names)

  defp distinct(<<77, size::32, _bits, _::binary-size(size), rest::binary>>, names),
    do: distinct(rest, names)

  defp distinct(<<110, size, _sign, _::binary-size(size), rest::binary>>, names),
    do: distinct(rest, names)

  defp distinct(<<111, size::32, _sign, _::binary-size(size), rest::binary>>, names),
    do: distinct(rest, names)

  defp distinct(<<>>, names), do: {:ok, MapSet.size(names)}

  # Processes, references, other functions: no compiler writes these.
  defp distinct(_other, _names), do: {:error, :bad_beam}
end
