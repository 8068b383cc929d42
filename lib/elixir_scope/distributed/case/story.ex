defmodule ElixirScope.Distributed.Case.Story do
  @moduledoc false
  # What happened on the nodes of a test, as one picture. One node is asked for what all have; who is
  # cut off from it is asked for its own, so that a partition hides nothing.

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.{Causality, Event}
  alias ElixirScope.Distributed.Case.{Capture, Cluster}
  alias ElixirScope.Distributed.Query.Result
  alias ElixirScope.Distributed.View.Timeline

  # Events that are read, the newest; and lines that are printed.
  @most 100_000
  @lines 200

  @doc "What the nodes have of what matches, in stamp order."
  @spec result([node], keyword) :: Result.t()
  def result(nodes, filters \\ []) do
    filters = Keyword.merge([limit: @most, order: :desc], filters)

    case Capture.there(nodes) do
      [] -> %Result{events: [], nodes: nodes, missing: missing(nodes)}
      [first | _] = there -> first |> ask(filters) |> others(there -- [first], nodes, filters)
    end
  end

  defp ask(node, filters) do
    {:ok, result} = Cluster.on(node, Library, :query, [filters])
    result
  end

  # Of each node its own events, where it did not answer the first one.
  defp others(result, there, nodes, filters) do
    apart =
      for node <- there, node not in result.nodes or is_map_key(result.missing, node), do: node

    results = [result | for(node <- apart, do: ask(node, [nodes: [node]] ++ filters))]
    read = [hd(result.nodes) | Enum.flat_map(results, &(&1.nodes -- Map.keys(&1.missing)))]

    %{
      result
      | events: results |> Enum.flat_map(& &1.events) |> Enum.uniq_by(& &1.id) |> sorted(),
        nodes: nodes,
        missing: missing(nodes -- read),
        dropped: results |> Enum.map(& &1.dropped) |> Enum.sum(),
        more?: Enum.any?(results, & &1.more?)
    }
  end

  defp missing(nodes), do: Map.new(nodes, &{&1, {:node_unavailable, &1}})

  defp sorted(events) do
    Enum.sort_by(events, fn %{at: {logical, ns, node}, id: {{_node, incarnation}, seq}} ->
      {ns, logical, node, incarnation, seq}
    end)
  end

  @doc """
  What led to some events, or to the end of it all where none are named: lines that can be printed.
  """
  @spec lines([node], [Event.id()], keyword) :: [iodata]
  def lines(nodes, focus, options \\ []) do
    result = result(nodes)

    case Causality.build(%{result | events: of_the_code(result.events)}) do
      {:ok, %{about: %{events: 0}}} -> ["nothing was recorded"]
      {:ok, causality} -> causality |> led_to(focus, result) |> render(options)
      {:error, error} -> [Exception.message(error)]
    end
  end

  # What the processes did in which the code under test ran: others are the system's own business.
  defp of_the_code(events) do
    ran =
      for %{kind: kind, pid: pid} <- events, kind in [:call, :mark], into: MapSet.new(), do: pid

    Enum.filter(events, &(&1.pid == nil or &1.pid in ran))
  end

  defp led_to(causality, [], _result), do: causality

  defp led_to(causality, focus, result) do
    places =
      for id <- focus,
          {:ok, places} <- [Causality.led_to(causality, id)],
          place <- places,
          do: place

    own = for id <- focus, place = Causality.place(causality, id), do: place
    events = Causality.events(causality, Enum.sort(Enum.uniq(places ++ own)))
    {:ok, causality} = Causality.build(%{result | events: sorted(events)})
    causality
  end

  defp render(causality, options) do
    lines = causality |> Timeline.render(options) |> Enum.to_list()
    more = length(lines) - @lines
    if more > 0, do: ["… #{more} earlier lines" | Enum.take(lines, -@lines)], else: lines
  end
end
