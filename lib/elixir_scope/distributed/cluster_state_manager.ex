defmodule ElixirScope.Distributed.ClusterStateManager do
  @moduledoc """
  What this node sees of the cluster: who hears whom, whether it is in one piece, and on
  whose side most of it is.

      {:ok, %{state: :whole, quorum: :majority}} = ClusterStateManager.get_partition_status()
      {:ok, :majority} = ClusterStateManager.quorum()

  Members tell each other whom they hear, a small message per member and interval, which is
  `sync_interval_ms`, or 200 ms where that is shorter. From
  these views each node names what is wrong, within three intervals as far as it can know:

  | kind | |
  |---|---|
  | `:split` | members (`apart`) that nobody on this `side` hears |
  | `:one_way` | pairs `{from, to}`: `from` hears `to`, and is not heard by it |
  | `:partial` | pairs (`gaps`) that do not hear each other, while others hear both |
  | `:flapping` | pairs whose connection comes back again and again |

  Over one TCP connection a dead direction soon takes the other one along, as nothing is acknowledged: what
  is `:one_way` as long as something arrives is then `:partial`, or `:split` where nobody hears both.

  Where several hold at once, `kinds` has all of them. A member whose host answers, and says that
  no such node runs, is down and no partition; one whose host does not answer may be either,
  and counts as apart.

  Of the *known members*, `quorum/0` says whether those on this side are most, fewer, or exactly
  half. Known is this node, who was registered (by a call or in a configuration), and who was ever
  up, except who left in order, who was unregistered, and what is connected without being a
  member. Who is only gone stays known for `forget_node_after_ms`.

  `subscribe_to_changes/0` sends `{:cluster_change, event}` to the caller until it ends, where
  `event.type` is `:node_up` (also of a member that began anew), `:node_down` (with the VM's own
  `nodedown_reason`), `:partition`, `:heal`, or `:clock` (a member's clock runs too far ahead, or is
  back). The same stands in the store, as events of these kinds. Of changes that come while
  1,000 messages wait for it a process is told only how many there were, by one of type `:missed`,
  before the next; `status/0` counts them.
  """

  use GenServer

  alias ElixirScope.Distributed.Cluster.{Audience, Clocked, Memory, News, Outlook, Quorum, Reason}
  alias ElixirScope.Distributed.{Error, NodeCoordinator, Options, Scope, Transport}
  alias ElixirScope.Distributed.Types.{ClusterMessage, ClusterNodeInfo}

  # On a busy machine what takes less is no sign of anything.
  @shortest_ms 200

  defstruct [:scope, :memory, :outlook, :timer, audience: %Audience{}]

  @doc false
  @spec start_link({Scope.t(), Memory.t()}) :: GenServer.on_start()
  def start_link({scope, _memory} = start),
    do: GenServer.start_link(__MODULE__, start, name: Scope.via(scope.name, __MODULE__))

  @doc """
  Whether the cluster is in one piece as this node sees it, what is wrong, and the quorum.

      {:ok, %{state: :partitioned, kind: :split, apart: [:"c@host"], quorum: :majority}} =
        ClusterStateManager.get_partition_status()
  """
  @spec get_partition_status(atom) :: {:ok, map} | {:error, Error.t()}
  def get_partition_status(scope \\ Options.default_scope()), do: call(scope, :partition)

  @doc """
  Who is in the cluster and who hears whom; of members that are apart, what they said last.

      {:ok, %{nodes: [:"a@host", :"b@host"], hears: %{:"a@host" => [:"b@host"]}}} =
        ClusterStateManager.get_cluster_topology()
  """
  @spec get_cluster_topology(atom) :: {:ok, map} | {:error, Error.t()}
  def get_cluster_topology(scope \\ Options.default_scope()), do: call(scope, :topology)

  @doc """
  What this node knows of one node, with the reason of its state in words.

      {:ok, %ClusterNodeInfo{status: :down, reason: :cookie, remedy: "give both " <> _}} =
        ClusterStateManager.get_node_info(:"orders@host")
  """
  @spec get_node_info(node, atom) :: {:ok, ClusterNodeInfo.t()} | {:error, :not_found | Error.t()}
  def get_node_info(node, scope \\ Options.default_scope()) when is_atom(node) do
    with {:ok, nodes} <- NodeCoordinator.nodes(scope, :all),
         :error <- nodes |> Map.take([node]) |> Clocked.mark(scope) |> Map.fetch(node),
         do: {:error, :not_found}
  end

  @doc """
  Sends `{:cluster_change, event}` to the caller from now on, until it ends.

      :ok = ClusterStateManager.subscribe_to_changes()
      receive do: ({:cluster_change, %{type: :node_down, node: node}} -> node)
  """
  @spec subscribe_to_changes(atom) :: :ok | {:error, Error.t()}
  def subscribe_to_changes(scope \\ Options.default_scope()),
    do: call(scope, {:subscribe, self()})

  @doc """
  Whether the members on this node's side are most of the known ones.

      {:ok, :majority} = ClusterStateManager.quorum()
  """
  @spec quorum(atom) :: {:ok, :majority | :minority | :even} | {:error, Error.t()}
  def quorum(scope \\ Options.default_scope()) do
    with {:ok, %{quorum: quorum}} <- get_partition_status(scope), do: {:ok, quorum}
  end

  @doc false
  # Whether an operation that asks for a majority may go on.
  @spec require_majority(Scope.t()) :: :ok | {:error, atom, String.t()} | {:error, Error.t()}
  def require_majority(%{node: :nonode@nohost}), do: Quorum.no_node()

  def require_majority(scope) do
    with {:ok, %{quorum: quorum, known: known, here: here}} <- get_partition_status(scope.name),
         do: Quorum.require(quorum, known, here)
  end

  @doc false
  # What is wrong beside what membership knows, in its words.
  @spec shade(atom, %{node => ClusterNodeInfo.t()}) :: %{node => ClusterNodeInfo.t()}
  def shade(scope, nodes) do
    case call(scope, {:reasons, Map.keys(nodes)}) do
      %{} = reasons ->
        Map.merge(nodes, reasons, fn _node, info, reason -> shaded(info, reason) end)

      {:error, _not_running} ->
        nodes
    end
  end

  @doc false
  @spec bounds(atom) :: {:ok, map} | {:error, Error.t()}
  def bounds(scope), do: call(scope, :bounds)

  @doc false
  # What membership says: who stands how, who introduced itself, what it sees, what changed.
  @spec tell(atom, tuple) :: :ok
  def tell(scope, what), do: Scope.cast(scope, __MODULE__, what)

  @impl true
  def init({scope, memory}) do
    {:ok, scope} = Scope.fetch(scope.name)
    interval_ms = max(scope.options[:sync_interval_ms], @shortest_ms)
    outlook = Outlook.new(scope.node, interval_ms)
    audience = Audience.new(Memory.recall(memory, :subscribers, []))
    state = %__MODULE__{scope: scope, memory: memory, outlook: outlook, audience: audience}
    {:ok, schedule(state)}
  end

  @impl true
  def handle_call(:partition, _from, state), do: {:reply, {:ok, partition(state.outlook)}, state}
  def handle_call(:topology, _from, state), do: {:reply, {:ok, topology(state.outlook)}, state}

  def handle_call(:bounds, _from, state) do
    bounds = Map.merge(Audience.bounds(state.audience), Outlook.bounds(state.outlook))
    {:reply, {:ok, bounds}, state}
  end

  def handle_call({:reasons, nodes}, _from, state) do
    {:reply,
     for(
       node <- nodes,
       reason = Outlook.reason(state.outlook, node),
       into: %{},
       do: {node, reason}
     ), state}
  end

  def handle_call({:subscribe, pid}, _from, state) do
    case Audience.add(state.audience, pid) do
      {:ok, audience} ->
        {:reply, :ok, keep(%{state | audience: audience})}

      :full ->
        {:reply, {:error, Error.new(:too_many_subscribers, limit: Audience.limit())}, state}
    end
  end

  @impl true
  def handle_cast({:standing, standing}, state),
    do: {:noreply, state.outlook |> Outlook.members(standing, now()) |> take(state)}

  def handle_cast({:greeted, node, again?}, state) do
    outlook = Outlook.greeted(state.outlook, node, again?, now())
    {:noreply, schedule(%{state | outlook: outlook})}
  end

  # Decisions that got lost are told again with the next message.
  def handle_cast({:view, from, view}, state) do
    {views, outlook} = Outlook.heard(state.outlook, from, view, now())

    if Outlook.decided_otherwise?(outlook, from),
      do: NodeCoordinator.tell_decisions(state.scope.name, from)

    {:noreply, take({views, outlook}, state)}
  end

  def handle_cast({:news, event}, state), do: {:noreply, publish(state, event)}

  @impl true
  def handle_info(:tick, state) do
    {views, news, outlook} = Outlook.tick(state.outlook, now())
    state = take({views, outlook}, state)
    {:noreply, Enum.reduce(news, state, &publish(&2, found(&2, &1)))}
  end

  def handle_info({:DOWN, _monitor, :process, pid, _reason}, state),
    do: {:noreply, keep(%{state | audience: Audience.remove(state.audience, pid)})}

  defp take({views, outlook}, state) do
    for {node, view} <- views, do: send_view(state, node, view)
    schedule(%{state | outlook: outlook})
  end

  defp send_view(%{scope: scope}, node, view) do
    message = %ClusterMessage{source_node: scope.node, kind: :view, view: view}
    Transport.send_to(scope, node, message)
  end

  defp found(state, {type, finding}),
    do: News.partition(state.scope, type, finding, Outlook.views(state.outlook))

  defp publish(state, event), do: %{state | audience: Audience.tell(state.audience, event)}

  defp keep(state) do
    Memory.keep(state.memory, :subscribers, Audience.pids(state.audience))
    state
  end

  defp partition(outlook) do
    here = Outlook.here(outlook)
    finding = outlook.partition.reported
    about = finding || %{kinds: [], side: here, apart: [], one_way: [], gaps: [], flapping: []}

    Map.merge(about, %{
      state: if(finding, do: :partitioned, else: :whole),
      kind: List.first(about.kinds),
      quorum: Quorum.of(outlook.known, here),
      known: outlook.known,
      here: here
    })
  end

  defp topology(outlook) do
    %{
      local_node: outlook.me,
      nodes: Outlook.here(outlook),
      known: outlook.known,
      missed: outlook.missed,
      hears: Outlook.views(outlook)
    }
  end

  defp shaded(%{reason: old} = info, reason)
       when old in [nil, :restarted, :other_incarnation, :unreachable],
       do: Reason.give(info, reason)

  defp shaded(info, _reason), do: info

  defp schedule(state) do
    if state.timer, do: Process.cancel_timer(state.timer)
    time = now()
    ms = max(Outlook.next(state.outlook, time) - time, 1)
    %{state | timer: Process.send_after(self(), :tick, ms)}
  end

  defp now, do: System.monotonic_time(:millisecond)
  defp call(scope, request), do: Scope.call(scope, __MODULE__, request)
end
