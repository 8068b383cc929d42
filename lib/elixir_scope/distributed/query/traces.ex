defmodule ElixirScope.Distributed.Query.Traces do
  @moduledoc false
  # Which traces an event belongs to. Of an event of several the store knows a number of their
  # set; which traces these are, the origin said in an event of its own when it made the number.
  # It is looked up only where an answer holds such a number.

  alias ElixirScope.Distributed.Event

  @type sets :: %{{Event.origin() | node, number :: pos_integer} => [pos_integer]}

  @doc "The events, each with the numbers of its traces; `find` reads events by a filter."
  @spec show([Event.t()], (keyword -> [Event.t()])) :: [Event.t()]
  def show(events, find) do
    case nodes(events) do
      [] -> events
      nodes -> resolve(events, nodes |> announcements() |> find.() |> sets())
    end
  end

  @doc "The sets that events announce, newest first: a node that ended its origin goes on counting."
  @spec sets([Event.t()]) :: sets
  def sets(announced) do
    for %{id: {{node, _incarnation} = origin, _seq}, data: %{joined: number, traces: ids}} <-
          Enum.reverse(announced),
        key <- [{origin, number}, {node, number}],
        into: %{},
        do: {key, ids}
  end

  @doc "Events with the traces that a number stands for; of one that nobody explains, with none."
  @spec resolve([Event.t()], sets) :: [Event.t()]
  def resolve(events, sets), do: Enum.map(events, &named(&1, sets))

  defp named(%{id: {{node, _} = origin, _seq}, meta: %{traces: {:joined, number}}} = event, sets) do
    ids = sets[{origin, number}] || sets[{node, number}] || []
    put_in(event.meta.traces, ids)
  end

  defp named(event, _sets), do: event

  defp nodes(events),
    do: for(%{meta: %{traces: {:joined, _}}} = event <- events, uniq: true, do: event.node)

  defp announcements(nodes),
    do: [nodes: nodes, kinds: [:trace_started], contains: "joined", order: :desc]
end
