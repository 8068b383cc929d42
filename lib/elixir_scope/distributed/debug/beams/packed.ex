defmodule ElixirScope.Distributed.Debug.Beams.Packed do
  @moduledoc false
  # Unpacks what zlib packed, and never more than a bound: what a file says of its own size need not be true.

  # Window bits, by which zlib tells its own form from that of gzip.
  @forms %{zlib: 15, gzip: 31}

  @doc "What was packed, if it has at most so many bytes."
  @spec unpack(binary, :zlib | :gzip, non_neg_integer) ::
          {:ok, binary} | {:error, :too_large | :bad_beam}
  def unpack(packed, form, most) do
    stream = :zlib.open()

    try do
      :ok = :zlib.inflateInit(stream, @forms[form])
      inflate(:zlib.safeInflate(stream, packed), stream, [], most)
    rescue
      ErlangError -> {:error, :bad_beam}
    after
      :zlib.close(stream)
    end
  end

  defp inflate({state, part}, stream, done, left) do
    left = left - IO.iodata_length(part)

    cond do
      left < 0 -> {:error, :too_large}
      state == :finished -> {:ok, IO.iodata_to_binary([done, part])}
      part == [] -> {:error, :bad_beam}
      true -> inflate(:zlib.safeInflate(stream, []), stream, [done, part], left)
    end
  end
end
