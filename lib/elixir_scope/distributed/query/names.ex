defmodule ElixirScope.Distributed.Query.Names do
  @moduledoc false
  # Correlation ids as their users call them. An event has its id as a key; the term was
  # recorded once, by the mark that began the extent. That mark may stand in the same
  # answer, else it is looked for; where it is not found, the key stays.

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.Event

  # Ids whose marks are looked for, for one answer.
  @most 100

  @type lookup :: (Correlation.Context.key() -> [Event.t()])

  @doc "The events with the users' terms in place of keys; `lookup` finds marks by their key."
  @spec show([Event.t()], lookup) :: [Event.t()]
  def show(events, lookup) do
    case for(%{correlation_id: <<_::128>> = key} <- events, uniq: true, do: key) do
      [] -> events
      keys -> keys |> names(learn(events), lookup) |> rename(events)
    end
  end

  defp names(keys, known, lookup) do
    keys
    |> Enum.reject(&is_map_key(known, &1))
    |> Enum.take(@most)
    |> Enum.reduce(known, fn key, names -> Map.merge(names, learn(lookup.(key))) end)
  end

  # A mark is believed when its term has that key: others may record marks of this name, too.
  defp learn(events) do
    for %Event{kind: :mark, subject: :correlation, data: %{id: id}} = event <- events,
        id != event.correlation_id,
        Correlation.key(id) == event.correlation_id,
        into: %{},
        do: {event.correlation_id, id}
  end

  defp rename(names, events) when names == %{}, do: events
  defp rename(names, events), do: Enum.map(events, &named(&1, names))

  defp named(%{correlation_id: key} = event, names) do
    case names do
      %{^key => id} -> %{event | correlation_id: id}
      _unknown -> event
    end
  end
end
