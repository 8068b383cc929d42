defmodule ElixirScope.Distributed.Cluster.Clocked do
  @moduledoc false
  # What the clock knows of members: beside what membership does, and as it is told.

  require Logger

  alias ElixirScope.Distributed.{ClusterStateManager, GlobalClock, Scope, Telemetry}
  alias ElixirScope.Distributed.Cluster.Reason
  alias ElixirScope.Distributed.Storages.Native, as: Storage
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

  @doc "One line, one event when a peer's clock runs away, and one when it is back."
  @spec tell(Scope.t(), node, :back | {:quarantined, Exception.t()}) :: :ok
  def tell(scope, peer, change) do
    Logger.warning(say(peer, change), domain: [:elixir_scope])
    Telemetry.emit(:clock, peer, noted(change))
    noted = Map.put(noted(change), :node, peer)
    Storage.note(scope, :clock, noted)
    ClusterStateManager.tell(scope.name, {:news, Map.put(noted, :type, :clock)})
  end

  defp say(peer, :back), do: "the clock of #{peer} is right again"
  defp say(peer, {:quarantined, error}), do: "#{peer}: " <> Exception.message(error)

  defp noted(:back), do: %{status: :back}

  defp noted({:quarantined, error}),
    do: error.details |> Map.take([:ahead_ns, :limit_ns]) |> Map.put(:status, :quarantined)
end
