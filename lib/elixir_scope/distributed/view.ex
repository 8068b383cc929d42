defmodule ElixirScope.Distributed.View do
  @moduledoc """
  What people read: text made from events by pure functions.

      {:ok, result} = ElixirScope.Distributed.query(correlation_id: "r-17")
      IO.puts(ElixirScope.Distributed.View.Timeline.render(result, width: 100))
  """

  alias ElixirScope.Distributed.{Error, GlobalClock, Query}
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
    with {:ok, result} <- Query.run(correlation_id: correlation_id, scope: scope) do
      {:ok,
       result.events
       |> Enum.group_by(& &1.node)
       |> Enum.map(&summary/1)
       |> Enum.sort_by(& &1.first, GlobalClock)}
    end
  end

  defp summary({node, events}) do
    %{
      node: node,
      first: List.first(events).at,
      last: List.last(events).at,
      events: length(events),
      modules: for(%{subject: {m, _f, _a}} <- events, uniq: true, do: m)
    }
  end

  defp width do
    case :io.columns() do
      {:ok, columns} -> columns
      {:error, :enotsup} -> 120
    end
  end
end
