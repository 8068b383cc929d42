defmodule ElixirScope.Distributed.Inject.Guest.Outbox do
  @moduledoc false
  # Events on their way to who asked for them, in batches of which only so many are unanswered. What
  # does not fit while they wait is dropped and counted: an event of the kind `:gap` stands where it
  # is missing. A connection that is busy is not waited for.
  #
  # Invariant: `seq` counts the events that were put in, gaps included.

  @batch_events 500
  @batch_bytes 128 * 1024
  @waiting_events 5_000
  @waiting_bytes 2 * 1024 * 1024
  @unanswered 4

  @type t :: map

  @doc "Every bound, for who says beforehand what will be done."
  @spec limits() :: map
  def limits do
    %{
      batch_events: @batch_events,
      batch_bytes: @batch_bytes,
      waiting_events: @waiting_events,
      waiting_bytes: @waiting_bytes,
      unanswered: @unanswered
    }
  end

  @doc "Nothing is on its way."
  @spec new(reference, pid) :: t
  def new(ref, owner) do
    :maps.merge(
      %{ref: ref, owner: owner, credit: @unanswered, seq: 0, sent: 0, dropped: 0, lost: 0},
      %{full: :queue.new(), open: [], events: 0, bytes: 0, waiting: 0, held: 0}
    )
  end

  @doc "Puts an event in, `{ns, pid, kind, subject, data, meta}`, or drops it."
  @spec put(t, tuple, non_neg_integer) :: t
  def put(%{waiting: waiting, held: held} = out, _event, bytes)
      when waiting >= @waiting_events or (waiting > 0 and held + bytes > @waiting_bytes),
      do: %{out | dropped: out.dropped + 1, lost: out.lost + 1}

  def put(%{lost: 0} = out, event, bytes), do: add(out, event, bytes)

  def put(out, {ns, _pid, _kind, _subject, _data, _meta} = event, bytes),
    do: out |> gap(ns) |> add(event, bytes)

  @doc "Sends what may be sent."
  @spec flush(t) :: t
  def flush(%{credit: 0} = out), do: out

  def flush(out) do
    case :queue.out(out.full) do
      {{:value, batch}, rest} -> sent(out, batch, %{out | full: rest})
      {:empty, _none} -> last(out)
    end
  end

  @doc "One batch was answered."
  @spec answered(t) :: t
  def answered(out), do: %{out | credit: min(out.credit + 1, @unanswered)}

  @doc "Whether nothing waits to be sent. What was lost last has its gap first."
  @spec empty?(t) :: boolean
  def empty?(out), do: out.waiting == 0 and out.lost == 0

  @doc "Says what is missing behind the last event, too."
  @spec finished(t, integer) :: t
  def finished(%{lost: 0} = out, _ns), do: out
  def finished(out, ns), do: gap(out, ns)

  defp last(%{events: 0} = out), do: out
  defp last(out), do: sent(out, batch(out), emptied(out))

  defp add(out, {ns, pid, kind, subject, data, meta}, bytes) do
    seq = out.seq + 1
    event = {seq, ns, pid, kind, subject, data, meta}
    out = %{out | seq: seq, open: [event | out.open], events: out.events + 1}
    out = %{out | bytes: out.bytes + bytes, waiting: out.waiting + 1, held: out.held + bytes}
    if out.events >= @batch_events or out.bytes >= @batch_bytes, do: closed(out), else: out
  end

  defp gap(out, ns) do
    gap = {ns, nil, :gap, nil, %{dropped: out.lost}, %{}}
    add(%{out | lost: 0}, gap, 64)
  end

  defp closed(out), do: emptied(%{out | full: :queue.in(batch(out), out.full)})
  defp batch(out), do: {:lists.reverse(out.open), out.events, out.bytes}
  defp emptied(out), do: %{out | open: [], events: 0, bytes: 0}

  # `before` is what stays if it cannot be sent now.
  defp sent(before, {events, count, bytes}, out) do
    message = {out.ref, :batch, out.sent + 1, self(), :erlang.time_offset(:nanosecond), events}

    case :erlang.send(out.owner, message, [:nosuspend, :noconnect]) do
      :ok -> flush(gone(out, count, bytes))
      _busy_or_gone -> before
    end
  end

  defp gone(out, count, bytes) do
    out = %{out | credit: out.credit - 1, sent: out.sent + 1}
    %{out | waiting: out.waiting - count, held: out.held - bytes}
  end
end
