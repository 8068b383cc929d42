defmodule ElixirScope.Distributed.Causality.Shown do
  @moduledoc false
  # Events of a picture as people know them. Only those that are asked for are decoded, in a worker,
  # as what stands for their ids may have to be looked up on other nodes.

  alias ElixirScope.Distributed.{Causality, Event, Query}
  alias ElixirScope.Distributed.Causality.Core
  alias ElixirScope.Distributed.Query.Show

  @doc "Some events from a place on, with what is known of each."
  @spec rows(Causality.t(), non_neg_integer, non_neg_integer) :: [Causality.row()]
  def rows(picture, from, count) do
    for {row, event} <- both(picture, places(picture, from, count)) do
      row |> Map.drop([:given, :pair]) |> Map.put(:event, event)
    end
  end

  @doc "The events at some places."
  @spec events(Causality.t(), [non_neg_integer]) :: [Event.t()]
  def events(picture, places), do: for({_row, event} <- both(picture, places), do: event)

  defp places(_picture, _from, 0), do: []

  defp places(%{about: %{events: size}}, from, count),
    do: Enum.to_list(from..(min(from + count, size) - 1)//1)

  defp both(%{events: nil, picture: picture, survey: survey}, places) do
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

  defp both(%{picture: picture, events: events}, places),
    do: for(row <- Core.rows(picture, places), do: {row, elem(events, row.given)})

  defp shown(both, survey) do
    {rows, events} = Enum.unzip(both)
    Enum.zip(rows, Show.named(events, survey))
  end

  defp paired(event, nil), do: event

  defp paired(event, {how, other}),
    do: %{event | meta: Map.merge(event.meta, %{pairing: how, pair: other})}
end
