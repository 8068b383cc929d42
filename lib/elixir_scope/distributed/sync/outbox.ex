defmodule ElixirScope.Distributed.Sync.Outbox do
  @moduledoc false
  # What a busy connection did not take yet, in order, for each peer by itself: who is slow keeps
  # nobody else waiting. It is tried again ever more rarely, as other users of the connection come
  # first. What finds no room is forgotten: whoever lacks it asks again. Pure but for `send`.

  @limit_bytes 2 * 1024 * 1024
  @first_ms 5
  @slowest_ms 200

  defstruct waiting: %{}, bytes: %{}, wait_ms: @first_ms, dropped: 0

  @type outcome :: :ok | {:error, :busy | :unreachable}
  @type send :: (node, binary -> outcome)
  @type t :: %__MODULE__{
          waiting: %{node => :queue.queue(binary)},
          bytes: %{node => non_neg_integer},
          wait_ms: pos_integer,
          dropped: non_neg_integer
        }

  @doc "Sends a batch to `node`, behind what waits for it already."
  @spec put(t, node, binary, send) :: t
  def put(%{waiting: waiting} = outbox, node, batch, _send) when is_map_key(waiting, node),
    do: keep(outbox, node, batch)

  def put(outbox, node, batch, send) do
    if send.(node, batch) == {:error, :busy}, do: keep(outbox, node, batch), else: outbox
  end

  @doc "Tries again what waits."
  @spec retry(t, send) :: t
  def retry(outbox, send) do
    before = held(outbox)
    outbox = Enum.reduce(Map.keys(outbox.waiting), outbox, &flush(&2, &1, send))

    if held(outbox) < before,
      do: %{outbox | wait_ms: @first_ms},
      else: %{outbox | wait_ms: min(outbox.wait_ms * 2, @slowest_ms)}
  end

  @doc "Nobody is there to take what waits for `node`."
  @spec gone(t, node) :: t
  def gone(outbox, node),
    do: %{
      outbox
      | waiting: Map.delete(outbox.waiting, node),
        bytes: Map.delete(outbox.bytes, node)
    }

  @doc "When to try again, in milliseconds; `nil` while nothing waits."
  @spec next_ms(t) :: pos_integer | nil
  def next_ms(outbox), do: if(outbox.waiting == %{}, do: nil, else: outbox.wait_ms)

  @doc """
  Its bound for each peer, what waits for the one for which most does, and for all of them, and how
  much was forgotten.
  """
  @spec status(t) :: map
  def status(outbox) do
    most = outbox.bytes |> Map.values() |> Enum.max(fn -> 0 end)
    %{limit: @limit_bytes, most: most, bytes: held(outbox), dropped: outbox.dropped}
  end

  defp keep(outbox, node, batch) do
    bytes = Map.get(outbox.bytes, node, 0) + byte_size(batch)

    if bytes > @limit_bytes do
      %{outbox | dropped: outbox.dropped + 1}
    else
      queue = :queue.in(batch, Map.get(outbox.waiting, node, :queue.new()))
      put_queue(outbox, node, queue, bytes)
    end
  end

  defp put_queue(outbox, node, queue, bytes) do
    waiting = Map.put(outbox.waiting, node, queue)
    %{outbox | waiting: waiting, bytes: Map.put(outbox.bytes, node, bytes)}
  end

  defp flush(outbox, node, send) do
    case :queue.out(outbox.waiting[node]) do
      {:empty, _queue} -> gone(outbox, node)
      {{:value, batch}, rest} -> flush(outbox, node, batch, rest, send)
    end
  end

  defp flush(outbox, node, batch, rest, send) do
    if send.(node, batch) == {:error, :busy} do
      outbox
    else
      outbox |> put_queue(node, rest, outbox.bytes[node] - byte_size(batch)) |> flush(node, send)
    end
  end

  defp held(outbox), do: outbox.bytes |> Map.values() |> Enum.sum()
end
