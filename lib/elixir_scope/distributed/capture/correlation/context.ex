defmodule ElixirScope.Distributed.Capture.Correlation.Context do
  @moduledoc false
  # What is known of a correlation beside its key: the user's own term for it, and a
  # small map. A process keeps that of its extent in its dictionary, for Elixir's side; the
  # key alone is in the native table, where trace points can read it.

  alias ElixirScope.Distributed.Capture.Correlation.Entry
  alias ElixirScope.Distributed.Error

  @enforce_keys [:id, :key]
  defstruct [:id, :key, :dropping, data: %{}]

  @type key :: integer | <<_::128>>

  @typedoc """
  `id` is the user's term, or the key again where that is not known. `dropping` are the numbers of
  the traces that leave it out, as was decided where it began; `nil` until it has begun.
  """
  @type t :: %__MODULE__{id: term, key: key, data: map, dropping: [pos_integer] | nil}

  @place :"$elixir_scope_context"

  # What a context may hold, as Erlang's external format counts it.
  @most_bytes 512

  # Where the ids of other tools are found in Logger's metadata, the first that is there.
  @picked [
    request_id: [:request_id],
    trace_id: [:trace_id, :otel_trace_id],
    span_id: [:span_id, :otel_span_id]
  ]

  @longest_id 128

  @doc "The context of an id, with what Logger's metadata says."
  @spec new(term, map) :: t
  def new(id, data \\ %{}) do
    data = picked(:logger.get_process_metadata(), data)
    %__MODULE__{id: id, key: key(id), data: data}
  end

  @doc "The key of an id: what is no integer of 64 bits and no 16 bytes is hashed, but for those of traced calls."
  @spec key(term) :: key
  def key(id) when is_integer(id) and id >= -0x8000000000000000 and id <= 0x7FFFFFFFFFFFFFFF,
    do: id

  def key(<<_::128>> = id), do: id

  def key(id), do: Entry.key(id) || hash(id)

  # The same bytes on every version of Erlang: atoms as UTF-8, maps sorted.
  defp hash(id), do: :erlang.md5(:erlang.term_to_binary(id, [:deterministic, minor_version: 2]))

  @doc "The context of the extent that the calling process is in."
  @spec current() :: t | nil
  def current, do: Process.get(@place)

  @doc "Makes it the calling process's."
  @spec put(t | nil) :: :ok
  def put(nil), do: ok(Process.delete(@place))
  def put(context), do: ok(Process.put(@place, context))

  @doc "The context with more in it, as long as it stays small."
  @spec add(t | nil, map | keyword) :: {:ok, t} | {:error, Error.t()}
  def add(nil, _more), do: {:error, Error.new(:no_correlation)}

  def add(context, more) do
    data = Map.merge(context.data, Map.new(more))

    if small?(data),
      do: {:ok, %{context | data: data}},
      else: {:error, Error.new(:context_too_large, limit: @most_bytes)}
  end

  @doc "Whether a map is small enough to be carried."
  @spec small?(map) :: boolean
  def small?(data), do: :erlang.external_size(data) <= @most_bytes

  @doc "Whether one says nothing that another does not."
  @spec same?(t | nil, t) :: boolean
  def same?(nil, _context), do: false
  def same?(before, context), do: %{before | dropping: nil} == %{context | dropping: nil}

  @doc "What is recorded when an extent begins."
  @spec told(t) :: map
  def told(context), do: %{id: context.id, context: context.data}

  # Most processes have none.
  defp picked(:undefined, data), do: data

  defp picked(metadata, data) do
    for {name, keys} <- @picked, id = Enum.find_value(keys, &text(metadata[&1])), reduce: data do
      data -> Map.put_new(data, name, id)
    end
  end

  defp text(id) when is_binary(id) and byte_size(id) <= @longest_id, do: id
  defp text(id) when is_integer(id), do: id
  defp text([_ | _] = id), do: if(List.ascii_printable?(id, @longest_id), do: first(id))
  defp text(_other), do: nil

  defp first(id), do: id |> Enum.take(@longest_id) |> List.to_string()

  defp ok(_before), do: :ok
end
