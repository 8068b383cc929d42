defmodule ElixirScope.Distributed.View.Gaps.Asked do
  @moduledoc false
  # What is lost stands in events of its own, which have no correlation, no process and no function:
  # a question that asks for those does not find them. So they are asked for besides, in the same
  # stretch of time.

  alias ElixirScope.Distributed.{Error, GlobalClock, Query}

  # Questions that name none of these find gaps, too.
  @narrow [:kinds, :pids, :modules, :mfa, :correlation_id, :contains]

  @kinds [:gap, :trace_stopped]

  # Before the first and after the last event that was found.
  @around_ns 1_000_000_000

  @doc "A source that has them: what was found with what was lost around it, where it was a question."
  @spec widen(term) :: {:ok, term} | {:error, Error.t()}
  def widen(filters) when is_map(filters) and not is_struct(filters), do: ask(filters)
  def widen([{key, _value} | _] = filters) when is_atom(key), do: ask(filters)
  def widen(events), do: {:ok, events}

  defp ask(filters) do
    if Enum.any?(@narrow, &narrow?(filters, &1)), do: both(filters), else: {:ok, filters}
  end

  # What is no list of filters is said by who checks them.
  defp narrow?(filters, key),
    do: Enum.any?(filters, &match?({^key, value} when value not in [nil, []], &1))

  defp both(filters) do
    with {:ok, found} <- single(Query.run(filters)),
         {:ok, lost} <- single(Query.run(beside(filters, found.events))),
         do: {:ok, merge(found, lost)}
  end

  defp single({:error, reason, message}), do: {:error, Error.new(reason, message: message)}
  defp single(answer), do: answer

  defp beside(filters, events) do
    same =
      for {key, value} <- filters, key not in [:limit, :order, :after | @narrow], do: {key, value}

    stretch(events) |> Keyword.merge(same) |> Keyword.put(:kinds, @kinds)
  end

  defp stretch([]), do: []

  defp stretch(events) do
    {first, last} =
      events |> Enum.map(fn %{at: {_logical, ns, _node}} -> ns end) |> Enum.min_max()

    [from: max(first - @around_ns, 0), to: last + @around_ns]
  end

  defp merge(found, lost) do
    events = Enum.uniq_by(found.events ++ lost.events, & &1.id)

    %{
      found
      | events: Enum.sort(events, &(GlobalClock.compare(&1.at, &2.at) != :gt)),
        missing: Map.merge(lost.missing, found.missing),
        dropped: max(found.dropped, lost.dropped),
        expired: max(found.expired, lost.expired)
    }
  end
end
