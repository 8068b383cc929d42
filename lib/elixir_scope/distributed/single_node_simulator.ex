defmodule ElixirScope.Distributed.SingleNodeSimulator do
  @moduledoc """
  A cluster in one VM: virtual nodes, their failures, and the partitions between them, and back again.

  Every virtual node has a clock, a store and a synchronizer of its own and runs the very code of
  a real one; only the network between them is simulated
  (`ElixirScope.Distributed.Transports.Isolated`). The scope that ran before is the first of them,
  with all its events. Each is a scope of its node's name, for `scope:` wherever there is one:

      iex> alias ElixirScope.Distributed, as: Scope
      iex> alias ElixirScope.Distributed.{ClusterStateManager, SingleNodeSimulator}
      iex> {:ok, _pid} = Scope.start(name: :shop)
      iex> Scope.record(:opened, 1, scope: :shop)
      iex> {:ok, _pid} = SingleNodeSimulator.start_link(scope: :shop)
      iex> SingleNodeSimulator.enable_simulation(3)
      {:ok, [:node1@simulated, :node2@simulated, :node3@simulated]}
      iex> Scope.record(:sold, 2, scope: :node2@simulated)
      iex> {:ok, events} = Scope.events(scope: :node3@simulated, kinds: [:mark])
      iex> for event <- events, do: event.data
      [1, 2]
      iex> SingleNodeSimulator.simulate_network_partition([:node3@simulated])
      :ok
      iex> ElixirScope.Distributed.Case.eventually(fn ->
      ...>   {:ok, :minority} == ClusterStateManager.quorum(:node3@simulated)
      ...> end)
      true
      iex> SingleNodeSimulator.heal_network_partition()
      :ok
      iex> SingleNodeSimulator.disable_simulation()
      :ok
      iex> {:ok, events} = Scope.events(scope: :shop, kinds: [:mark])
      iex> for event <- events, do: {event.subject, event.data}
      [opened: 1, sold: 2]
      iex> SingleNodeSimulator.get_simulated_nodes()
      {:ok, []}
      iex> Scope.stop(:shop)
      :ok

  `ElixirScope.Distributed.start(simulate: 3)` does the first steps in one.

  ## What is kept

  * Every event that the scope recorded or kept stays in it, with its id and its stamp, whatever is
    simulated, and so does their order.
  * What virtual nodes recorded is in the scope when the simulation has ended, but for what was lost
    with a node that failed. Its `retention_bytes` hold there as ever.
  * A node that fails loses what it had, as a real one without `data_dir` does; what it told others
    is still with them, and it gets it back from them when it recovers. The first node alone has something
    like a disk: its events are the scope's, and come back with it.

  As long as it is simulated, the scope has left the real cluster in order: others see `:left`. It is
  back when the simulation ends. Traces end with either. All virtual nodes share this VM's processes and so
  what is traced: say with `nodes:` which of them shall record it.

  There is one simulation in a VM. Errors are `ElixirScope.Distributed.Error`s: `:bad_number`, `:too_many_nodes`
  (8 is the most), `:no_room` (all scopes of a VM are at most 64), `:name_taken`, `:already_simulated`, `:not_simulated`, `:not_running`,
  `:no_virtual_node`, `:already_failed`, `:not_failed`, `:bad_groups`, `:already_partitioned`,
  `:not_handed_over`, `:worker_failed`.
  """

  use GenServer, shutdown: 30_000

  alias ElixirScope.Distributed.{Error, Options, Scope}
  alias ElixirScope.Distributed.Cluster.Memory
  alias ElixirScope.Distributed.Simulation.{Nodes, Plan}

  # `home` are the options that the scope had; `nodes` is empty while nothing is simulated.
  # `ours` is one that the library started, and that nobody depends on.
  defstruct [:scope, :home, :monitor, ours: false, nodes: [], cuts: MapSet.new()]

  @doc """
  Starts the simulator, which ends with its caller, and the simulation with it. One that another
  process started is found; of one that runs by itself, as after `start(simulate: 3)`, it goes on with
  what is simulated.

      {:ok, _pid} = SingleNodeSimulator.start_link(scope: :shop)

  ## Options

  #{Options.docs(:simulator)}
  """
  @spec start_link(keyword) :: {:ok, pid} | {:error, Error.t()}
  def start_link(options \\ []) do
    options = Options.validate!(:simulator, options)

    case GenServer.start_link(__MODULE__, options, name: __MODULE__) do
      {:error, {:already_started, pid}} -> joined(pid, options)
      {:ok, pid} -> {:ok, pid}
    end
  end

  @doc """
  Makes this VM a cluster of so many nodes, and returns when they are one.

  The simulator is started where none runs, for the default scope.

      {:ok, [:node1@simulated, :node2@simulated]} = SingleNodeSimulator.enable_simulation(2)
  """
  @spec enable_simulation(pos_integer) :: {:ok, [node]} | {:error, Error.t()}
  def enable_simulation(number \\ 3) do
    with :ok <- ensure_started(), do: call({:enable, number})
  end

  @doc """
  Ends the simulation: the scope takes over what the virtual nodes have, and is back in the real network.

      :ok = SingleNodeSimulator.disable_simulation()
  """
  @spec disable_simulation() :: :ok | {:error, Error.t()}
  def disable_simulation, do: call(:disable)

  @doc """
  The virtual nodes, also those that are down; none while nothing is simulated.

      {:ok, [:node1@simulated, :node2@simulated]} = SingleNodeSimulator.get_simulated_nodes()
  """
  @spec get_simulated_nodes() :: {:ok, [node]}
  def get_simulated_nodes do
    with {:error, _not_simulated} <- call(:nodes), do: {:ok, []}
  end

  @doc """
  Ends a virtual node as a crash would: without a last word, with all that it alone knew.

      :ok = SingleNodeSimulator.simulate_node_failure(:node2@simulated)
  """
  @spec simulate_node_failure(node) :: :ok | {:error, Error.t()}
  def simulate_node_failure(node), do: call({:fail, node})

  @doc """
  Starts a virtual node that failed, as a new incarnation; it joins the others by itself.

      :ok = SingleNodeSimulator.simulate_node_recovery(:node2@simulated)
  """
  @spec simulate_node_recovery(node) :: :ok | {:error, Error.t()}
  def simulate_node_recovery(node), do: call({:recover, node})

  @doc """
  Cuts the network between virtual nodes: those that are named off from the rest, or groups from each
  other. Who is in no group reaches all; a partition on top of another cuts more.

      :ok = SingleNodeSimulator.simulate_network_partition([:node3@simulated])
      :ok = SingleNodeSimulator.simulate_network_partition([[:node1@simulated], [:node2@simulated]])
  """
  @spec simulate_network_partition([node] | [[node]]) :: :ok | {:error, Error.t()}
  def simulate_network_partition(groups), do: call({:partition, groups})

  @doc """
  Opens every way again.

      :ok = SingleNodeSimulator.heal_network_partition()
  """
  @spec heal_network_partition() :: :ok | {:error, Error.t()}
  def heal_network_partition, do: call(:heal)

  @doc false
  # The scope is to be simulated with so many nodes, as it may be already.
  @spec simulate(atom, pos_integer) :: :ok | {:error, Error.t()}
  def simulate(scope, number) do
    with :ok <- ensure_started(scope), do: call({:simulate, scope, number})
  end

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    state = %__MODULE__{scope: options[:scope], ours: Keyword.get(options, :ours, false)}
    {:ok, recall(state), {:continue, :tidy}}
  end

  @impl true
  def handle_continue(:tidy, state) do
    if state.nodes == [], do: Nodes.tidy()
    {:noreply, state}
  end

  @impl true
  def handle_call({:join, name}, _from, %{nodes: [_ | _], scope: scope} = state)
      when name != scope,
      do: {:reply, already(state), state}

  # What it simulates is kept with the scope, for who comes instead.
  def handle_call({:join, _name}, _from, %{ours: true} = state),
    do: {:stop, :normal, :left, %{state | nodes: []}}

  def handle_call({:join, name}, _from, state), do: {:reply, :ok, %{state | scope: name}}

  def handle_call({:enable, number}, _from, %{nodes: []} = state) do
    {reply, state} = enable(state, number)
    {:reply, reply, state}
  end

  def handle_call({:enable, _number}, _from, state), do: {:reply, already(state), state}

  def handle_call({:simulate, name, number}, _from, %{nodes: []} = state) do
    {reply, state} = enable(%{state | scope: name}, number)
    {:reply, with({:ok, _nodes} <- reply, do: :ok), state}
  end

  def handle_call({:simulate, name, number}, _from, state) do
    same? = name == state.scope and number == length(state.nodes)
    {:reply, if(same?, do: :ok, else: already(state)), state}
  end

  def handle_call(_request, _from, %{nodes: []} = state),
    do: {:reply, {:error, Error.new(:not_simulated)}, state}

  def handle_call(:nodes, _from, state), do: {:reply, {:ok, state.nodes}, state}

  def handle_call(:disable, _from, state) do
    with :ok <- disable(state),
         do: {:reply, :ok, ended(state)},
         else: ({:error, error} -> {:reply, {:error, error}, state})
  end

  def handle_call({:fail, node}, _from, state), do: {:reply, fail(state, node), state}
  def handle_call({:recover, node}, _from, state), do: {:reply, recover(state, node), state}

  def handle_call({:partition, given}, _from, state) do
    with {:ok, groups} <- Plan.groups(given, state.nodes),
         {:ok, cuts} <- Plan.cut(state.cuts, groups) do
      {:reply, Nodes.partition(groups), keep(%{state | cuts: cuts})}
    else
      {:error, error} -> {:reply, {:error, error}, state}
    end
  end

  def handle_call(:heal, _from, state),
    do: {:reply, Nodes.heal(), keep(%{state | cuts: MapSet.new()})}

  # The scope ended, and with it what was simulated.
  @impl true
  def handle_info({:DOWN, monitor, :process, _pid, _reason}, %{monitor: monitor} = state) do
    Nodes.stop(tl(state.nodes))
    {:noreply, idle(state)}
  end

  def handle_info(_other, state), do: {:noreply, state}

  # Who takes the simulator away has the scope as it was before, with whatever there is to be had.
  @impl true
  def terminate(_reason, %{nodes: []}), do: :ok

  def terminate(_reason, state) do
    with {:error, _error} <- disable(state), do: Nodes.give_up(own(state), state.home)
    ended(state)
  catch
    # The scope ends, too.
    _kind, _reason -> Nodes.stop(tl(state.nodes))
  end

  # It is kept before it is begun, so that nothing is begun that nobody knows of.
  defp enable(state, number) do
    with {:ok, nodes} <- Plan.names(number),
         {:ok, own} <- Scope.fetch(state.scope),
         begun = keep(watch(%{state | nodes: nodes, home: own.options})),
         :ok <- Nodes.start(nodes, own) do
      Nodes.await(nodes)
      {{:ok, nodes}, begun}
    else
      {:error, error} -> {{:error, error}, forget(state)}
    end
  end

  defp disable(state), do: Nodes.bring_home(own(state), tl(state.nodes), state.home)

  defp own(state) do
    {:ok, own} = Scope.fetch(state.scope)
    own
  end

  defp fail(state, node) do
    case standing(state, node) do
      {:ok, true} -> Nodes.fail(node, own(state))
      {:ok, false} -> {:error, Error.new(:already_failed, node: node)}
      {:error, error} -> {:error, error}
    end
  end

  defp recover(%{nodes: [first | _]} = state, node) do
    case standing(state, node) do
      {:ok, false} when node == first -> Nodes.resume(own(state))
      {:ok, false} -> Nodes.start_one(node, state.nodes, state.home)
      {:ok, true} -> {:error, Error.new(:not_failed, node: node)}
      {:error, error} -> {:error, error}
    end
  end

  defp standing(state, node),
    do: with(:ok <- Plan.known(node, state.nodes), do: {:ok, Nodes.running?(node)})

  defp already(state),
    do: {:error, Error.new(:already_simulated, nodes: state.nodes, scope: state.scope)}

  # What is simulated outlives a crash of this process, with the scope.
  defp keep(state) do
    Memory.keep(own(state).memory, :simulation, Map.take(state, [:home, :nodes, :cuts]))
    state
  end

  # Of whichever scope it is: that may be another one than this process was started for.
  defp recall(state) do
    Enum.find_value(Scope.running(), state, fn %{name: name, memory: memory} ->
      with %{} = kept <- Memory.recall(memory, :simulation, nil),
           do: watch(struct!(%{state | scope: name}, kept))
    end)
  end

  defp forget(state) do
    with {:ok, own} <- Scope.fetch(state.scope), do: Memory.keep(own.memory, :simulation, nil)
    idle(state)
  end

  defp watch(state),
    do: %{state | monitor: Process.monitor(GenServer.whereis(Scope.via(state.scope, Scope)))}

  defp ended(state) do
    Nodes.stop(tl(state.nodes))
    forget(state)
  end

  defp idle(state) do
    if state.monitor, do: Process.demonitor(state.monitor, [:flush])
    %__MODULE__{scope: state.scope, ours: state.ours}
  end

  defp joined(pid, options) do
    monitor = Process.monitor(pid)

    case call({:join, options[:scope]}) do
      :ok -> {:ok, pid}
      :left -> receive(do: ({:DOWN, ^monitor, _, _, _} -> start_link(options)))
      {:error, error} -> {:error, error}
    end
  end

  # Whoever ends it without asking it to ends all scopes with it.
  defp ensure_started(scope \\ Options.default_scope()) do
    start = {GenServer, :start_link, [__MODULE__, [scope: scope, ours: true], [name: __MODULE__]]}
    spec = %{id: __MODULE__, start: start, restart: :transient, shutdown: :brutal_kill}

    cond do
      Process.whereis(__MODULE__) -> :ok
      Scope.enabled?() -> started(DynamicSupervisor.start_child(Nodes.supervisor(), spec))
      true -> {:error, Error.new(:disabled)}
    end
  end

  defp started({:error, {:already_started, _pid}}), do: :ok
  defp started(outcome), do: with({:ok, _pid} <- outcome, do: :ok)

  defp call(request) do
    GenServer.call(__MODULE__, request, :infinity)
  catch
    :exit, {:noproc, _call} -> {:error, Error.new(:not_simulated)}
    :exit, {reason, _call} -> {:error, Error.new(:worker_failed, reason: reason)}
  end
end
