defmodule ElixirScope.Distributed.Status do
  @moduledoc """
  How a scope stands: every bound with its limit and its present value, what was lost
  and why, and where the other members are.

    * `scope`, `node`, `incarnation` - which scope, on which node, since which start;
    * `clock` - its source, its resolution, how far it runs ahead of the wall clock, and whose clocks
      run so far ahead that they are not followed (`quarantined`);
    * `rings` - the rings of this VM: `limit` and `used` bytes, lanes, and `lost` by kind;
    * `extents` - processes inside `with_correlation/2`: `limit`, `used`, and how often it was
      `refused`; the same of calls that a trace gives ids to: `entry_limit`, `entries`,
      `entries_refused`;
    * `sources` - how often a handler of `capture:` failed, `nil` without that option;
    * `store` - blocks and bytes in memory with their limits, the oldest event's stamp;
    * `pairing` - the bounds within which a send and a receive are found to be of one message;
    * `sync` - what was exchanged with each member;
    * `exchange` - whose events are kept here (`mode`, `keeps`), and every bound of the exchange: bytes
      a second, windows, frames, origins, links, what is `waiting` for a busy connection (left out, with
      `keeps` and `interval_ms`, while there is so much to take in that nobody can say);
    * `traces` - those that run on this node, each with its `level`, what was `thinned`, and `refused`
      for want of budget; those that `ended` lately and why; and the `tables` of all: the functions
      and processes that are known, the calls (`held_calls`) and bytes (`held_bytes`) that wait until it
      is known whether they were slow, each with its limit;
    * `nodes` - `%{node => ClusterNodeInfo}`;
    * `partition` - see `ElixirScope.Distributed.ClusterStateManager.get_partition_status/0`;
    * `membership` - how many nodes, decisions and subscribers there are, with their limits, and how
      often a message of a node could not be read (`malformed`);
    * `version_drift` - the members that run other code than this node: for each, by application, `ours` and
      `theirs` (versions), the `modules` that both have loaded and that differ (50 of them, and how many
      `more`), and whether either side had too many to tell of (`cut?`). It follows within a minute;
    * `missing` - the members that are known but not there.
  """

  alias ElixirScope.Distributed.Capture.{Correlation, Recorder, Sources, Tracer}
  alias ElixirScope.Distributed.{ClusterStateManager, Error, EventSynchronizer, GlobalClock}
  alias ElixirScope.Distributed.{NodeCoordinator, Scope}
  alias ElixirScope.Distributed.Query.Pairs
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Cluster.Versions
  alias ElixirScope.Distributed.Sync.Replica
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @enforce_keys [:scope, :node, :incarnation, :clock, :rings, :extents, :sources] ++
                  [:store, :pairing, :sync, :exchange, :traces, :nodes] ++
                  [:partition, :membership, :version_drift, :missing]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          scope: atom,
          node: node,
          incarnation: non_neg_integer,
          clock: map,
          rings: map,
          extents: map,
          sources: map | nil,
          store: map,
          pairing: map,
          sync: map,
          exchange: map,
          traces: %{running: [map], ended: [map], tables: map},
          nodes: %{node => ClusterNodeInfo.t()},
          partition: map | nil,
          membership: map | nil,
          version_drift: map | nil,
          missing: [node]
        }

  @doc false
  @spec read(atom) :: {:ok, t} | {:error, Error.t()}
  def read(name) do
    with {:ok, scope} <- Scope.fetch(name),
         {:ok, nodes} <- NodeCoordinator.nodes(name) do
      {:ok, describe(scope, measured(scope, nodes))}
    end
  end

  @doc false
  # The same in the shape of `NodeCoordinator.get_distributed_status/0`.
  @spec cluster(Scope.t(), map) :: map
  def cluster(scope, nodes) do
    nodes = measured(scope, nodes)

    %{
      local_node: scope.node,
      nodes: nodes,
      clock: GlobalClock.status(scope),
      sync: Replica.status(scope),
      exchange: EventSynchronizer.bounds(scope.name),
      partition: partition(scope),
      version_drift: known(Versions.drift(scope.name)),
      missing: missing(nodes)
    }
  end

  defp describe(scope, nodes) do
    %__MODULE__{
      scope: scope.name,
      node: scope.node,
      incarnation: scope.incarnation,
      clock: GlobalClock.status(scope),
      rings: Recorder.status(),
      extents: Correlation.status(),
      sources: Sources.status(),
      store: Storage.status(scope.store),
      pairing: Pairs.limits(),
      sync: Replica.status(scope),
      exchange: EventSynchronizer.bounds(scope.name),
      traces: Tracer.status(),
      nodes: nodes,
      partition: partition(scope),
      membership: known(NodeCoordinator.bounds(scope.name)),
      version_drift: known(Versions.drift(scope.name)),
      missing: missing(nodes)
    }
  end

  defp partition(scope), do: known(ClusterStateManager.get_partition_status(scope.name))

  # `nil` while a part of the scope begins again.
  defp known({:ok, known}), do: known
  defp known({:error, _not_running}), do: nil

  # What the clock knows of the members, beside what membership does.
  defp measured(scope, nodes) do
    quarantined = GlobalClock.quarantined(scope.name)
    Map.new(nodes, fn {node, info} -> {node, measured(scope, info, node in quarantined)} end)
  end

  defp measured(scope, info, quarantined?) do
    info = if quarantined? and info.status == :up, do: quarantine(info), else: info

    case GlobalClock.offset(info.node, scope.name) do
      {:ok, offset} -> %{info | offset: offset}
      {:error, _unknown} -> info
    end
  end

  defp quarantine(info), do: %{info | reason: :clock_quarantined}

  defp missing(nodes), do: for({node, %{status: :down}} <- Enum.sort(nodes), do: node)
end
