defmodule ElixirScope.Distributed.Capture.StateTest do
  # The VM's tracer is one for all: what it says about real servers is compared with them.
  use ExUnit.Case

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.State
  alias ElixirScope.Distributed.Error

  defmodule Elixir.ScopeState.Server do
    use GenServer

    def init(:continue), do: {:ok, :starting, {:continue, :started}}
    def init(:throw), do: throw({:ok, 1})
    def init(:ignore), do: :ignore
    def init(state), do: {:ok, state}
    def handle_continue(:started, :starting), do: {:noreply, :started}

    def handle_call({:reply, s}, _from, _state), do: {:reply, :ok, s}
    def handle_call({:timeout, s}, _from, _state), do: {:reply, :ok, s, 5_000}
    def handle_call({:hibernate, s}, _from, _state), do: {:reply, :ok, s, :hibernate}
    def handle_call({:throw, s}, _from, _state), do: throw({:reply, :ok, s})
    def handle_call({:later, s}, from, _state), do: {:noreply, answered(from, s)}
    def handle_call({:stop, s}, _from, _state), do: {:stop, :normal, :ok, s}

    def handle_call({:stop_later, s}, from, _state),
      do: {:stop, :normal, answered(from, s)}

    def handle_call(:raise, _from, _state), do: raise("no")

    def handle_cast({:set, s}, _state), do: {:noreply, s}
    def handle_cast({:throw, s}, _state), do: throw({:noreply, s})
    def handle_info({:set, s}, _state), do: {:noreply, s}
    def handle_info({:throw, s}, _state), do: throw({:noreply, s, :hibernate})
    def code_change(_old, state, extra), do: {:ok, {state, extra}}

    defp answered(from, state) do
      GenServer.reply(from, :ok)
      state
    end
  end

  defmodule Elixir.ScopeState.States do
    @behaviour :gen_statem
    def callback_mode, do: [:state_functions, :state_enter]
    def init(data), do: {:ok, :shut, data}
    def shut(:enter, _old, _data), do: :keep_state_and_data
    def shut({:call, from}, {:open, d}, _data), do: {:next_state, :open, d, {:reply, from, :ok}}
    def shut({:call, from}, request, data), do: any(from, request, data)
    def open(:enter, _old, _data), do: :keep_state_and_data

    def open({:call, from}, {:shut, d}, _data),
      do: throw({:next_state, :shut, d, {:reply, from, :ok}})

    def open({:call, from}, request, data), do: any(from, request, data)
    def terminate(_reason, _state, _data), do: :ok

    defp any(from, {:keep, d}, _data), do: {:keep_state, d, {:reply, from, :ok}}
    defp any(from, {:repeat, d}, _data), do: {:repeat_state, d, [{:reply, from, :ok}]}
    defp any(from, {:stop, d}, _data), do: {:stop_and_reply, :normal, {:reply, from, :ok}, d}
    defp any(from, _nothing, _data), do: {:keep_state_and_data, {:reply, from, :ok}}
  end

  defmodule Elixir.ScopeState.Events do
    @behaviour :gen_statem
    def callback_mode, do: :handle_event_function
    def init(data), do: {:ok, {:counting, 0}, data, []}

    def handle_event({:call, from}, {:next, d}, {:counting, n}, _data),
      do: {:next_state, {:counting, n + 1}, d, {:reply, from, :ok}}

    def handle_event({:call, from}, {:keep, d}, _state, _data),
      do: {:keep_state, d, {:reply, from, :ok}}

    def handle_event(:cast, {:next, d}, {:counting, n}, _data),
      do: throw({:next_state, {:counting, n + 1}, d})

    def handle_event(:cast, {:keep, d}, _state, _data), do: {:keep_state, d}
    def handle_event(:cast, {:repeat, d}, _state, _data), do: {:repeat_state, d}
    def handle_event(:cast, _other, _state, _data), do: :keep_state_and_data
  end

  defmodule Elixir.ScopeState.Parent do
    use Supervisor
    def init(_), do: Supervisor.init([], strategy: :one_for_one)
  end

  defmodule Elixir.ScopeState.Raises do
    @behaviour :gen_statem
    def callback_mode, do: raise("no")
    def init(_), do: :ignore
  end

  alias ScopeState.{Events, Parent, Raises, Server, States}

  describe "which functions" do
    test "those of a server that it has" do
      {:ok, functions} = State.functions(Server)

      assert Enum.sort(functions) ==
               for(
                 {f, a} <-
                   [code_change: 3, handle_call: 3, handle_cast: 2, handle_continue: 2] ++
                     [handle_info: 2, init: 1],
                 do: {{Server, f, a}, {:gen_server, f}}
               )
    end

    test "those of a state machine, by its mode" do
      {:ok, functions} = State.functions(States)

      assert Enum.sort(functions) == [
               {{States, :init, 1}, {:gen_statem, :init}},
               {{States, :open, 3}, {:gen_statem, {:state, :open}}},
               {{States, :shut, 3}, {:gen_statem, {:state, :shut}}}
             ]

      assert {:ok, [{{Events, :init, 1}, _}, {{Events, :handle_event, 4}, rule}]} =
               State.functions(Events)

      assert rule == {:gen_statem, :handle_event}
    end

    test "those of Erlang's own spelling" do
      module = erlang_module(behavior: :gen_server)
      assert State.functions(module) == {:ok, [{{module, :init, 1}, {:gen_server, :init}}]}
    end

    test "an agent's are its server's" do
      {:ok, functions} = State.functions(Agent)
      assert {{Agent.Server, :handle_call, 3}, {:gen_server, :handle_call}} in functions
    end

    test "none of others, with the reason" do
      for {module, why} <- [
            {Enum, "no behaviour"},
            {Parent, "a supervisor's"},
            {DynamicSupervisor, "a supervisor's"},
            {:supervisor, "a supervisor's"},
            {erlang_module(behaviour: GenServer, behaviour: :gen_statem), "several behaviours"},
            {Raises, "names no mode"},
            {NoSuchModule, "not loaded"}
          ] do
        assert {:error, %Error{reason: :no_state} = error} = State.functions(module)
        assert Exception.message(error) =~ why
      end
    end
  end

  describe "real processes" do
    test "a server, whichever way it leaves its state" do
      command = one_of(for how <- ~w(reply timeout hibernate throw later)a, do: call(how))
      cast = one_of(for how <- ~w(set throw)a, do: message(:cast, how))
      info = one_of(for how <- ~w(set throw)a, do: message(:info, how))

      property(list(one_of([command, cast, info])), [runs: 40], fn commands ->
        traced(Server, fn -> GenServer.start_link(Server, 0) end, &run_server(&1, commands))
      end)
    end

    test "a server that continues, and one that throws at its start" do
      for {argument, states} <- [continue: [:starting, :started], throw: [1]] do
        events =
          traced(Server, fn -> GenServer.start_link(Server, argument) end, fn _pid -> :ok end)

        assert Enum.map(events, &elem(&1, 1)) == Enum.map(states, &{:state, &1})
      end

      assert [{_, :none}] =
               traced(Server, fn -> GenServer.start_link(Server, :ignore) end, fn _ -> :ok end)
    end

    test "a server's last state, and none of what it raised" do
      for how <- [:stop, :stop_later] do
        start = fn -> GenServer.start(Server, 0) end
        events = traced(Server, start, &GenServer.call(&1, {how, :last}))
        assert {_rule, {:state, :last}} = List.last(events)
      end

      ExUnit.CaptureLog.capture_log(fn ->
        start = fn -> GenServer.start(Server, 0) end
        events = traced(Server, start, &catch_exit(GenServer.call(&1, :raise)))
        assert [{_, {:state, 0}}, {{:gen_server, :handle_call}, :none}] = events
      end)
    end

    test "a server whose code changes" do
      events =
        traced(Server, fn -> GenServer.start_link(Server, 0) end, fn pid ->
          :ok = :sys.suspend(pid)
          :ok = :sys.change_code(pid, Server, nil, :extra)
          :ok = :sys.resume(pid)
          assert :sys.get_state(pid) == {0, :extra}
        end)

      assert {{:gen_server, :code_change}, {:state, {0, :extra}}} = List.last(events)
    end

    test "a state machine with a function for each state" do
      command = one_of(for how <- ~w(open shut keep repeat nothing)a, do: call(how))

      property(list(command), [runs: 40], fn commands ->
        start = fn -> :gen_statem.start_link(States, 0, []) end
        traced(States, start, &run_machine(&1, commands))
      end)

      start = fn -> :gen_statem.start(States, 0, []) end
      events = traced(States, start, &:gen_statem.call(&1, {:stop, :last}))
      assert {{:gen_statem, {:state, :shut}}, {:state, {:shut, :last}}} = List.last(events)
    end

    test "a state machine with one function for all" do
      cast = one_of(for how <- ~w(next keep repeat nothing)a, do: message(:cast, how))
      command = one_of([cast | for(how <- ~w(next keep)a, do: call(how))])

      property(list(command), [runs: 40], fn commands ->
        start = fn -> :gen_statem.start_link(Events, 0, []) end
        traced(Events, start, &run_machine(&1, commands))
      end)
    end

    test "an agent" do
      start = fn -> Agent.start_link(fn -> 0 end) end

      traced(Agent, start, fn pid ->
        for {state, n} <- Enum.with_index([1, %{a: 1}, nil]) do
          if rem(n, 2) == 0,
            do: Agent.update(pid, fn _ -> state end),
            else: Agent.cast(pid, fn _ -> state end)

          checkpoint(pid)
        end
      end)
    end

    defp call(how), do: map(term(), &{:call, {how, &1}})
    defp message(kind, how), do: map(term(), &{kind, {how, &1}})

    defp run_server(pid, commands) do
      for command <- commands do
        case command do
          {:call, request} -> :ok = GenServer.call(pid, request)
          {:cast, message} -> GenServer.cast(pid, message)
          {:info, message} -> send(pid, message)
        end

        checkpoint(pid)
      end
    end

    defp run_machine(pid, commands) do
      for command <- commands do
        case command do
          {:call, request} -> :ok = :gen_statem.call(pid, request)
          {:cast, message} -> :gen_statem.cast(pid, message)
        end

        checkpoint(pid)
      end
    end

    # What the process itself says its state is, between what was seen before and after it.
    defp checkpoint(pid) do
      said = :sys.get_state(pid)
      delivered(pid)
      send(self(), {:checkpoint, said})
    end
  end

  describe "what is no state" do
    for callback <- [:init, :handle_call, :handle_cast, :code_change] do
      @of callback
      test "in anything that #{callback} may return" do
        rule = {:gen_server, @of}

        property(term(), fn value ->
          for outcome <- [{:return, value}, {:exception, :throw, value}],
              do: assert(State.state_after(rule, outcome) == :none)

          assert State.state_after(rule, {:exception, :error, {:noreply, value}}) == :none
          assert State.state_after(rule, {:exception, :exit, {:ok, value}}) == :none
        end)
      end
    end

    test "in the third argument of a function that is called no state" do
      rule = {:gen_statem, {:state, :place}}
      assert State.state_before(rule, [:order, 1, 2]) == :none
      assert State.state_before(rule, [{:call, :from}, 1, 2]) == {:state, {:place, 2}}
      assert State.state_before({:gen_server, :init}, [1]) == :none
      assert State.state_before({:gen_statem, :init}, [1]) == :none
    end
  end

  defp erlang_module(behaviours) do
    ignore = [{:clause, 1, [{:var, 1, :_}], [], [{:atom, 1, :ignore}]}]

    forms =
      [{:attribute, 1, :module, :"scope_state_#{length(behaviours)}"}] ++
        for({key, name} <- behaviours, do: {:attribute, 1, key, name}) ++
        [{:attribute, 1, :export, [init: 1]}, {:function, 1, :init, 1, ignore}]

    {:ok, module, code} = :compile.forms(forms, [])
    {:module, ^module} = :code.load_binary(module, ~c"nofile", code)
    on_exit(fn -> ElixirScope.Distributed.DiskModules.unload(module) end)
    module
  end

  # Runs a process with its callbacks traced by the VM, and compares what the tables make of
  # the trace with what the process says at each checkpoint.
  defp traced(module, start, run) do
    {:ok, functions} = State.functions(module)
    rules = Map.new(functions)

    for {mfa, _rule} <- functions,
        do: 1 = :erlang.trace_pattern(mfa, [{:_, [], [{:exception_trace}]}], [:local])

    :erlang.trace(:new, true, [:call])

    with {:ok, pid} <- start.(), do: run.(pid)
    delivered(:all)
    :erlang.trace(:all, false, [:all])
    for {mfa, _rule} <- functions, do: :erlang.trace_pattern(mfa, false, [:local])
    [_init | _] = followed(rules)
  end

  defp delivered(pid) do
    delivered = :erlang.trace_delivered(pid)
    assert_receive {:trace_delivered, ^pid, ^delivered}
  end

  defp followed(rules), do: followed(rules, nil, [])

  defp followed(rules, state, events) do
    receive do
      {:trace, _pid, :call, {m, f, arguments}} ->
        rule = rules[{m, f, length(arguments)}]

        with {:state, before} when state != nil <- State.state_before(rule, arguments),
             do: assert({:before, before} == {:before, elem(state, 0)})

        followed(rules, state, events)

      {:trace, _pid, :return_from, mfa, value} ->
        seen(rules, rules[mfa], {:return, value}, state, events)

      {:trace, _pid, :exception_from, mfa, {class, value}} ->
        seen(rules, rules[mfa], {:exception, class, value}, state, events)

      {:checkpoint, said} ->
        assert {:checkpoint, {said}} == {:checkpoint, state}
        followed(rules, state, events)
    after
      0 -> Enum.reverse(events)
    end
  end

  defp seen(rules, rule, outcome, state, events) do
    found = State.state_after(rule, outcome)
    followed(rules, now(found, state), [{rule, found} | events])
  end

  defp now(:none, state), do: state
  defp now({:state, state}, _before), do: {state}
  defp now({:data, data}, {{name, _data}}), do: {{name, data}}
end
