defmodule ElixirScope.Distributed.Status do
  @moduledoc """
  How a scope stands: every bound with its limit and its present value, what was lost
  and why, and where the other members are.

    * `scope`, `node`, `incarnation` - which scope, on which node, since which start;
    * `clock` - its source, its resolution, how far it runs ahead of the wall clock, and whose clocks
      run so far ahead that they are not followed (`quarantined`);
    * `bounds` - every bound by its name: `limit`, `used`, and what happens beyond it, see
      `ElixirScope.Distributed.Status.Bounds`;
    * `lost` - how many events are gone, by cause: those that a ring had no room for (`ring_full`), that no
      scope was there for (`no_scope`), that retention took (`expired`), that could not be saved (`unsaved`),
      the blocks that could not be read back (`unreadable`), what traces left out (`thinned`) or had no
      budget for (`refused`), that subscribers had no room for (`subscriptions`), and the changes of the
      cluster that a process did not hear of (`changes`);
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
      a second, windows, frames, origins, links, what is `waiting` for a busy connection (left out, with
      `keeps` and `interval_ms`, while there is so much to take in that nobody can say);
    * `traces` - those that run on this node, each with its `level`, what was `thinned`, and `refused`
      for want of budget; those that `ended` lately and why; and the `tables` of all: the functions
      and processes that are known, the calls (`held_calls`) and bytes (`held_bytes`) that wait until it
      is known whether they were slow, each with its limit;
    * `live` - those that follow the events by `subscribe/1`, each with how many it was `shown`, how many were
      `dropped`, and who is `missing`;
    * `services` - of debugging: which sides are `registered` here and who `offered` what; the `breakers` of
      the nodes that did not answer lately; requests of others that are worked on (`workers`) and wait
      (`waiting`); how often what happened to those (`counts`); and the `limits` of all;
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
    * `missing` - the members that are known but not there;
    * `recording` - of a scope that is a recording: its `path`, by whom (`by`, `library`, `machine`), when
      (`saved_at`) and by which `filters` it was saved, how much is in it (`events`, `beside`, `pairs`, `blocks`,
      `bytes`), what was `missing`, `dropped` and `expired` then, and where it is cut (`lost`); else `nil`.

  In `iex` it is shown in short; `Map.from_struct/1` shows it whole.
  """

  alias ElixirScope.Distributed.Capture.{Correlation, Recorder, Sources, Tracer}
  alias ElixirScope.Distributed.Debug.Services.Report
  alias ElixirScope.Distributed.{ClusterStateManager, Error, EventSynchronizer, GlobalClock}
  alias ElixirScope.Distributed.{Live, NodeCoordinator, Scope}
  alias ElixirScope.Distributed.Query.{Host, Pairs}
  alias ElixirScope.Distributed.Recording.Opened
  alias ElixirScope.Distributed.Storage.Plugged
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Cluster.{Clocked, Versions}
  alias ElixirScope.Distributed.Status.{Bounds, Short}
  alias ElixirScope.Distributed.Sync.Replica
  alias ElixirScope.Distributed.Transport.Inbox
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @enforce_keys [:scope, :node, :incarnation, :clock, :rings, :extents, :sources] ++
                  [:store, :storage, :pairing, :sync, :exchange, :traces, :live, :queries, :nodes] ++
                  [:partition, :membership, :incoming, :version_drift, :missing, :bounds, :lost] ++
                  [:recording, :services]
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
          live: map,
          nodes: %{node => ClusterNodeInfo.t()},
          partition: map | nil,
          membership: map | nil,
          incoming: map,
          version_drift: map | nil,
          missing: [node],
          recording: map | nil,
          services: map,
          bounds: Bounds.t(),
          lost: %{atom => non_neg_integer}
        }

  @doc false
  @spec read(atom) :: {:ok, t} | {:error, Error.t()}
  def read(name) do
    with {:ok, scope} <- Scope.fetch(name),
         {:ok, nodes} <- nodes(scope) do
      {:ok, describe(scope, Clocked.mark(nodes, scope.name))}
    end
  end

  defp nodes(%{recording: %Opened{} = recording}), do: {:ok, Opened.nodes(recording)}
  defp nodes(scope), do: NodeCoordinator.nodes(scope.name)

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
    parts = parts(scope, nodes)
    struct!(__MODULE__, [bounds: bounds(parts), lost: lost(parts)] ++ Map.to_list(parts))
  end

  defp parts(scope, nodes) do
    %{
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
      live: Live.status(scope.name),
      nodes: nodes,
      partition: partition(scope),
      membership: known(NodeCoordinator.bounds(scope.name)),
      incoming: Inbox.status(scope),
      version_drift: known(Versions.drift(scope.name)),
      missing: missing(nodes),
      services: Report.of(scope.name),
      recording: scope.recording && Opened.describe(scope.recording)
    }
  end

  # With what no part of the status says by itself.
  defp bounds(%{exchange: exchange, traces: traces} = parts) do
    parts
    |> Map.put(:clocks, Map.get(parts.clock, :bounds, %{}))
    |> Map.put(:scopes, length(Scope.all(Scope)))
    |> Map.put(:sync_bytes_used, spent(exchange))
    |> Map.put(:traces_running, length(traces.running))
    |> Map.put(:traces_ended, length(traces.ended))
    |> Map.put(:incoming_peers, map_size(parts.incoming.peers))
    |> Bounds.of()
  end

  defp spent(%{bytes_per_s: limit, bytes_left: left}) when is_integer(limit) and is_integer(left),
    do: max(limit - left, 0)

  defp spent(_unbounded), do: nil

  defp lost(%{rings: rings, store: store, traces: %{running: running, ended: ended}} = parts) do
    %{
      ring_full: rings.lost,
      no_scope: rings.unscoped,
      expired: store.expired,
      unsaved: store.lost,
      unreadable: store.unreadable,
      thinned: Enum.sum(for trace <- running ++ ended, do: Map.get(trace, :thinned, 0)),
      refused: Enum.sum(for trace <- running ++ ended, do: Map.get(trace, :refused, 0)),
      subscriptions: parts.live.dropped,
      changes: (parts.membership || %{})[:changes_missed] || 0
    }
  end

  defp partition(scope), do: known(ClusterStateManager.get_partition_status(scope.name))

  # `nil` while a part of the scope begins again.
  defp known({:ok, known}), do: known
  defp known({:error, _not_running}), do: nil

  defp missing(nodes), do: for({node, %{status: :down}} <- Enum.sort(nodes), do: node)

  defimpl Inspect do
    def inspect(status, options), do: Short.document(status, options)
  end
end
