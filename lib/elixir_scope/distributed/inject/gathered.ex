defmodule ElixirScope.Distributed.Inject.Gathered do
  @moduledoc false
  # From what the other node sent to events in order. Its clock alone says when: the order of a process
  # is kept where two of its events have one time. Which send and receive are of one message is
  # said as queries say it.

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Inject.Pairs

  @typedoc "`offset` is what that VM adds to its monotonic time to make it the time of day."
  @type batch :: {offset_ns :: integer, [tuple]}

  @doc "The events of all batches; `whole?` says that nothing is missing of them."
  @spec events([batch], {node, non_neg_integer}, boolean) :: [Event.t()]
  def events(batches, origin, whole?) do
    events = for {offset, events} <- batches, event <- events, do: event(event, offset, origin)

    events
    |> Enum.sort_by(fn %{at: {_logical, ns, _node}, id: {_origin, seq}} -> {ns, seq} end)
    |> Pairs.show(whole?)
  end

  defp event({seq, ns, pid, kind, subject, data, meta}, offset, {node, _incarnation} = origin) do
    %Event{
      id: {origin, seq},
      at: {0, ns + offset, node},
      mono_ns: ns,
      node: node,
      pid: pid,
      kind: kind,
      subject: subject,
      data: data,
      meta: meta
    }
  end
end
