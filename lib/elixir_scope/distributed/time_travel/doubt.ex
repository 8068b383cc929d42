defmodule ElixirScope.Distributed.TimeTravel.Doubt do
  @moduledoc false
  # What speaks against a state still being the one: events that were lost after it, the end of the
  # trace that captured it, a node that does not answer; and whether the process itself has ended.

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Query.{Find, Survey}
  alias ElixirScope.Distributed.TimeTravel.{Moment, State}
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  # A loss is told by an event that comes after it, within a round of whoever counts it.
  @told_ns 1_000_000_000

  @kinds [:gap, :trace_stopped]

  # Such events that are looked at.
  @most 1_000

  @type t :: %{
          since: GlobalTimestamp.t() | nil,
          reasons: [State.reason()],
          ended: GlobalTimestamp.t() | nil,
          dropped: non_neg_integer
        }

  @doc "What has happened between an event of a state and a moment."
  @spec since(Event.t(), Survey.t(), Moment.t()) :: t
  def since(event, survey, moment) do
    told = told(event, survey, moment)
    gaps = Enum.filter(told, &(&1.kind == :gap and concerns?(&1, event)))

    reasons =
      missing(event, survey) ++
        Enum.map(gaps, &{{:gap, &1.id}, event.at}) ++ ends(event, told, moment)

    %{
      reasons: Enum.map(reasons, &elem(&1, 0)),
      since: reasons |> Enum.map(&elem(&1, 1)) |> Enum.min_by(&at/1, fn -> nil end),
      ended: ended(event, told, moment),
      dropped: gaps |> Enum.map(&lost(&1.data)) |> Enum.sum()
    }
  end

  defp at({logical, ns, _node}), do: {ns, logical}

  # Mostly there is little of all this after a state, and one look tells it.
  defp told(event, survey, moment) do
    case find(event, survey, moment, [:exit | @kinds]) do
      many when length(many) == @most ->
        find(event, survey, moment, @kinds) ++ exit(event, survey, moment)

      all ->
        all
    end
  end

  defp find(event, survey, moment, kinds) do
    filter = [kinds: kinds, nodes: [event.node], from: event.at, limit: @most]
    Find.all(survey, filter ++ until(Moment.ns(moment)))
  end

  defp until(nil), do: []
  defp until(ns), do: [to: ns + @told_ns]

  defp exit(event, survey, moment) do
    filter = [pids: [event.pid], kinds: [:exit], from: event.at, limit: 1]
    Find.all(survey, filter ++ Moment.up_to(moment))
  end

  # What a trace left out is of that trace alone.
  defp concerns?(%{data: %{of: %{trace: trace}}}, event), do: trace in traces(event)
  defp concerns?(_gap, _event), do: true

  @doc "How many events a gap stands for."
  @spec lost(term) :: non_neg_integer
  def lost(count) when is_integer(count), do: count
  def lost(%{} = parts), do: Enum.sum(for key <- [:thinned, :refused], do: number(parts[key]))
  def lost(_other), do: 0

  defp number(n), do: if(is_integer(n), do: n, else: 0)

  defp ends(event, told, moment) do
    stops =
      for %{kind: :trace_stopped, data: %{trace: trace}} = stop <- told,
          trace in traces(event) and before?(stop, moment),
          into: %{},
          do: {trace, stop}

    last = stops |> Map.values() |> Enum.max_by(&at(&1.at), fn -> nil end)

    if last && map_size(stops) == length(traces(event)),
      do: [{{:not_traced, last.id}, last.at}],
      else: []
  end

  defp before?(%{at: {_logical, ns, _node}}, moment), do: (Moment.ns(moment) || ns) >= ns

  defp traces(%{meta: %{traces: traces}}) when is_list(traces), do: traces
  defp traces(_event), do: []

  defp missing(event, survey) do
    case Map.fetch(survey.missing, event.node) do
      {:ok, reason} -> [{{:missing, event.node, reason}, event.at}]
      :error -> []
    end
  end

  defp ended(%{pid: pid}, told, moment) do
    exit = Enum.find(told, &(&1.kind == :exit and &1.pid == pid and before?(&1, moment)))
    exit && exit.at
  end
end
