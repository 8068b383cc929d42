defmodule ElixirScope.Distributed.View do
  @moduledoc """
  What people read: text made from events by pure functions.

      {:ok, result} = ElixirScope.Distributed.query(correlation_id: "r-17")
      IO.puts(ElixirScope.Distributed.View.Timeline.render(result, width: 100))
  """

  alias ElixirScope.Distributed.{Error, GlobalClock, Query}
  alias ElixirScope.Distributed.Query.Result
  alias ElixirScope.Distributed.View.Timeline

  @doc false
  @spec timeline(keyword | map) :: :ok | {:error, Error.t()}
  def timeline(filters) do
    with {:ok, result} <- Query.run(filters) do
      IO.puts(Timeline.render(result, width: width(), color: IO.ANSI.enabled?()))
    end
  end

  @doc false
  @spec nodes_of(term, atom) :: {:ok, [map]} | {:error, Error.t()}
  def nodes_of(correlation_id, scope) do
    filters = [correlation_id: correlation_id, scope: scope]

    with {:ok, result} <-
           Query.fold(filters, %{}, &Enum.reduce(&1, &2, fn e, all -> count(e, all) end)) do
      if Result.partial?(result), do: Query.warn(result)
      {:ok, result.events |> Map.values() |> Enum.sort_by(& &1.first, GlobalClock)}
    end
  end

  defp count(%{node: node, at: at} = event, summaries) do
    new = %{node: node, first: at, last: at, events: 0, modules: []}
    known = Map.get(summaries, node, new)
    known = %{known | last: at, events: known.events + 1}
    Map.put(summaries, node, %{known | modules: with_module(known.modules, event.subject)})
  end

  defp with_module(modules, {module, _function, _arity}),
    do: if(module in modules, do: modules, else: modules ++ [module])

  defp with_module(modules, _other), do: modules

  defp width do
    case :io.columns() do
      {:ok, columns} -> columns
      {:error, :enotsup} -> 120
    end
  end
end
