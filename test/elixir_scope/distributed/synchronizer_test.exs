defmodule ElixirScope.Distributed.SynchronizerTest do
  use ExUnit.Case, async: true

  use ElixirScope.Distributed.Case.SynchronizerContract,
    synchronizer: ElixirScope.Distributed.EventSynchronizer
end

defmodule ElixirScope.Distributed.PluggedSynchronizerTest do
  # Never brings anything, and has nothing brought from it.
  defmodule Alone do
    use GenServer

    alias ElixirScope.Distributed.{GlobalClock, Part, Synchronizer}

    @behaviour Synchronizer

    @impl Synchronizer
    def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options[:name])

    @impl Synchronizer
    def members(name, peers, _keepers), do: GenServer.cast(name, {:members, peers})

    @impl Synchronizer
    def exchange(name, nodes, _timeout_ms), do: GenServer.call(name, {:exchange, nodes})

    @impl Synchronizer
    def deliver(_name, _from, _message), do: :ok

    @impl Synchronizer
    def take_in(_name, _message), do: {:error, :alone}

    @impl Synchronizer
    def describe(name), do: %{keeps: :nothing, peers: GenServer.call(name, :peers)}

    @impl GenServer
    def init(options), do: {:ok, %{name: options[:name], peers: []}, 20}

    @impl GenServer
    def handle_call({:exchange, nodes}, _from, state) do
      nodes = if nodes == :all, do: state.peers, else: nodes
      {:reply, {:ok, Map.new(nodes, &{&1, {:error, :alone}})}, state, 20}
    end

    def handle_call(:peers, _from, state), do: {:reply, state.peers, state, 20}

    @impl GenServer
    def handle_cast({:members, peers}, state), do: {:noreply, %{state | peers: peers}, 20}

    @impl GenServer
    def handle_info(:timeout, state) do
      GlobalClock.tick(Part.scope(state.name), state.peers)
      {:noreply, state, 20}
    end
  end

  # The default, which counts how often it was asked.
  defmodule Counting do
    use Supervisor

    alias ElixirScope.Distributed.{EventSynchronizer, Part, Synchronizer}

    @behaviour Synchronizer

    @impl Synchronizer
    def start_link(options),
      do: Supervisor.start_link(__MODULE__, options, name: options[:name])

    @impl Supervisor
    def init(options) do
      default = Keyword.update!(options, :name, &inner/1)
      start = {EventSynchronizer, :start_link, [default]}
      Supervisor.init([%{id: :default, start: start}], strategy: :one_for_one, max_restarts: 0)
    end

    @impl Synchronizer
    def members(name, peers, keepers),
      do: EventSynchronizer.members(inner(name), peers, keepers)

    @impl Synchronizer
    def exchange(name, nodes, timeout_ms),
      do: EventSynchronizer.exchange(inner(name), nodes, timeout_ms)

    @impl Synchronizer
    def deliver(name, from, message), do: EventSynchronizer.deliver(inner(name), from, message)

    @impl Synchronizer
    def take_in(name, message), do: EventSynchronizer.take_in(inner(name), message)

    @impl Synchronizer
    def describe(name), do: Map.put(EventSynchronizer.describe(inner(name)), :wrapped, true)

    defp inner(name), do: Part.inner(name, :default)
  end

  use ExUnit.Case, async: true
  use ElixirScope.Distributed.Case.SynchronizerContract, synchronizer: Alone, brings?: false

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Case.{Parts, SynchronizerContract}

  test "one that brings nothing leaves each with its own events", context do
    [a, b] = Parts.start(context, 2, synchronizer: Alone)
    for scope <- [a, b], do: Library.record(:mine, scope, scope: scope)
    other = Parts.node_of(b)
    assert {:ok, %{^other => {:error, :alone}}} = Library.NodeCoordinator.force_event_sync(a)
    for scope <- [a, b], do: assert({:ok, [%{data: ^scope}]} = Parts.marks(scope))
    {:ok, status} = Library.status(a)
    assert status.exchange == %{keeps: :nothing, peers: [other]}
    assert status.nodes[other].status == :up
  end

  test "one around the default is used for everything", context do
    members = [a, _b] = Parts.start(context, 2, synchronizer: Counting)
    SynchronizerContract.brings(members)

    eventually(fn ->
      assert {:ok, %{exchange: %{wrapped: true, mode: :auto}}} = Library.status(a)
    end)
  end
end
