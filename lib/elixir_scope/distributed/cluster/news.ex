defmodule ElixirScope.Distributed.Cluster.News do
  @moduledoc false
  # Tells what changed in the cluster to all who want to know: the log, telemetry, and the
  # store, where it stands among the other events of its time.

  require Logger

  alias ElixirScope.Distributed.{Scope, Telemetry}
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  # So many nodes' views stand in one event.
  @most_views 16

  @doc "A node came, or is gone."
  @spec changed(Scope.t(), ClusterNodeInfo.t(), ClusterNodeInfo.status()) :: map
  def changed(scope, info, status) do
    Logger.info("#{info.node} is #{status}", domain: [:elixir_scope])
    Telemetry.emit(:cluster, info.node, %{status: status})
    note(scope, event(info, status))
  end

  @doc "The cluster fell apart, in another way than before, or is whole again."
  @spec partition(Scope.t(), :partition | :heal, map, %{node => [node]}) :: map
  def partition(scope, type, finding, views) do
    event =
      Map.merge(finding, %{type: type, kind: hd(finding.kinds), views: some(views, finding)})

    Logger.log(if(type == :heal, do: :info, else: :warning), text(event), domain: [:elixir_scope])
    note(scope, event)
  end

  defp note(scope, event) do
    Storage.note(scope, event.type, Map.delete(event, :type))
    event
  end

  defp text(%{type: :heal, kind: kind}),
    do: "the cluster is whole again after a partition (#{kind})"

  defp text(%{kind: kind} = event) do
    about = Map.take(event, [:side, :apart, :one_way, :gaps, :flapping])
    "the cluster is partitioned (#{kind}): #{inspect(about, limit: 20)}"
  end

  # Those that it is about come first.
  defp some(views, finding) do
    pairs = Enum.flat_map(finding.one_way ++ finding.gaps ++ finding.flapping, &Tuple.to_list/1)
    first = Enum.uniq(pairs ++ finding.apart ++ finding.side)
    Map.take(views, Enum.take(first, @most_views))
  end

  defp event(info, :up), do: Map.put(about(info), :type, :node_up)
  defp event(info, _gone), do: Map.put(about(info), :type, :node_down)

  defp about(info), do: Map.take(info, [:node, :reason, :nodedown_reason, :incarnation])
end
