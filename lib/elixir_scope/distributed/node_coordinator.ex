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

  import ElixirScope.Distributed.Cluster.Steps, except: [new: 2, forget: 1, bounds: 1]

  alias ElixirScope.Distributed.Cluster.{
    Letter,
    Membership,
    Memory,
    Reach,
    Register,
    Roll,
    Steps
  }

  alias ElixirScope.Distributed.{ClusterStateManager, Error, Event, EventSynchronizer, Options}
  alias ElixirScope.Distributed.{Query, Scope, Status, Transport}

  @most_nodes Register.limit()

  # How often is looked who is gone for too long.
  @forget_ms 60_000

  @doc """
  Starts the default scope, or the one named in `options`, or joins it where it runs;
  the options are those of `ElixirScope.Distributed.start/1`.

      {:ok, _pid} = NodeCoordinator.start_link(cluster_nodes_init: [:"orders@127.0.0.1"])
  """
  @spec start_link(keyword | {:member, Scope.t(), Memory.t()}) :: GenServer.on_start()
  def start_link({:member, scope, memory}),
    do: GenServer.start_link(__MODULE__, {scope, memory}, name: Scope.via(scope.name, __MODULE__))

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
  def setup_cluster(nodes, scope \\ Options.default_scope()) when is_list(nodes) do
    case Enum.reject(nodes, &(is_atom(&1) and &1 not in [nil, true, false])) do
      [] when length(nodes) < @most_nodes -> call(scope, {:set_up, nodes})
      [] -> {:error, Error.new(:too_many_nodes, limit: @most_nodes)}
      [wrong | _] -> {:error, Error.new(:bad_node, node: wrong)}
    end
  end

  @doc """
  Takes `node` into the cluster, and keeps trying to reach it.

      :ok = NodeCoordinator.register_node(:"orders@127.0.0.1")
      {:error, :already_exists} = NodeCoordinator.register_node(:"orders@127.0.0.1")
  """
  @spec register_node(node, atom) :: :ok | {:error, :already_exists | term}
  def register_node(node, scope \\ Options.default_scope()) when is_atom(node),
    do: call(scope, {:register, node})

  @doc """
  Puts `node` out of the cluster, for all members: they tell each other. It stays out, also
  when it connects again and when a member starts again, until a member registers it
  again. Where two decide differently, the later decision holds; what a configuration
  names (`cluster_nodes_init`) is weaker than any.

  The node itself goes on recording, answers for itself, and sees the others as
  `:unregistered`: it cannot take itself in again. What it recorded before stays where it is.

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
         {:ok, nodes} <- nodes(scope.name),
         do: {:ok, Status.cluster(scope, nodes)}
  end

  @doc false
  # Where each peer stands, for `status/0`; with `:all`, where this node does too.
  @spec nodes(atom, :others | :all) :: {:ok, map} | {:error, Error.t()}
  def nodes(scope, which \\ :others) do
    with {:ok, nodes} <- call(scope, {:nodes, which}),
         do: {:ok, ClusterStateManager.shade(scope, nodes)}
  end

  @doc false
  # Every bound of what is known of the cluster, for `status/0`.
  @spec bounds(atom) :: {:ok, map} | {:error, Error.t()}
  def bounds(scope) do
    with {:ok, bounds} <- call(scope, :bounds),
         {:ok, others} <- ClusterStateManager.bounds(scope),
         do: {:ok, Map.merge(bounds, others)}
  end

  @doc false
  # A member has heard of other decisions than this node.
  @spec tell_decisions(atom, node) :: :ok
  def tell_decisions(scope, node), do: Scope.cast(scope, __MODULE__, {:tell, node})

  @doc false
  # What stands for the code that this VM has loaded, told in the handshake.
  @spec loaded(atom, binary) :: :ok
  def loaded(scope, digest), do: Scope.cast(scope, __MODULE__, {:loaded, digest})

  @impl true
  def init({scope, memory}) do
    Process.flag(:trap_exit, true)
    {:ok, scope} = Scope.fetch(scope.name)
    Process.send_after(self(), :forget, @forget_ms)
    {:ok, Steps.new(scope, memory), {:continue, :start}}
  end

  @impl true
  def handle_continue(:start, state) do
    state =
      take(state, Membership.propose(state.membership, state.scope.options[:cluster_nodes_init]))

    state =
      Enum.reduce(
        Transport.peers(state.scope),
        state,
        &take(&2, Membership.up(&2.membership, &1))
      )

    {:noreply, Enum.reduce(Roll.missing(state.membership), state, &retry(&2, &1))}
  end

  @impl true
  def handle_call({:set_up, nodes}, _from, state),
    do: {:reply, :ok, take(state, Membership.set_up(state.membership, nodes, now(state)))}

  def handle_call({:register, node}, _from, state) do
    {reply, step} = Membership.register(state.membership, node, now(state))
    {:reply, reply, take(state, step)}
  end

  def handle_call({:unregister, node}, _from, state) do
    {reply, step} = Membership.unregister(state.membership, node, now(state))
    {:reply, reply, take(state, step)}
  end

  def handle_call(:members, _from, state),
    do: {:reply, {:ok, Membership.members(state.membership)}, state}

  def handle_call({:nodes, which}, _from, state),
    do: {:reply, {:ok, Roll.told(state.membership, which)}, state}

  def handle_call(:bounds, _from, state), do: {:reply, {:ok, Steps.bounds(state)}, state}

  @impl true
  def handle_cast({:transport, :up, node}, state),
    do: {:noreply, state |> take(Membership.up(state.membership, node)) |> retry(node)}

  def handle_cast({:transport, :down, node, reason}, state) do
    step = Membership.down(state.membership, node, reason, now(state))
    {:noreply, state |> take(step) |> retry(node)}
  end

  def handle_cast({:transport, :message, from, message}, state),
    do: {:noreply, hear(state, from, message)}

  # What it said is none of the messages that there are.
  def handle_cast({:transport, :malformed, from}, state),
    do: {:noreply, take(state, Membership.malformed(state.membership, from))}

  def handle_cast({:transport, :named, node}, state) do
    if node != state.scope.node and state.scope.options[:node] == nil,
      do: Reach.rename(state.scope, node)

    {:noreply, state}
  end

  def handle_cast({:reached, node}, state),
    do: handle_cast({:transport, :up, node}, ended(state, node))

  def handle_cast({:found, node, reason, nil}, state), do: {:noreply, found(state, node, reason)}

  def handle_cast({:found, node, reason, attempt}, state) do
    state = stand(state, Roll.diagnosed(state.membership, node, reason))
    {:noreply, state |> ended(node) |> retry(node, attempt)}
  end

  def handle_cast({:loaded, digest}, state),
    do: {:noreply, stand(state, %{state.membership | digest: digest})}

  def handle_cast({:tell, node}, state),
    do: {:noreply, take(state, {Letter.tell(state.membership, [node]), state.membership})}

  @impl true
  def handle_info({:retry, node, attempt}, state), do: {:noreply, again(state, node, attempt)}

  def handle_info({:look, node}, state), do: {:noreply, look(state, node)}

  def handle_info(:forget, state) do
    Process.send_after(self(), :forget, @forget_ms)
    {:noreply, Steps.forget(state)}
  end

  def handle_info({:overdue, node}, state),
    do: {:noreply, stand(state, Roll.overdue(state.membership, node))}

  # Whoever only crashed is back at once, and nobody's leave.
  @impl true
  def terminate(reason, state)
      when reason in [:normal, :shutdown] or elem(reason, 0) == :shutdown do
    farewell = Membership.farewell(state.membership)
    for peer <- Membership.peers(state.membership), do: send_to(state, peer, farewell)
  end

  def terminate(_crash, _state), do: :ok

  defp call(scope, request), do: Scope.call(scope, __MODULE__, request)
end
