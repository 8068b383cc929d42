defmodule ElixirScope.Distributed.Capture.Correlation.Carrier do
  @moduledoc false
  # A context as text that fits into an HTTP header or a job's arguments: a version, and in
  # base 64 a checksum, the key, and the external format of what else there is. Whoever sent
  # it may be anybody: it makes no atom, buys no more memory than it has bytes, and what it
  # claims an id to be has to have that key.

  alias ElixirScope.Distributed.Capture.Correlation.Context
  alias ElixirScope.Distributed.Error

  @version "es1."
  @longest 2_048
  @longest_id 256
  # As many as run at one time: native/scope_trace/src/traces.rs has the same number.
  @most_traces 63

  @doc "The context as text. An id that is too long for it goes by its key alone."
  @spec encode(Context.t()) :: binary
  def encode(context) do
    body = key(context.key) <> :erlang.term_to_binary(rest(context), minor_version: 2)
    @version <> Base.url_encode64(<<:erlang.crc32(body)::32>> <> body, padding: false)
  end

  @doc "Reads a context back, wherever it comes from."
  @spec decode(term) :: {:ok, Context.t()} | {:error, Error.t()}
  def decode(@version <> text = carried) when byte_size(carried) <= @longest do
    with {:ok, <<sum::32, body::binary>>} <- Base.url_decode64(text, padding: false),
         ^sum <- :erlang.crc32(body),
         {:ok, key, rest} <- split(body) do
      read(key, term(rest))
    else
      _damaged -> refuse("it is damaged")
    end
  end

  def decode(carried) when is_binary(carried) and byte_size(carried) > @longest,
    do: refuse("it is longer than #{@longest} bytes")

  def decode(_other), do: refuse("it was not made by context/0")

  defp rest(%{id: id, key: key, data: data} = context) do
    known = if id != key and :erlang.external_size(id) <= @longest_id, do: [id], else: []
    named({known, if(Context.small?(data), do: data, else: %{})}, context.dropping)
  end

  # Most are left out by no trace, and are as short as they can be.
  defp named(rest, dropping) when dropping in [nil, []], do: rest
  defp named({known, data}, dropping), do: {known, data, dropping}

  defp key(key) when is_integer(key), do: <<0, key::signed-64>>
  defp key(key), do: <<1, key::binary>>

  defp split(<<0, key::signed-64, rest::binary>>), do: {:ok, key, rest}
  defp split(<<1, key::binary-16, rest::binary>>), do: {:ok, key, rest}
  defp split(_damaged), do: :error

  # Compressed terms are larger than their bytes; functions have no place here.
  defp term(<<131, tag, _::binary>> = bytes) when tag != 80 do
    {:ok, :erlang.binary_to_term(bytes, [:safe])}
  rescue
    # Of names that are not known on this node there is the key at least.
    ArgumentError -> :unknown
  end

  defp term(_bytes), do: :error

  defp read(key, :unknown), do: {:ok, %{Context.new(key) | dropping: []}}
  defp read(key, {:ok, {known, data}}), do: read(key, {:ok, {known, data, []}})
  defp read(key, {:ok, {[], data, dropping}}) when is_map(data), do: small(key, data, dropping)

  defp read(key, {:ok, {[id], data, dropping}}) when is_map(data) do
    if Context.key(id) == key,
      do: small(id, data, dropping),
      else: refuse("its id is another's")
  end

  defp read(_key, _other), do: refuse("it is damaged")

  defp small(id, data, dropping) do
    context = %{Context.new(id, data) | dropping: dropping}

    cond do
      not Context.small?(context.data) -> refuse("it holds too much")
      not numbers?(dropping, @most_traces) -> refuse("it is damaged")
      true -> {:ok, context}
    end
  end

  # What began elsewhere was decided there, also where nothing is left out.
  defp numbers?([], _left), do: true

  defp numbers?([number | rest], left) when number in 1..32_767 and left > 0,
    do: numbers?(rest, left - 1)

  defp numbers?(_other, _left), do: false

  defp refuse(why), do: {:error, Error.new(:bad_context, message: why)}
end
