defmodule ElixirScope.Distributed.Query.Traces do
  @moduledoc false
  # Which traces an event belongs to. Of an event of several the store knows a number of their
  # set; which traces these are, the origin said in an event of its own when it made the number.
  # It is looked up only where an answer holds such a number.

  alias ElixirScope.Distributed.{Event, Options, Storage}
  alias ElixirScope.Distributed.Storage.Plugged
  alias ElixirScope.Distributed.Storages.Native

  @type sets :: %{{Event.origin() | node, number :: pos_integer} => [pos_integer]}

  @doc "What a store finds, each event with the numbers of its traces."
  @spec query(Native.t(), keyword) :: {:ok, Storage.matches([Event.t()])} | {:error, term}
  def query(store, filter) do
    with {:ok, matches} <- local(store, filter),
         {:ok, sets} <- announced(store, nodes(matches.events)),
         do: {:ok, Map.update!(matches, :events, &resolve(&1, sets))}
  end

  # What is kept beside the native store counts, too.
  defp local(store, filter) do
    case filter[:plugged] do
      {scope, timeout_ms} -> {:ok, Plugged.query(scope, filter, timeout_ms)}
      nil -> Native.query(store, filter)
    end
  end

  defp announced(_store, []), do: {:ok, %{}}

  defp announced(store, nodes) do
    with {:ok, matches} <- Native.query(store, announcements(nodes)),
         do: {:ok, sets(matches.events)}
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

  defp announcements(nodes) do
    Keyword.merge(Options.defaults(:filter),
      nodes: nodes,
      kinds: [:trace_started],
      contains: "joined",
      order: :desc
    )
  end
end
