defmodule ElixirScope.Distributed.Causality.Shown do
  @moduledoc false
  # Events of a picture as people know them. Only those that are asked for are decoded, in a worker,
  # as what stands for their ids may have to be looked up on other nodes.

  alias ElixirScope.Distributed.{Causality, Event, Query}
  alias ElixirScope.Distributed.Causality.Core
  alias ElixirScope.Distributed.Query.Show

  # Events that are decoded in one call.
  @part 2_048

  @doc "Some events from a place on, with what is known of each."
  @spec rows(Causality.t(), non_neg_integer, non_neg_integer) :: [Causality.row()]
  def rows(picture, from, count) do
    for {row, event} <- both(picture, places(picture, from, count)) do
      {brought_in?, row} = Map.pop!(row, :brought_in)
      row |> Map.drop([:given, :pair]) |> Map.merge(%{event: event, brought_in?: brought_in?})
    end
  end

  @doc "The events at some places."
  @spec events(Causality.t(), [non_neg_integer]) :: [Event.t()]
  def events(picture, places), do: for({_row, event} <- both(picture, places), do: event)

  defp places(_picture, _from, 0), do: []

  defp places(%{about: %{events: size}}, from, count),
    do: Enum.to_list(from..(min(from + count, size) - 1)//1)

  defp both(picture, places),
    do: places |> Enum.chunk_every(@part) |> Enum.flat_map(&part(picture, &1))

  defp part(%{events: nil, picture: picture, survey: survey}, places) do
    found = fn ->
      rows = Core.rows(picture, places)
      events = Core.events(picture, survey.scope.node, for(row <- rows, do: row.place))
      for {row, %Event{} = event} <- Enum.zip(rows, events), do: {row, paired(event, row.pair)}
    end

    case Query.aside(survey.scope, fn -> shown(found.(), survey) end) do
      {:ok, both} -> both
      # The scope has stopped: nothing can be looked up.
      {:error, _stopped} -> found.()
    end
  end

  defp part(%{picture: picture, events: events}, places),
    do: for(row <- Core.rows(picture, places), do: {row, elem(events, row.given)})

  defp shown(both, survey) do
    {rows, events} = Enum.unzip(both)
    Enum.zip(rows, Show.named(events, survey))
  end

  defp paired(event, nil), do: event

  defp paired(event, {how, other}),
    do: %{event | meta: Map.merge(event.meta, %{pairing: how, pair: other})}
end
