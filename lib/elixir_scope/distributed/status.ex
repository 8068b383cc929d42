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
    * `storage` - of a storage that is plugged in: whether it is `up?`, how many events were `appended` to
      it in batches of `batch`, how far it is behind (`lag`), what expired before it could be given
      (`lost`), how often it failed and why (`failures`, `failure`), and its own `statistics`; `nil` with the
      native store alone;
    * `queries` - questions about events: those of other members that are worked on (`workers`), wait
      (`waiting`) or are held until there is something new (`held`), what was `answered`, `refused` by
      reason or `malformed`, and how many answers of others are waited for (`asked`), each with its limit;
    * `pairing` - the bounds within which a send and a receive are found to be of one message;
    * `sync` - what was exchanged with each member;
    * `exchange` - whose events are kept here (`mode`, `keeps`), and every bound of the exchange: bytes
      a second, windows, frames, origins, links, what is `waiting` for a busy connection;
    * `traces` - those that run on this node, each with its `level`, what was `thinned`, and `refused`
      for want of budget; those that `ended` lately and why; and the `tables` of all: the functions
      and processes that are known, the calls (`held_calls`) and bytes (`held_bytes`) that wait until it
      is known whether they were slow, each with its limit;
    * `nodes` - `%{node => ClusterNodeInfo}`;
    * `partition` - see `ElixirScope.Distributed.ClusterStateManager.get_partition_status/0`;
    * `membership` - how many nodes, decisions and subscribers there are, with their limits, and how
      often a message of a node could not be read (`malformed`);
    * `incoming` - what others may ask here (`serve`, and the capabilities that it `grants`); of each kind
      of message how many are taken from a member in a second and at once (`limits`, see
      `ElixirScope.Distributed.Operations`); and by member what was `accepted` and what was not: `malformed`,
      `unknown` (of no member), `limited` (too fast), `refused` (not granted), and how much is `left` of
      each limit now;
    * `version_drift` - the members that run other code than this node: for each, by application, `ours` and
      `theirs` (versions), the `modules` that both have loaded and that differ (50 of them, and how many
      `more`), and whether either side had too many to tell of (`cut?`). It follows within a minute;
    * `missing` - the members that are known but not there.
  """

  alias ElixirScope.Distributed.Capture.{Correlation, Recorder, Sources, Tracer}
  alias ElixirScope.Distributed.{ClusterStateManager, Error, EventSynchronizer, GlobalClock}
  alias ElixirScope.Distributed.{NodeCoordinator, Scope}
  alias ElixirScope.Distributed.Query.{Host, Pairs}
  alias ElixirScope.Distributed.Storage.Plugged
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Cluster.{Clocked, Versions}
  alias ElixirScope.Distributed.Sync.Replica
  alias ElixirScope.Distributed.Transport.Inbox
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @enforce_keys [:scope, :node, :incarnation, :clock, :rings, :extents, :sources] ++
                  [:store, :storage, :queries, :pairing, :sync, :exchange, :traces, :nodes] ++
                  [:partition, :membership, :incoming, :version_drift, :missing]
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
          storage: map | nil,
          queries: map,
          pairing: map,
          sync: map,
          exchange: map,
          traces: %{running: [map], ended: [map], tables: map},
          nodes: %{node => ClusterNodeInfo.t()},
          partition: map | nil,
          membership: map | nil,
          incoming: map,
          version_drift: map | nil,
          missing: [node]
        }

  @doc false
  @spec read(atom) :: {:ok, t} | {:error, Error.t()}
  def read(name) do
    with {:ok, scope} <- Scope.fetch(name),
         {:ok, nodes} <- NodeCoordinator.nodes(name) do
      {:ok, describe(scope, Clocked.mark(nodes, scope.name))}
    end
  end

  @doc false
  # The same in the shape of `NodeCoordinator.get_distributed_status/0`.
  @spec cluster(Scope.t(), map) :: map
  def cluster(scope, nodes) do
    nodes = Clocked.mark(nodes, scope.name)

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
      storage: Plugged.status(scope),
      queries: Host.bounds(scope.name),
      pairing: Pairs.limits(),
      sync: Replica.status(scope),
      exchange: EventSynchronizer.bounds(scope.name),
      traces: Tracer.status(),
      nodes: nodes,
      partition: partition(scope),
      membership: known(NodeCoordinator.bounds(scope.name)),
      incoming: Inbox.status(scope),
      version_drift: known(Versions.drift(scope.name)),
      missing: missing(nodes)
    }
  end

  defp partition(scope), do: known(ClusterStateManager.get_partition_status(scope.name))

  # `nil` while a part of the scope begins again.
  defp known({:ok, known}), do: known
  defp known({:error, _not_running}), do: nil

  defp missing(nodes), do: for({node, %{status: :down}} <- Enum.sort(nodes), do: node)
end
