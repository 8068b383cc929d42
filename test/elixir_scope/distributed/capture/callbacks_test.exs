defmodule ElixirScope.Distributed.Capture.CallbacksTest do
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Opaque}

  defmodule Till do
    use GenServer
    def init(sum), do: {:ok, %{sum: sum, token: "secret"}, {:continue, :count}}
    def handle_continue(:count, till), do: {:noreply, add(till, 1)}
    def handle_call({:add, n}, _from, till), do: {:reply, till.sum, add(till, n)}
    def handle_call(:thrown, _from, till), do: throw({:reply, :ok, add(till, 100)})
    def handle_call(:same, from, till), do: GenServer.reply(from, :ok) && {:noreply, till, 5_000}
    def handle_cast({:add, n}, till), do: {:noreply, add(till, n), :hibernate}
    def handle_info(:odd, till), do: {:noreply, %{till | sum: nil}}
    def handle_info(:stop, till), do: {:stop, :normal, add(%{till | sum: 0}, 9)}
    def add(till, n), do: %{till | sum: till.sum + n}
  end

  defmodule Door do
    @behaviour :gen_statem
    def callback_mode, do: :state_functions
    def init(n), do: {:ok, :closed, n}
    def closed(:cast, :open, n), do: {:next_state, :open, n + 1}
    def closed(:cast, :poke, n), do: {:keep_state, n + 10, []}
    def open(:cast, :close, _n), do: {:next_state, :closed, 0, []}
    def open(:cast, :nothing, _n), do: :keep_state_and_data
    def open(:cast, :stop, n), do: {:stop, :normal, n + 5}
  end

  defmodule Lamp do
    @behaviour :gen_statem
    def callback_mode, do: :handle_event_function
    def init(n), do: {:ok, :off, n}
    def handle_event(:cast, :turn, :off, n), do: {:next_state, :on, n}
    def handle_event(:cast, :dim, _state, n), do: {:keep_state, n - 1}
  end

  defmodule Plain do
    def work, do: :ok
  end

  setup do
    on_exit(fn -> Scope.stop_trace() end)
  end

  defp states(pid) do
    {:ok, events} = Scope.events(pids: [pid], kinds: [:state])
    for event <- events, do: {elem(event.subject, 1), event.data}
  end

  defp ended(pid) do
    reference = Process.monitor(pid)
    assert_receive {:DOWN, ^reference, :process, ^pid, _reason}
  end

  test "a server's state after each callback, the first, a thrown and the last one among them" do
    {:ok, _trace} = Scope.trace(Till, state: true, capture: :calls)
    {:ok, till} = GenServer.start(Till, 0)
    assert GenServer.call(till, {:add, 2}) == 1
    :ok = GenServer.call(till, :thrown)
    :ok = GenServer.call(till, :same)
    GenServer.cast(till, {:add, 5})
    assert :sys.get_state(till).sum == 108
    for message <- [:odd, :stop], do: send(till, message)
    ended(till)

    assert [
             init: %{sum: 0, token: %Opaque{type: :redacted}},
             handle_continue: %{sum: 1},
             handle_call: %{sum: 3},
             handle_call: %{sum: 103},
             handle_call: %{sum: 103},
             handle_cast: %{sum: 108},
             handle_info: %{sum: nil},
             handle_info: %{sum: 9}
           ] = states(till)
  end

  test "a state machine's name and data" do
    {:ok, _trace} = Scope.trace([Door, Lamp], state: true)
    {:ok, door} = :gen_statem.start(Door, 7, [])

    for message <- [:poke, :open, :nothing, :close, :open, :stop],
        do: :gen_statem.cast(door, message)

    ended(door)

    assert states(door) == [
             init: {:closed, 7},
             closed: {:closed, 17},
             closed: {:open, 18},
             open: {:closed, 0},
             closed: {:open, 1},
             open: {:open, 6}
           ]

    {:ok, lamp} = :gen_statem.start(Lamp, 9, [])
    for message <- [:dim, :turn], do: :gen_statem.cast(lamp, message)
    assert :sys.get_state(lamp) == {:on, 8}
    # What `handle_event/4` stays in, it does not say.
    assert [init: {:off, 9}, handle_event: {:keep_state, 8}, handle_event: {:on, 8}] =
             states(lamp)
  end

  test "an agent's, and of no other agent, by its process alone" do
    [{:ok, one}, {:ok, other}] = for n <- [1, 2], do: Agent.start(fn -> n end)
    {:ok, _trace} = Scope.trace([], processes: one, state: true)
    for agent <- [one, other], do: Agent.update(agent, &(&1 + 10))
    Agent.cast(one, &(&1 + 100))
    assert Agent.get(one, & &1) == 111

    assert Keyword.values(states(one)) == [11, 111, 111]
    assert states(other) == []
  end

  test "no call is shown that was not asked for, nor a state of what is not a callback" do
    {:ok, _trace} = Scope.trace({Till, :add, 2}, state: true)
    {:ok, till} = GenServer.start(Till, 0)
    GenServer.call(till, {:add, 2})
    {:ok, events} = Scope.events(pids: [till])
    kinds = for %{kind: kind, subject: {_, name, _}} <- events, do: {kind, name}

    assert kinds == [
             state: :init,
             call: :add,
             state: :handle_continue,
             call: :add,
             state: :handle_call
           ]
  end

  test "where nothing keeps a state, that is said" do
    assert {:error, %Error{reason: :no_state} = error} = Scope.trace(Plain, state: true)
    assert Exception.message(error) =~ "name no behaviour that keeps one"
  end

  test "what a filter lets through and what a state says do not disturb each other" do
    {:ok, trace} =
      Scope.trace("#{inspect(Till)}.handle_call({:add, n}, _, _) when n > 5", state: true)

    {:ok, till} = GenServer.start(Till, 0)
    for n <- [1, 9], do: GenServer.call(till, {:add, n})
    {:ok, events} = Scope.events(pids: [till], kinds: [:call])
    assert [{:add, 9}] = for(%{data: [message | _]} <- events, do: message)
    assert [1, 2, 11] = for({callback, %{sum: sum}} <- states(till), callback != :init, do: sum)
    {:ok, _} = Scope.stop_trace(trace)
    GenServer.call(till, {:add, 1})
    assert length(states(till)) == 4
  end
end
