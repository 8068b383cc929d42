defmodule ElixirScope.Distributed.Cluster.News do
  @moduledoc false
  # Tells what changed in the cluster to all who want to know: the log, telemetry, and the
  # store, where it stands among the other events of its time.

  require Logger

  alias ElixirScope.Distributed.{Scope, Telemetry}
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @doc "A node came, or is gone."
  @spec changed(Scope.t(), ClusterNodeInfo.t(), ClusterNodeInfo.status()) :: map
  def changed(scope, info, status) do
    Logger.info("#{info.node} is #{status}", domain: [:elixir_scope])
    Telemetry.emit(:cluster, info.node, %{status: status})
    event = event(info, status)
    Storage.note(scope, event.type, Map.delete(event, :type))
    event
  end

  defp event(info, :up), do: Map.put(about(info), :type, :node_up)
  defp event(info, _gone), do: Map.put(about(info), :type, :node_down)

  defp about(info), do: Map.take(info, [:node, :reason, :nodedown_reason, :incarnation])
end
