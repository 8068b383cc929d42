defmodule ElixirScope.Distributed.Inject.Pairs do
  @moduledoc false
  # Which send and which receive are of one message, among those of one node, in the words of
  # `ElixirScope.Distributed.Event`. What has to agree is the sender, the receiver and the content. A
  # reference in the content, seen once at each end, makes it exact where nothing is missing; else one
  # candidate at each end is likely, and several are in the order that the VM keeps.

  alias ElixirScope.Distributed.Event

  @kinds [:send, :receive]

  # As queries have it.
  @candidates 8

  @doc "The events, those of messages with what is known of their other halves."
  @spec show([Event.t()], whole? :: boolean) :: [Event.t()]
  def show(events, whole?) do
    pairs =
      for(
        %{kind: kind, data: data} = event when kind in @kinds and data != nil <- events,
        do: event
      )
      |> Enum.group_by(&key/1)
      |> Enum.flat_map(fn {key, alike} ->
        pair(key, Enum.split_with(alike, &(&1.kind == :send)), whole?)
      end)
      |> Map.new()

    Enum.map(events, &paired(&1, pairs))
  end

  defp key(%{kind: :send} = event), do: {event.pid, event.subject, event.data}
  defp key(%{kind: :receive} = event), do: {event.subject, event.pid, event.data}

  # To or from somebody who is not known, nothing is known.
  defp pair({from, to, _data}, _sides, _whole?) when not is_pid(from) or not is_pid(to), do: []
  defp pair(_key, {[], _received}, _whole?), do: []
  defp pair(_key, {_sent, []}, _whole?), do: []

  defp pair({_from, _to, data}, {[send], [received]}, whole?),
    do: both(send, received, if(whole? and reference?(data), do: :exact, else: :likely))

  defp pair(_key, {sent, received}, whole?) do
    if whole? and length(sent) == length(received),
      do:
        sent
        |> Enum.zip(received)
        |> Enum.flat_map(fn {one, other} -> both(one, other, :likely) end),
      else: unsure(sent, received) ++ unsure(received, sent)
  end

  defp both(one, other, how), do: [{one.id, {how, other.id}}, {other.id, {how, one.id}}]

  defp unsure(these, those),
    do: for(one <- these, do: {one.id, {:ambiguous, nearest(one, those)}})

  defp nearest(one, those) do
    those
    |> Enum.sort_by(&abs(&1.mono_ns - one.mono_ns))
    |> Enum.take(@candidates)
    |> Enum.map(& &1.id)
  end

  defp reference?(term) when is_reference(term), do: true
  defp reference?(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> reference?()
  defp reference?([head | tail]), do: reference?(head) or reference?(tail)
  defp reference?(%{} = map), do: map |> Map.to_list() |> reference?()
  defp reference?(_other), do: false

  defp paired(event, pairs) do
    case Map.get(pairs, event.id) do
      nil -> event
      {how, other} -> %{event | meta: Map.merge(event.meta, %{pairing: how, pair: other})}
    end
  end
end
