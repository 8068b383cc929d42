defmodule ElixirScope.Distributed.Simulation.Nodes do
  @moduledoc false
  # Virtual nodes, started, ended, and brought home: what a simulation does to scopes. The scope that ran
  # before (`own`) becomes one of them by moving to another network with all its events; each of the
  # others is a scope of its own, started like any.
  #
  # Invariants: `own`'s store is open all the time, so that recording never pauses; nothing is stopped
  # before what it has was taken over.

  alias ElixirScope.Distributed.{Error, GlobalClock, NodeCoordinator, Options, Scope}
  alias ElixirScope.Distributed.Cluster.Memory
  alias ElixirScope.Distributed.Simulation.Plan
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Sync.Handover
  alias ElixirScope.Distributed.Transports.Isolated
  alias ElixirScope.Distributed.Transports.Isolated.Network

  @network __MODULE__.Network

  # Places in the native core, for all scopes of a VM.
  @scopes 64

  # How long it takes at most until they are one cluster; it is 50 ms where nothing else runs.
  @joined_ms 5_000
  @look_ms 10

  # What a node gives at two mebibytes a second is more than it keeps by default.
  @handover_ms 60_000

  @doc "Under which the nodes and the network run."
  @spec supervisor() :: atom
  def supervisor, do: ElixirScope.Distributed.Scopes

  @doc "Starts the network and all nodes but the first, or nothing."
  @spec start([node], Scope.t()) :: :ok | {:error, Error.t() | term}
  def start([_first | others] = nodes, own) do
    with :ok <- free(nodes),
         :ok <- room(others),
         {:error, reason} <- begin(nodes, own) do
      stop(others)
      {:error, reason}
    end
  end

  defp begin([first | others] = nodes, own) do
    settings = settings(own.options, nodes)

    with {:ok, _network} <- child({Network, name: @network}),
         :ok <- start_each(others, settings),
         do: move(own, [name: own.name, node: first] ++ settings, first)
  catch
    # The scope ended meanwhile.
    :exit, reason -> {:error, Error.new(:worker_failed, reason: reason)}
  end

  @doc "Starts one node, which finds the others by itself."
  @spec start_one(node, [node], keyword) :: :ok | {:error, term}
  def start_one(node, nodes, home), do: start_each([node], settings(home, nodes))

  @doc "Waits until every node sees all the others, for a while."
  @spec await([node]) :: :ok
  def await(nodes), do: await(nodes, System.monotonic_time(:millisecond) + @joined_ms)

  @doc "Whether a node is there: the first one's store is in any case."
  @spec running?(node) :: boolean
  def running?(node) do
    case Scope.fetch(node) do
      {:ok, scope} -> Scope.whereis(scope.name, NodeCoordinator) != nil
      {:error, _not_running} -> false
    end
  end

  @doc "A node ends without a last word; of the first one what it has recorded stays."
  @spec fail(node, Scope.t()) :: :ok
  def fail(node, own) do
    :ok = Network.unplug(@network, node)
    if node == own.node, do: Scope.halt(own.name), else: Scope.stop(node)
  end

  @doc "The first node begins again."
  @spec resume(Scope.t()) :: :ok
  def resume(own) do
    :ok = Storage.renew(own)
    Scope.resume(own.name)
  end

  @doc "Takes over what the nodes have, and makes of `own` what it was before; or changes nothing."
  @spec bring_home(Scope.t(), [node], keyword) :: :ok | {:error, Error.t()}
  def bring_home(own, others, home) do
    scopes = for node <- others, {:ok, scope} <- [Scope.fetch(node)], do: scope
    ran = for scope <- [own | scopes], running?(scope.node), do: scope.name
    Enum.each(ran, &Scope.halt/1)

    with {:error, error} <- take_over(scopes, own) do
      Enum.each(scopes, &Scope.publish/1)
      Enum.each(ran, &Scope.resume/1)
      {:error, error}
    else
      :ok -> give_up(own, home)
    end
  end

  @doc "Makes of `own` what it was before, with what it has."
  @spec give_up(Scope.t(), keyword) :: :ok
  def give_up(own, home) do
    Scope.halt(own.name)
    Memory.take_back(own.memory, :membership)
    :ok = Storage.renew(Scope.describe(%{own | also: nil}, home))
    Scope.resume(own.name)
  end

  @doc "Ends what a simulation left that nobody knows of any more."
  @spec tidy() :: :ok
  def tidy do
    left = for name <- Plan.all(), {:ok, %{name: ^name} = scope} <- [Scope.fetch(name)], do: scope
    stop(for %{options: options} = scope <- left, ours?(options[:transport]), do: scope.name)
  end

  defp ours?({Isolated, options}), do: options[:network] == @network
  defp ours?(_another), do: false

  @doc "Ends the nodes, as far as they are there, and the network."
  @spec stop([node]) :: :ok
  def stop(others) do
    Enum.each(others, &Scope.stop/1)
    if pid = Process.whereis(@network), do: DynamicSupervisor.terminate_child(supervisor(), pid)
    :ok
  end

  @doc "Cuts ways between groups."
  @spec partition([Plan.group()]) :: :ok
  def partition(groups), do: Network.partition(@network, groups)

  @doc "Opens every way."
  @spec heal() :: :ok
  def heal, do: Network.heal(@network)

  # What all of them have in common with the scope that ran before; a folder is of one scope alone.
  defp settings(home, nodes) do
    network = {Isolated, network: @network, scope: :simulated}

    home
    |> Keyword.drop([:name, :node])
    |> Keyword.merge(transport: network, cluster_nodes_init: nodes, simulate: nil)
  end

  defp start_each(nodes, settings) do
    Enum.reduce_while(nodes, :ok, fn node, :ok ->
      case child(spec([name: node, node: node] ++ Keyword.put(settings, :data_dir, nil))) do
        {:ok, _tree} -> {:cont, :ok}
        {:error, reason} -> {:halt, {:error, Error.new(:worker_failed, reason: reason)}}
      end
    end)
  end

  # Whom nobody recovers stays down.
  defp spec(options), do: %{Scope.child_spec(options) | restart: :temporary}
  defp child(spec), do: DynamicSupervisor.start_child(supervisor(), spec)

  # Who was decided to belong to one network has no say in the other.
  defp move(own, options, also) do
    Scope.halt(own.name)
    Memory.put_aside(own.memory, :membership)
    :ok = Storage.renew(Scope.describe(%{own | also: also}, options))
    Scope.resume(own.name)
  end

  # From now on nothing is recorded there that would not be taken over.
  defp take_over(scopes, own) do
    stamps = for scope <- scopes, {_, _, _} = stamp <- [GlobalClock.now(scope.name)], do: stamp
    Enum.each(scopes, &Scope.retract/1)
    Enum.each(stamps, &GlobalClock.update(&1, own.name))

    Enum.find_value(scopes, :ok, fn scope ->
      with {:ok, _summary} <- Handover.run(scope, own, @handover_ms), do: nil
    end)
  end

  defp free(nodes) do
    case Enum.find(nodes, &match?({:ok, _scope}, Scope.fetch(&1))) do
      nil -> :ok
      taken -> {:error, Error.new(:name_taken, scope: taken)}
    end
  end

  # The place of the default scope is kept for it.
  defp room(others) do
    default? = match?({:ok, _scope}, Scope.fetch(Options.default_scope()))
    taken = length(Scope.all(Storage)) + if(default?, do: 0, else: 1)

    if taken + length(others) <= @scopes,
      do: :ok,
      else: {:error, Error.new(:no_room, nodes: length(others) + 1, limit: @scopes)}
  end

  defp await(nodes, deadline) do
    unless together?(nodes) or System.monotonic_time(:millisecond) > deadline do
      receive(after: (@look_ms -> :ok))
      await(nodes, deadline)
    end

    :ok
  end

  defp together?(nodes),
    do: Enum.all?(nodes, &(NodeCoordinator.get_cluster_nodes(&1) == {:ok, Enum.sort(nodes)}))
end
