defmodule ElixirScope.Distributed.Cluster.Clocked do
  @moduledoc false
  # What the clock knows of members, beside what membership does.

  alias ElixirScope.Distributed.Cluster.Reason
  alias ElixirScope.Distributed.GlobalClock
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @doc "The members with how far their clocks are off, and who is not followed for that."
  @spec mark(%{node => ClusterNodeInfo.t()}, atom) :: %{node => ClusterNodeInfo.t()}
  def mark(nodes, scope) do
    quarantined = GlobalClock.quarantined(scope)
    Map.new(nodes, fn {node, info} -> {node, marked(info, scope, node in quarantined)} end)
  end

  defp marked(%{status: :up} = info, scope, true),
    do: info |> Reason.give(:clock_quarantined) |> marked(scope, false)

  defp marked(info, scope, _followed_or_gone) do
    case GlobalClock.offset(info.node, scope) do
      {:ok, offset} -> %{info | offset: offset}
      {:error, _unknown} -> info
    end
  end
end
