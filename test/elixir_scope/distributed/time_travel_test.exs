Code.require_file("../../shared/past.exs", __DIR__)

defmodule ElixirScope.Distributed.TimeTravelTest do
  # What is told of the past of real processes, compared with a model that went along.
  use ExUnit.Case

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.PastTraced

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Event, GlobalClock, Opaque, TimeTravel}
  alias ScopePast.{Events, Server, States}

  setup do
    [scope: scope!()]
  end

  defp state(pid, time, scope) do
    {:ok, %TimeTravel.State{state: state}} = Scope.state_at(pid, time, scope: scope)
    state
  end

  defp states(pid, scope), do: events(pid, [:state], scope)

  defp events(pid, kinds, scope) do
    {:ok, events} = Scope.events(pids: [pid], kinds: kinds, scope: scope)
    events
  end

  defp changes(pid, path, scope, options \\ []) do
    {:ok, %{changes: changes, more?: false}} = Scope.changes(pid, path, [scope: scope] ++ options)
    changes
  end

  defp error(result) do
    assert {:error, %Error{} = error} = result
    assert is_binary(Exception.message(error))
    error.reason
  end

  defp server!(scope, options \\ []) do
    {:ok, pid} = GenServer.start_link(Server, 1)
    trace!(scope, Server, [processes: done(pid)] ++ options)
    pid
  end

  describe "a model that goes along" do
    setup %{scope: scope} do
      for module <- [Server, States, Events], do: trace!(scope, module)
      :ok
    end

    defp key, do: one_of(Enum.map([:a, :b, :c], &constant/1))

    test "a server", %{scope: scope} do
      command =
        one_of([
          tuple([constant(:set), key(), integer()]),
          tuple([constant(:drop), key()]),
          tuple([constant(:inc), integer()])
        ])

      property(list(command), [runs: 100], fn commands ->
        {:ok, pid} = GenServer.start_link(Server, 0)
        done(pid)
        # What came of init and handle_continue.
        first = %{n: 0, items: [:begun], by: nil}
        models = Enum.scan([first | commands], &server/2)
        for command <- commands, do: GenServer.cast(pid, command)
        done(pid)
        all = Enum.drop(states(pid, scope), 1)
        same_states(pid, all, models, scope)
        same_changes(pid, [:a], [:unknown | models], all, commands, scope)
        same_changes(pid, [:n], [:unknown | models], all, commands, scope)
      end)
    end

    defp server({:set, key, value}, s), do: Map.put(s, key, value)
    defp server({:drop, key}, s), do: Map.delete(s, key)
    defp server({:inc, k}, s), do: %{s | n: s.n + k}

    test "a machine with a function for each state", %{scope: scope} do
      machine(scope, States, :shut, &states_model/2, [:open, :shut])
    end

    test "a machine with one function for all", %{scope: scope} do
      machine(scope, Events, {:count, 0}, &events_model/2, [:next, :nothing])
    end

    defp machine(scope, module, first, model, plain) do
      plain = Enum.map(plain, &constant/1)
      command = one_of(plain ++ [tuple([constant(:put), key(), integer()])])

      property(list(command), [runs: 100], fn commands ->
        {:ok, pid} = :gen_statem.start_link(module, %{}, [])
        for command <- commands, do: :gen_statem.cast(pid, command)
        done(pid)
        last = Enum.reduce(commands, {first, %{}}, model)
        assert without_entered(state(pid, :now, scope)) == without_entered(last)
        {_name, data} = last
        written = Enum.reject(changes(pid, [1, :a], scope), &(&1.old == :unknown))

        assert Enum.all?(
                 written,
                 &match?(%{message: %{content: {:put, :a, _}, confidence: :exact}}, &1)
               )

        left = List.last([:none | Enum.map(written, & &1.new)])
        assert left == with(:error <- Map.fetch(data, :a), do: :none)
      end)
    end

    # What is opened twice is postponed, and done when it is shut.
    defp states_model(:open, {:shut, data}), do: {:open, Map.update(data, :opened, 1, &(&1 + 1))}
    defp states_model(:open, {:open, data}), do: {:open, Map.update(data, :later, 1, &(&1 + 1))}

    defp states_model(:shut, {:open, %{later: n} = data}),
      do: again({:shut, Map.delete(data, :later)}, n)

    defp states_model(:shut, {_state, data}), do: {:shut, data}
    defp states_model({:put, key, value}, {state, data}), do: {state, Map.put(data, key, value)}

    defp again({:shut, data}, 1), do: states_model(:open, {:shut, data})

    defp again(shut, n) do
      {:open, data} = states_model(:open, shut)
      {:open, Map.put(data, :later, n - 1)}
    end

    defp without_entered({name, data}), do: {name, Map.drop(data, [:entered, :later])}

    defp events_model(:next, {{:count, n}, data}), do: {{:count, n + 1}, data}
    defp events_model(:nothing, state), do: state
    defp events_model({:put, key, value}, {state, data}), do: {state, Map.put(data, key, value)}

    test "an agent", %{scope: scope} do
      property(list(tuple([key(), integer()])), [runs: 100], fn commands ->
        {:ok, pid} = Agent.start_link(fn -> :none end)
        trace!(scope, [], processes: pid)
        Agent.update(pid, fn :none -> %{} end)
        models = Enum.scan([%{} | commands], fn {key, value}, s -> Map.put(s, key, value) end)
        for {key, value} <- commands, do: Agent.update(pid, &Map.put(&1, key, value))
        same_states(pid, states(pid, scope), models, scope)
        assert Enum.all?(changes(pid, [:a], scope), &(&1.callback |> elem(0) == Agent.Server))
        Scope.stop_trace(scope)
      end)
    end

    # By the event, by the moment, just before it, and after all.
    defp same_states(pid, events, models, scope) do
      assert Enum.map(events, & &1.data) == models

      for {event, model} <- Enum.zip(events, models) do
        assert state(pid, event, scope) == model
        assert state(pid, event.id, scope) == model
      end

      for [{before, model}, {event, _next}] <-
            events |> Enum.zip(models) |> Enum.chunk_every(2, 1, :discard),
          before.at != event.at do
        assert state(pid, before.at, scope) == model
      end

      assert state(pid, :now, scope) == List.last(models)
    end

    defp same_changes(pid, [key] = path, [:unknown | models], events, commands, scope) do
      expected =
        for {[before, now], event, command} <-
              Enum.zip([Enum.chunk_every(models, 2, 1, :discard), tl(events), commands]),
            found(before, key) != found(now, key),
            do: {found(before, key), found(now, key), event.id, command, :exact}

      told =
        for change <- changes(pid, path, scope, from: hd(events)),
            change.callback == {Server, :handle_cast, 2},
            do:
              {change.old, change.new, change.event, change.message.content,
               change.message.confidence}

      assert told == expected
    end

    defp found(map, key), do: with(:error <- Map.fetch(map, key), do: :none)
  end

  describe "the state at a time" do
    test "is from an event, in a callback, of a request", %{scope: scope} do
      pid = server!(scope)
      Scope.with_correlation(17, fn -> GenServer.call(pid, {:add, 3}) end)
      assert {:ok, state} = Scope.state_at(pid, :now, scope: scope)

      assert %{
               state: %{items: [3, :begun]},
               callback: {Server, :handle_call, 3},
               correlation_id: nil
             } = state

      assert %{unsure: [], unsure_since: nil, truncated?: false, missing: missing, dropped: 0} =
               state

      assert missing == %{}
      [event] = states(pid, scope)
      assert {event.id, event.at} == {state.event, state.at}
    end

    test "by all ways to say when", %{scope: scope} do
      pid = server!(scope)
      for n <- [1, 2], do: GenServer.cast(done(pid), {:inc, n})
      done(pid)
      [first, second] = states(pid, scope)
      {_logical, ns, _node} = second.at

      for time <- [
            first,
            first.id,
            Event.Id.text(first.id),
            Event.Id.text(first.id, :short),
            first.at,
            ns - 1_000
          ],
          do: assert(%{n: 2} = state(pid, time, scope))

      for time <- [:now, second, second.at, ns, DateTime.utc_now(), GlobalClock.now(scope)],
          do: assert(%{n: 4} = state(pid, time, scope))
    end

    test "is unsure when the trace has ended, and only then", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      before = GlobalClock.now(scope)
      {:ok, _ended} = Scope.stop_trace(scope)
      GenServer.cast(pid, {:inc, 1})
      done(pid)

      assert {:ok, %{state: %{n: 2}, unsure: [not_traced: id], unsure_since: since}} =
               Scope.state_at(pid, :now, scope: scope)

      {:ok, [stopped]} = Scope.events(kinds: [:trace_stopped], scope: scope)
      assert {id, since} == {stopped.id, stopped.at}
      assert {:ok, %{unsure: []}} = Scope.state_at(pid, before, scope: scope)

      trace!(scope, Server, processes: pid)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert {:ok, %{state: %{n: 4}, unsure: []}} = Scope.state_at(pid, :now, scope: scope)
    end

    test "is unsure where events were lost", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      [event] = states(pid, scope)
      {:ok, handle} = ElixirScope.Distributed.Scope.fetch(scope)
      # As the drain says it.
      :ok = ElixirScope.Distributed.Storages.Native.note(handle, :gap, %{thinned: 3, refused: 0})

      assert {:ok, %{unsure: [gap: _id], unsure_since: since, dropped: 3}} =
               Scope.state_at(pid, :now, scope: scope)

      assert since == event.at
      of_other = %{thinned: 3, refused: 0, of: %{trace: -1}}
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      :ok = ElixirScope.Distributed.Storages.Native.note(handle, :gap, of_other)
      assert {:ok, %{unsure: [], dropped: 0}} = Scope.state_at(pid, :now, scope: scope)
    end

    test "is truncated where a budget cut it, and says that the process has ended", %{
      scope: scope
    } do
      pid = server!(scope, capture: :arguments, kinds: [:process])
      GenServer.cast(pid, {:set, :text, String.duplicate("x", 20_000)})
      done(pid)

      assert {:ok, %{truncated?: true, ended: nil, state: %{text: %Opaque{type: :binary}}}} =
               Scope.state_at(pid, :now, scope: scope)

      Process.unlink(pid)
      GenServer.stop(pid)

      ElixirScope.Distributed.Case.eventually(fn ->
        assert {:ok, %{ended: {_, _, _}}} = Scope.state_at(pid, :now, scope: scope)
      end)
    end

    test "of a machine that stays is that of an earlier event, or of none", %{scope: scope} do
      {:ok, pid} = :gen_statem.start_link(Events, %{a: 0}, [])
      trace!(scope, Events, processes: pid)
      for n <- 1..40, do: :gen_statem.cast(pid, {:put, :a, n})
      done(pid)
      assert {%Opaque{type: :unknown}, %{a: 40}} = state(pid, :now, scope)
      :gen_statem.cast(pid, :next)
      for n <- 1..40, do: :gen_statem.cast(pid, {:put, :a, n})
      done(pid)
      assert state(pid, :now, scope) == {{:count, 1}, %{a: 40}}
    end

    test "is not there before the first one, or at all", %{scope: scope} do
      pid = server!(scope)
      assert error(Scope.state_at(pid, :now, scope: scope)) == :no_state_captured
      before = GlobalClock.now(scope)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert error(Scope.state_at(pid, before, scope: scope)) == :before_first_state
      assert error(Scope.state_at(pid, 0, scope: scope)) == :before_first_state
      [call, _state] = events(pid, [:call, :state], scope)
      assert error(Scope.state_at(pid, call.id, scope: scope)) == :before_first_state
      assert error(Scope.state_at(self(), :now, scope: scope)) == :no_state_captured
    end

    test "of wrong input is an error", %{scope: scope} do
      assert error(Scope.state_at(:name)) == :bad_process
      assert error(Scope.state_at(nil, :now, scope: scope)) == :bad_process

      for time <- [
            :then,
            "x",
            "x#",
            "",
            -1,
            {1, 2},
            {1, -2, :n},
            {:a, 1, :n},
            %Event{},
            nil,
            1.5,
            [],
            {{:a, :b}, 1},
            {{:n, 1}, 0}
          ],
          do: assert(error(Scope.state_at(self(), time, scope: scope)) == :bad_moment)

      assert error(Scope.state_at(self(), :now, scop: scope)) == :bad_option
      assert error(Scope.state_at(self(), :now, scope: :no_such_scope)) == :not_running
      assert error(Scope.state_at(self(), :now, :scope)) == :bad_option
      assert error(Scope.state_at(self(), {{:nowhere@h, 3}, 7}, scope: scope)) == :unknown_event

      assert error(Scope.state_at(self(), "a node nobody knows/3#7", scope: scope)) ==
               :unknown_event
    end
  end

  describe "changes" do
    test "name the message, who sent it, and its correlation", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 0})
      Scope.with_correlation(17, fn -> GenServer.call(pid, {:add, 3}) end)
      assert [change] = changes(pid, [:items], scope)

      assert %{old: {:ok, [:begun]}, new: {:ok, [3, :begun]}, seen: true, correlation_id: 17} =
               change

      assert %{kind: :call, content: {:add, 3}, from: from, confidence: :exact, receive: received} =
               change.message

      assert from == self()
      assert received in Enum.map(events(pid, [:receive], scope), & &1.id)
      assert [%{old: :none, new: {:ok, :begun}}] = changes(pid, [:items, 1], scope)
    end

    test "of a callback that called another one are its own alone", %{scope: scope} do
      pid = server!(scope)
      send(pid, :twice)
      done(pid)

      assert [%{callback: {Server, :handle_info, 2}, message: %{content: :twice}}] =
               changes(pid, [:n], scope)
    end

    test "that nobody saw are told", %{scope: scope} do
      pid = server!(scope)
      GenServer.cast(pid, {:inc, 1})
      :sys.replace_state(pid, &%{&1 | n: 100})
      GenServer.cast(pid, {:inc, 1})
      done(pid)

      assert [
               %{new: {:ok, 2}},
               %{seen: false, old: {:ok, 2}, new: {:ok, 100}, message: nil},
               %{new: {:ok, 101}}
             ] = changes(pid, [:n], scope)
    end

    test "without calls are guessed from what was received", %{scope: scope} do
      {:ok, pid} = GenServer.start_link(Server, 1)
      trace!(scope, [], processes: done(pid))
      GenServer.cast(pid, {:inc, 1})
      GenServer.call(pid, {:add, 3})
      done(pid)

      assert [%{old: :unknown, message: %{confidence: :likely, content: {:inc, 1}}}] =
               changes(pid, [:n], scope)

      assert [_first, %{message: %{confidence: :likely, content: {:add, 3}}}] =
               changes(pid, [:items], scope)
    end

    test "without calls and messages have no message", %{scope: scope} do
      {:ok, pid} = GenServer.start_link(Server, 1)
      trace!(scope, [], processes: done(pid), messages: false)
      GenServer.cast(pid, {:inc, 1})
      done(pid)
      assert [%{message: nil, new: {:ok, 2}}] = changes(pid, [:n], scope)
    end

    test "of a stretch of time", %{scope: scope} do
      pid = server!(scope)
      for n <- 1..6, do: GenServer.cast(pid, {:inc, n})
      done(pid)
      [_one, two, three | _] = states(pid, scope)

      told = changes(pid, [:n], scope, from: two, to: three.id)
      assert Enum.map(told, & &1.new) == [{:ok, 4}, {:ok, 7}]

      assert {:ok, %{more?: true}} = Scope.changes(pid, [:n], scope: scope, limit: 14)
    end

    test "of wrong input are errors", %{scope: scope} do
      assert error(Scope.changes(1, [:a], scope: scope)) == :bad_process

      for path <- [:a, [:a | :b], nil, %{}, List.duplicate(:a, 65)],
          do: assert(error(Scope.changes(self(), path, scope: scope)) == :bad_path)

      assert error(Scope.changes(self(), [], from: :yesterday)) == :bad_option
      assert error(Scope.changes(self(), [], limit: 0)) == :bad_option
      assert error(Scope.changes(self(), [], scope: scope)) == :no_state_captured
    end
  end
end
