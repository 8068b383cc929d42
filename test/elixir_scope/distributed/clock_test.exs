defmodule ElixirScope.Distributed.ClockTest do
  use ExUnit.Case, async: true
  use ElixirScope.Distributed.Case.ClockContract, clock: ElixirScope.Distributed.GlobalClock
end

defmodule ElixirScope.Distributed.PluggedClockTest do
  # Follows nobody, whatever they say.
  defmodule Stubborn do
    use GenServer

    alias ElixirScope.Distributed.{Clock, Error}

    @behaviour Clock

    @impl Clock
    def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options[:name])

    @impl Clock
    def read(name), do: GenServer.call(name, :read)

    @impl Clock
    def observe(name, from, stamp) do
      GenServer.cast(name, {:observed, from, stamp})
      {:error, Error.new(:clock_too_far_ahead, ahead_ns: 1_000_000, limit_ns: 0, stamp: stamp)}
    end

    @impl Clock
    def deliver(name, from, update), do: GenServer.cast(name, {:delivered, from, update})

    @impl Clock
    def exchange(name, peers), do: GenServer.cast(name, {:members, peers})

    @impl Clock
    def measured(_name, node), do: {:error, Error.new(:unknown_node, node: node)}

    @impl Clock
    def describe(name), do: GenServer.call(name, :describe)

    @impl GenServer
    def init(options),
      do: {:ok, %{node: options[:node], told: options[:told], last: 0, from: MapSet.new()}}

    @impl GenServer
    def handle_call(:read, _from, state) do
      now = max(System.os_time(:nanosecond), state.last + 1)
      {:reply, {0, now, state.node}, %{state | last: now}}
    end

    def handle_call(:describe, _from, state) do
      {:reply, %{source: :stubborn, quarantined: Enum.sort(state.from)}, state}
    end

    @impl GenServer
    def handle_cast({:observed, nil, _stamp}, state), do: {:noreply, state}

    def handle_cast({:observed, from, _stamp}, state),
      do: {:noreply, %{state | from: MapSet.put(state.from, from)}}

    def handle_cast(told, state) do
      state.told && send(state.told, told)
      {:noreply, state}
    end
  end

  use ExUnit.Case, async: true
  use ElixirScope.Distributed.Case.ClockContract, clock: Stubborn

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Case.Parts
  alias ElixirScope.Distributed.{Error, GlobalClock}

  test "a scope has the clock it was given, and no other", context do
    [a, b] = Parts.start(context, 2, clock: {Stubborn, told: self()})
    other = Parts.node_of(b)
    assert_receive {:members, [^other]}, 5_000

    {_logical, ns, node} = GlobalClock.now(a)
    assert node == Parts.node_of(a)
    ahead = {0, ns + 1_000_000_000, :x@contract}
    assert {:error, %Error{reason: :clock_too_far_ahead}} = GlobalClock.update(ahead, a)

    eventually(fn ->
      {:ok, status} = Library.status(a)
      assert %{source: :stubborn, quarantined: [^other]} = status.clock
      assert %{status: :up, reason: :clock_quarantined} = status.nodes[other]
    end)

    Library.record(:mine, 1, scope: a)
    assert {:ok, [%{data: 1}]} = Library.events(scope: b, kinds: [:mark])
  end

  test "what another clock sends comes to it", context do
    [a, b] = Parts.start(context, 2, clock: {Stubborn, told: self()})
    {:ok, %{clock: {Stubborn, name}}} = ElixirScope.Distributed.Scope.fetch(a)

    update = %Library.Types.GlobalClockUpdate{
      source_node: Parts.node_of(a),
      kind: :ping,
      sent_at: GlobalClock.now(a)
    }

    assert Library.Part.send(name, Parts.node_of(b), update) == :ok
    from = Parts.node_of(a)
    assert_receive {:delivered, ^from, %{kind: :ping}}, 5_000
  end
end
