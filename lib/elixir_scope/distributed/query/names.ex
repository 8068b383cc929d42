defmodule ElixirScope.Distributed.Query.Names do
  @moduledoc false
  # Correlation ids as their users call them. An event has its id as a key; the term was
  # recorded once, by the mark that began the extent. That mark may stand in the same
  # answer, else it is looked for; where it is not found, the key stays.

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.Event

  # Ids whose marks are looked for, for one answer.
  @most 100

  # How often is looked for those which are left: marks of one id may be so many that others
  # find no room in what is found.
  @rounds 3

  @type lookup :: ([Correlation.Context.key()] -> [Event.t()])

  @doc "The events with the users' terms in place of keys; `lookup` finds marks by their keys."
  @spec show([Event.t()], lookup) :: [Event.t()]
  def show(events, lookup) do
    case for(%{correlation_id: <<_::128>> = key} <- events, uniq: true, do: key) do
      [] -> events
      keys -> keys |> names(learn(events), lookup) |> rename(events)
    end
  end

  defp names(keys, known, lookup),
    do:
      keys
      |> Enum.reject(&is_map_key(known, &1))
      |> Enum.take(@most)
      |> look(known, lookup, @rounds)

  defp look([], known, _lookup, _rounds), do: known
  defp look(_keys, known, _lookup, 0), do: known

  defp look(keys, known, lookup, rounds) do
    found = learn(lookup.(keys))
    left = Enum.reject(keys, &is_map_key(found, &1))
    rounds = if length(left) < length(keys), do: rounds - 1, else: 0
    look(left, Map.merge(known, found), lookup, rounds)
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
