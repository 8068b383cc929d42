defmodule ElixirScope.Distributed.NodeCoordinator do
  @moduledoc """
  Who is in the cluster, and the questions that concern all of it.

  Nodes that Erlang distribution connects, by whatever means, find each other by
  themselves. Where nothing connects them, one call on one node is enough:

      :ok = NodeCoordinator.setup_cluster([:"orders@127.0.0.1", :"payment@127.0.0.1"])
      {:ok, [:"orders@127.0.0.1", :"payment@127.0.0.1", :"web@127.0.0.1"]} =
        NodeCoordinator.get_cluster_nodes()
  """

  use GenServer

  require Logger

  alias ElixirScope.Distributed.Capture.Conductor
  alias ElixirScope.Distributed.Cluster.{Backoff, Membership}
  alias ElixirScope.Distributed.{Error, Event, EventSynchronizer, GlobalClock, Options, Query}
  alias ElixirScope.Distributed.{Scope, Status, Telemetry, Transport}
  alias ElixirScope.Distributed.Types.ClusterMessage

  defstruct [:scope, :membership, retrying: MapSet.new()]

  @doc """
  Starts the default scope, or the one named in `options`, or joins it where it runs;
  the options are those of `ElixirScope.Distributed.start/1`.

      {:ok, _pid} = NodeCoordinator.start_link(cluster_nodes_init: [:"orders@127.0.0.1"])
  """
  @spec start_link(keyword | {:member, Scope.t()}) :: GenServer.on_start()
  def start_link({:member, scope}),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  def start_link(options) do
    name = Keyword.get(options, :name, Options.default_scope())
    with {:ok, _tree} <- Scope.start(options), do: {:ok, Scope.whereis(name, __MODULE__)}
  end

  @doc """
  Makes one scope of this node and `nodes`: each is asked to join all the others.

  It does not wait for them. Who is not there, or refuses, shows in
  `get_distributed_status/0`, and is tried again.

      :ok = NodeCoordinator.setup_cluster([:"orders@127.0.0.1"])
  """
  @spec setup_cluster([node], atom) :: :ok | {:error, term}
  def setup_cluster(nodes, scope \\ Options.default_scope()) when is_list(nodes),
    do: call(scope, {:set_up, nodes})

  @doc """
  Takes `node` into the cluster, and keeps trying to reach it.

      :ok = NodeCoordinator.register_node(:"orders@127.0.0.1")
      {:error, :already_exists} = NodeCoordinator.register_node(:"orders@127.0.0.1")
  """
  @spec register_node(node, atom) :: :ok | {:error, :already_exists | term}
  def register_node(node, scope \\ Options.default_scope()) when is_atom(node),
    do: call(scope, {:register, node})

  @doc """
  Puts `node` out of the cluster. It stays out, also when it connects again, until it
  is registered again.

      :ok = NodeCoordinator.unregister_node(:"orders@127.0.0.1")
  """
  @spec unregister_node(node, atom) :: :ok | {:error, :not_found | term}
  def unregister_node(node, scope \\ Options.default_scope()) when is_atom(node),
    do: call(scope, {:unregister, node})

  @doc """
  The members of the cluster, sorted, this node included.

      {:ok, [:"orders@127.0.0.1", :"web@127.0.0.1"]} = NodeCoordinator.get_cluster_nodes()
  """
  @spec get_cluster_nodes(atom) :: {:ok, [node]} | {:error, Error.t()}
  def get_cluster_nodes(scope \\ Options.default_scope()), do: call(scope, :members)

  @doc """
  Synchronises with every member now, and says what was exchanged with each.

      {:ok, %{:"orders@127.0.0.1" => %{received: 3}}} = NodeCoordinator.force_event_sync()
  """
  @spec force_event_sync(atom) ::
          {:ok, %{node => EventSynchronizer.summary() | {:error, term}}} | {:error, Error.t()}
  def force_event_sync(scope \\ Options.default_scope()),
    do: EventSynchronizer.sync_with_cluster(scope)

  @doc """
  The events of all members that match `filters`, in the cluster's order.

  Who did not answer is named in a warning; `ElixirScope.Distributed.query/2` returns it.

      {:ok, events} = NodeCoordinator.query_distributed_events(kinds: [:mark], limit: 100)
  """
  @spec query_distributed_events(keyword | map) :: {:ok, [Event.t()]} | {:error, term}
  def query_distributed_events(filters), do: Query.events(filters)

  @doc """
  What this node knows of the cluster: members, clock, synchronisation, who is missing.

      {:ok, %{local_node: :"web@127.0.0.1", missing: []}} = NodeCoordinator.get_distributed_status()
  """
  @spec get_distributed_status(atom) :: {:ok, map} | {:error, Error.t()}
  def get_distributed_status(scope \\ Options.default_scope()) do
    with {:ok, scope} <- Scope.fetch(scope),
         {:ok, nodes} <- call(scope.name, :nodes),
         do: {:ok, Status.cluster(scope, nodes)}
  end

  @doc false
  # Where each peer stands, for `status/0`.
  @spec nodes(atom) :: {:ok, map} | {:error, Error.t()}
  def nodes(scope), do: call(scope, :nodes)

  @impl true
  def init(scope) do
    Process.flag(:trap_exit, true)
    {:ok, scope} = Scope.fetch(scope.name)
    membership = Membership.new(scope.node, scope.incarnation, scope.options[:allow])
    {:ok, %__MODULE__{scope: scope, membership: membership}, {:continue, :start}}
  end

  @impl true
  def handle_continue(:start, state) do
    scope = state.scope
    state = take(state, set_up(state, scope.options[:cluster_nodes_init]))
    {:noreply, Enum.reduce(Transport.peers(scope), state, &take(&2, up(&2, &1)))}
  end

  @impl true
  def handle_call({:set_up, nodes}, _from, state),
    do: {:reply, :ok, take(state, set_up(state, nodes))}

  def handle_call({:register, node}, _from, state) do
    {reply, step} = Membership.register(state.membership, node)
    {:reply, reply, take(state, step)}
  end

  def handle_call({:unregister, node}, _from, state) do
    {reply, step} = Membership.unregister(state.membership, node)
    {:reply, reply, take(state, step)}
  end

  def handle_call(:members, _from, state),
    do: {:reply, {:ok, Membership.members(state.membership)}, state}

  def handle_call(:nodes, _from, state), do: {:reply, {:ok, state.membership.nodes}, state}

  @impl true
  def handle_cast({:transport, :up, node}, state),
    do: {:noreply, take(state, up(state, node))}

  def handle_cast({:transport, :down, node, _reason}, state),
    do: {:noreply, state |> take(Membership.down(state.membership, node)) |> retry(node)}

  def handle_cast({:transport, :message, from, %ClusterMessage{} = message}, state) do
    seen = GlobalClock.now(state.scope.name)
    {:noreply, take(state, Membership.heard(state.membership, from, message, seen))}
  end

  @impl true
  def handle_info({:retry, node, attempt}, state) do
    state = update_in(state.retrying, &MapSet.delete(&1, node))

    {:noreply,
     if(missing?(state, node), do: state |> connect(node) |> retry(node, attempt), else: state)}
  end

  # The tasks that connect say nothing: the transport reports who came up.
  def handle_info({ref, _result}, state) when is_reference(ref), do: {:noreply, state}
  def handle_info({:DOWN, _ref, :process, _pid, _reason}, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    farewell = Membership.farewell(state.membership)
    for peer <- Membership.peers(state.membership), do: send_to(state, peer, farewell)
  end

  defp set_up(state, nodes), do: Membership.set_up(state.membership, nodes)
  defp up(state, node), do: Membership.up(state.membership, node)

  defp take(state, {actions, membership}) do
    changed = Membership.peers(membership) != Membership.peers(state.membership)
    state = Enum.reduce(actions, %{state | membership: membership}, &act/2)
    if changed, do: changed(state.scope.name, Membership.peers(membership))
    state
  end

  defp changed(scope, peers) do
    EventSynchronizer.members(scope, peers)
    Conductor.members(scope, peers)
  end

  defp act({:send, node, message}, state), do: send_to(state, node, message)
  defp act({:connect, node}, state), do: state |> connect(node) |> retry(node)

  defp act({:changed, node, status}, state) do
    Logger.info("#{node} is #{status}", domain: [:elixir_scope])
    Telemetry.emit(:cluster, node, %{status: status})
    state
  end

  defp send_to(state, node, message) do
    _ = Transport.send_to(state.scope, node, message)
    state
  end

  # Setting up a connection can take seconds: never in this process.
  defp connect(%{scope: %{transport: {transport, name}}} = state, node) do
    workers = Scope.via(state.scope.name, Task.Supervisor)
    Task.Supervisor.async_nolink(workers, fn -> reach(transport, name, node, state.scope) end)
    state
  end

  defp reach(transport, name, node, scope) do
    Scope.hide()

    with :ok <- transport.connect(name, node),
         do: Scope.cast(scope.name, __MODULE__, {:transport, :up, node})
  end

  defp retry(state, node, attempt \\ 0) do
    if missing?(state, node) and node not in state.retrying do
      delay = Backoff.delay(attempt, :rand.uniform())
      Process.send_after(self(), {:retry, node, attempt + 1}, delay)
      update_in(state.retrying, &MapSet.put(&1, node))
    else
      state
    end
  end

  defp missing?(state, node), do: node in Membership.missing(state.membership)

  defp call(scope, request), do: Scope.call(scope, __MODULE__, request)
end
