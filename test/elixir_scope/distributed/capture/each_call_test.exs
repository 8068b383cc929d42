Code.require_file("../../../shared/traced.exs", __DIR__)
Code.require_file("../../../shared/entered.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.EachCallTest do
  # Traces that give each call an id of its own, on one node.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1]
  import ScopeTraced, only: [run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Conductor, Correlation, Tracer}
  alias ElixirScope.Distributed.DiskModules

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @within {ScopeEntered, :within}

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    pid = ScopeTraced.start()

    on_exit(fn ->
      Process.exit(pid, :kill)
      :seq_trace.reset_trace()

      traced = fn ->
        ScopeTraced.Vm.traced(ScopeTraced.functions() ++ ScopeEntered.functions())
      end

      eventually(fn -> assert traced.() == [] end)
    end)

    {:ok, scope: scope, pid: pid}
  end

  defp trace(scope, what \\ @within, options \\ []) do
    options = [scope: scope, health: @calm, correlate: :each_call] |> Keyword.merge(options)
    with {:ok, trace} <- Scope.trace(what, options), do: trace.id
  end

  defp events(scope, filters \\ []) do
    {:ok, events} = Scope.events([scope: scope] ++ filters)
    Enum.reject(events, &(&1.kind in [:trace_started, :trace_stopped]))
  end

  defp record(scope, name), do: Scope.record(name, nil, scope: scope)

  defp marked(scope, name),
    do: scope |> events(kinds: [:mark]) |> Enum.find(&(&1.subject == name))

  defp marks(scope), do: Map.new(events(scope, kinds: [:mark]), &{&1.subject, &1})
  defp label, do: :seq_trace.get_token(:label)

  # In a process of its own, which is in the call until it is told to go on.
  defp held(fun \\ &Scope.correlation/0, what \\ &ScopeEntered.within/1) do
    test = self()

    pid =
      spawn(fn ->
        what.(fn ->
          send(test, {:in, self()})
          answer(test, fun)
        end)

        answer(test, fun)
      end)

    assert_receive {:in, ^pid}, 5_000
    pid
  end

  defp answer(test, fun) do
    receive do
      :go -> send(test, {self(), fun.()})
    end
  end

  defp go(pid) do
    send(pid, :go)
    assert_receive {^pid, result}, 5_000
    result
  end

  defp kill(pid) do
    monitor = Process.monitor(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, _reason}, 5_000
  end

  defp incarnation(scope) do
    {:ok, %{incarnation: incarnation}} = Scope.status(scope)
    incarnation
  end

  describe "an entry call" do
    test "begins an id that its events have, and that ends with it", %{scope: scope, pid: pid} do
      id = trace(scope)
      trace(scope, {ScopeTraced, :id}, correlate: true)

      said =
        run(pid, fn ->
          before = Scope.correlation()

          {:within, within} =
            ScopeEntered.within(fn ->
              record(scope, :in)
              ScopeTraced.id(1)
              Scope.correlation()
            end)

          record(scope, :after)
          {before, within, Scope.correlation()}
        end)

      assert {nil, {node, incarnation, ^pid, k} = own, nil} = said
      assert {node, incarnation} == {node(), incarnation(scope)} and k > 0

      assert [
               {:call, %{entry: true, traces: [^id]}},
               {:mark, in_it},
               {:call, id_call},
               {:return, _}
             ] = for(e <- events(scope, correlation_id: own), do: {e.kind, e.meta})

      assert in_it == %{} and not is_map_key(id_call, :attribution)
      assert %{correlation_id: nil, meta: %{}} = marked(scope, :after)
      for event <- events(scope, correlation_id: own), do: assert(event.correlation_id == own)

      assert events(scope, correlation_id: Correlation.key(own)) ==
               events(scope, correlation_id: own)
    end

    test "of the same process is another one each time", %{scope: scope, pid: pid} do
      trace(scope)

      ids =
        for n <- 1..5, do: run(pid, fn -> ScopeEntered.within(fn -> entered(scope, n) end) end)

      ids = for {:within, id} <- ids, do: id
      assert length(Enum.uniq(ids)) == 5 and Enum.sort_by(ids, &elem(&1, 3)) == ids

      for {id, n} <- Enum.with_index(ids, 1) do
        assert [%{kind: :call}, %{subject: :n, data: ^n}, %{kind: :return}] =
                 events(scope, correlation_id: id)
      end
    end

    test "inside another one belongs to that one, also its own again", %{scope: scope, pid: pid} do
      trace(scope, [@within, {ScopeEntered, :again}])

      run(pid, fn ->
        ScopeEntered.again(3, fn ->
          ScopeEntered.within(fn -> record(scope, :deep) end)
          record(scope, :behind)
        end)

        record(scope, :after)
        ScopeEntered.within(fn -> record(scope, :next) end)
      end)

      %{deep: deep, behind: behind, next: next} = marks = marks(scope)
      assert deep.correlation_id == behind.correlation_id
      assert next.correlation_id not in [nil, deep.correlation_id]
      assert marks.after.correlation_id == nil
      first = events(scope, correlation_id: deep.correlation_id)
      assert length(for %{meta: %{entry: true}} <- first, do: :entry) == 1
      assert length(for %{kind: :return} <- first, do: :return) == 5
    end

    test "ends however it is left", %{scope: scope, pid: pid} do
      trace(scope, [@within, {ScopeEntered, :again}])

      for leave <- [
            fn -> raise "x" end,
            fn -> throw(:x) end,
            fn -> exit(:x) end,
            fn -> ScopeEntered.again(3, fn -> throw(:x) end) end,
            fn -> :erlang.error(:x) end
          ] do
        run(pid, fn ->
          try do
            ScopeEntered.within(leave)
          catch
            _class, _reason -> record(scope, :caught)
          end
        end)

        assert run(pid, &Scope.correlation/0) == nil

        inner = fn ->
          catch_throw(ScopeEntered.again(2, fn -> throw(:x) end)) && Scope.correlation()
        end

        assert {:within, {_, _, ^pid, _}} = run(pid, fn -> ScopeEntered.within(inner) end)
      end

      assert for(%{subject: :caught} = e <- events(scope), uniq: true, do: e.correlation_id) == [
               nil
             ]

      ids = for(%{kind: :exception} = e <- events(scope), uniq: true, do: e.correlation_id)
      assert length(ids) == 10 and nil not in ids
    end

    test "is one whatever is kept of it, and for the messages of its process", %{
      scope: scope,
      pid: pid
    } do
      trace(scope, @within, capture: :calls)
      trace(scope, [], processes: pid, messages: true, correlate: true)
      me = self()

      {:within, [_, id]} =
        run(pid, fn ->
          ScopeEntered.within(fn ->
            [:from_within, Scope.correlation()] |> tap(&send(me, hd(&1)))
          end)
        end)

      assert_receive :from_within
      assert [:call, :send, :return] = for(e <- events(scope, correlation_id: id), do: e.kind)

      assert [%{correlation_id: nil} | _] =
               Enum.reject(events(scope, kinds: [:send]), &(&1.data == :from_within))
    end

    test "of a process that is not meant is none", %{scope: scope, pid: pid} do
      each = trace(scope, @within, processes: pid)
      all = trace(scope, @within, correlate: false)
      assert {:within, nil} = ScopeEntered.within(&Scope.correlation/0)

      assert {:within, {_, _, ^pid, _}} =
               run(pid, fn -> ScopeEntered.within(&Scope.correlation/0) end)

      assert [{nil, [^all], nil}, {{_, _, ^pid, _}, both, true}] =
               for(
                 e <- events(scope, kinds: [:call]),
                 do: {e.correlation_id, e.meta.traces, e.meta[:entry]}
               )

      assert Enum.sort(both) == Enum.sort([each, all])
      :seq_trace.set_token([])
    end

    test "of two processes at one time are two", %{scope: scope} do
      trace(scope, @within, events_per_s: 1_000_000, events: 1_000_000)

      ids =
        1..20
        |> Task.async_stream(fn _n ->
          for n <- 1..50, {:within, id} = ScopeEntered.within(fn -> entered(scope, n) end), do: id
        end)
        |> Enum.flat_map(fn {:ok, ids} -> ids end)

      assert length(Enum.uniq(ids)) == 1_000
      keys = Map.new(ids, &{Correlation.key(&1), elem(&1, 2)})
      {:ok, found} = Scope.events(scope: scope, kinds: [:mark], limit: 100_000)
      assert length(found) == 1_000

      # More of them than are looked for in one answer show less of it.
      for event <- found do
        key = Correlation.key(event.correlation_id)
        assert {event.pid, event.meta} == {keys[key], %{}}
      end
    end
  end

  defp entered(scope, n) do
    Scope.record(:n, n, scope: scope)
    Scope.correlation()
  end

  describe "with_correlation/2" do
    test "inside a call wins, and then the call's id is back", %{scope: scope, pid: pid} do
      trace(scope)

      {:within, {own, labels}} =
        run(pid, fn ->
          ScopeEntered.within(fn ->
            before = label()

            in_it =
              Scope.with_correlation("r-17", fn ->
                record(scope, :inner)
                Task.await(Task.async(fn -> record(scope, :of_inner) end))
                ScopeEntered.within(fn -> record(scope, :deep) end)
                Task.await(Task.async(fn -> record(scope, :of_deep) end))
                label()
              end)

            record(scope, :outer)
            Task.await(Task.async(fn -> record(scope, :of_outer) end))
            {Scope.correlation(), [before, in_it, label()]}
          end)
        end)

      assert [{:label, ^pid}, _map_or_pid, {:label, ^pid}] = labels
      marks = marks(scope)
      key = Correlation.key("r-17")

      for {name, id, meta} <- [
            {:inner, key, %{}},
            {:of_inner, key, %{attribution: :inherited}},
            {:deep, key, %{}},
            {:of_deep, key, %{attribution: :inherited}},
            {:outer, own, %{}},
            {:of_outer, own, %{attribution: :inherited}}
          ],
          do: assert({name, marks[name].correlation_id, marks[name].meta} == {name, id, meta})
    end

    test "around a call keeps its id", %{scope: scope, pid: pid} do
      trace(scope)

      run(pid, fn ->
        Scope.with_correlation(17, fn ->
          ScopeEntered.within(fn ->
            record(scope, :in)
            Task.await(Task.async(fn -> record(scope, :task) end))
          end)

          record(scope, :behind)
          {:label, %{elixir_scope: {17, _}}} = label()
        end)

        assert {Scope.correlation(), label()} == {nil, []}
      end)

      assert for(e <- events(scope, correlation_id: 17), do: {e.kind, e.subject, e.meta[:entry]}) ==
               [
                 {:call, {ScopeEntered, :within, 1}, true},
                 {:mark, :in, nil},
                 {:mark, :task, nil},
                 {:return, {ScopeEntered, :within, 1}, nil},
                 {:mark, :behind, nil}
               ]
    end

    test "elsewhere takes a call's id along", %{scope: scope, pid: pid} do
      trace(scope)
      {:within, {own, context}} = run(pid, fn -> ScopeEntered.within(&carried/0) end)
      Scope.with_context(context, fn -> record(scope, :resumed) end)
      Scope.with_correlation(own, fn -> record(scope, :again) end)

      assert [%{kind: :call}, %{kind: :return}, %{subject: :resumed}, %{subject: :again}] =
               events(scope, correlation_id: own)
    end

    defp carried, do: {Scope.correlation(), Scope.context()}
  end

  describe "what a call reaches" do
    test "inherits its id, also what its trace has nothing to do with", %{scope: scope, pid: pid} do
      trace(scope)
      trace(scope, {ScopeTraced, :id}, correlate: true, return: true)
      {:ok, agent} = Agent.start(fn -> 0 end)

      work = fn name ->
        record(scope, name)
        ScopeTraced.id(name)
      end

      {:within, own} =
        run(pid, fn ->
          ScopeEntered.within(fn ->
            Agent.get(agent, fn _ -> work.(:call) end)
            Task.await(Task.async(fn -> work.(:task) end))
            Task.await(Task.async(fn -> Task.await(Task.async(fn -> work.(:inner_task) end)) end))
            me = self()
            spawn(fn -> send(me, work.(:spawn)) end)
            receive(do: (:spawn -> :ok))
            Agent.cast(agent, fn _ -> send(me, work.(:cast)) end)
            receive(do: (:cast -> :ok))
            {:call, :erpc} = {:call, :erpc.call(node(), fn -> work.(:erpc) end)}
            Scope.correlation()
          end)
        end)

      found = events(scope, correlation_id: own)

      for name <- [:call, :task, :inner_task, :spawn, :cast, :erpc] do
        assert [%{meta: meta}] = Enum.filter(found, &(&1.subject == name))

        assert {name, meta} ==
                 {name, if(name == :erpc, do: meta, else: %{attribution: :inherited})}

        of_name = Enum.filter(found, &(&1.data in [name, [name]]))
        assert [%{kind: :call}, %{kind: :return}] = Enum.filter(of_name, &(&1.kind != :mark))
      end
    end

    test "late, after it had ended, is only likely its own", %{scope: scope} do
      trace(scope)
      {:ok, agent} = Agent.start(fn -> 0 end)
      test = self()

      late = fn name ->
        Agent.cast(agent, fn _ ->
          receive(do: (^name -> record(scope, name)))
          send(test, {:did, name})
        end)

        Scope.correlation()
      end

      for name <- [:lives, :died] do
        caller = held(fn -> late.(name) end)
        assert {_, _, ^caller, _} = id = go(caller)
        eventually(fn -> assert not in_call?(caller) end)
        if name == :died, do: kill(caller)
        send(agent, name)
        assert_receive {:did, ^name}, 5_000
        late = marked(scope, name)
        meta = %{attribution: :inherited, confidence: :likely}
        assert {late.correlation_id, late.meta} == {id, meta}
        assert late in events(scope, correlation_id: id)
        kill(caller)
      end
    end

    defp in_call?(pid) do
      {:current_stacktrace, stack} = Process.info(pid, :current_stacktrace)
      Enum.any?(stack, &match?({ScopeEntered, _, _, _}, &1))
    end
  end

  describe "several traces" do
    test "of one function: one with ids, one without", %{scope: scope, pid: pid} do
      plain = trace(scope, @within, correlate: false)
      each = trace(scope)
      both = Enum.sort([plain, each])
      {:within, first} = run(pid, fn -> ScopeEntered.within(&Scope.correlation/0) end)
      assert [{:call, ^both}, {:return, [^each]}] = told(scope, first)

      {:ok, _} = Conductor.stop(each, scope)
      run(pid, fn -> :seq_trace.set_token([]) end)

      assert {:within, {nil, []}} =
               run(pid, fn -> ScopeEntered.within(fn -> {Scope.correlation(), label()} end) end)

      assert [%{kind: :call, correlation_id: nil}] = Enum.drop(events(scope), 2)

      again = trace(scope)
      {:ok, _} = Conductor.stop(plain, scope)
      assert {:within, second} = run(pid, fn -> ScopeEntered.within(&Scope.correlation/0) end)
      assert [{:call, [^again]}, {:return, [^again]}] = told(scope, second)
    end

    test "of some calls of one function: only those begin ids", %{scope: scope, pid: pid} do
      trace(scope, "ScopeEntered.either(n, _) when n > 5")
      trace(scope, "ScopeEntered.either(n, _) when n < 7", correlate: true, return: true)
      either = fn n -> ScopeEntered.either(n, fn -> {n, Scope.correlation()} end) end

      # Each of the two inside the other: the calls of the second end no call of the first.
      said =
        run(pid, fn ->
          for outer <- 1..9, inner <- 1..9 do
            {_, {first, _, last}} =
              ScopeEntered.either(outer, fn ->
                first = Scope.correlation()
                {_, {_, _inner}} = either.(inner)
                {first, inner, Scope.correlation()}
              end)

            {outer, first != nil, first == last, Scope.correlation()}
          end
        end)

      for {outer, id?, same?, later} <- said,
          do: assert({outer, id?, same?, later} == {outer, outer > 5, true, nil})
    end

    test "with ids end one by one, and a call ends with those that began it", %{scope: scope} do
      other = trace(scope, {ScopeEntered, :again})
      first = trace(scope)
      second = trace(scope)
      caller = held()
      {:ok, _} = Conductor.stop(first, scope)
      assert {_, _, ^caller, _} = go(caller)

      caller = held()
      {:ok, _} = Conductor.stop(second, scope)
      assert go(caller) == nil
      assert Tracer.status().running |> Enum.map(& &1.id) == [other]
    end

    defp told(scope, id),
      do: for(e <- events(scope, correlation_id: id), do: {e.kind, Enum.sort(e.meta.traces)})
  end

  describe "nothing is left" do
    test "of a call when its trace ends in its middle", %{scope: scope} do
      id = trace(scope)
      callers = for _n <- 1..5, do: held(fn -> {Scope.correlation(), record(scope, :late)} end)
      {:ok, _} = Conductor.stop(id, scope)
      for caller <- callers, do: assert(go(caller) == {nil, :ok})
      for caller <- callers, do: assert(go(caller) == {nil, :ok})
      assert %{correlation_id: nil} = marked(scope, :late)

      # A later trace in its place finds nobody in a call.
      caller = held()
      trace(scope)
      assert go(caller) == nil
      assert {:within, {_, _, _, _}} = ScopeEntered.within(&Scope.correlation/0)
      :seq_trace.set_token([])
      Process.exit(caller, :kill)
    end

    test "of a call when the tracer is killed", %{scope: scope} do
      trace(scope)
      caller = held()
      tracer = Process.whereis(Tracer)
      Process.exit(tracer, :kill)
      eventually(fn -> assert Process.whereis(Tracer) not in [nil, tracer] end)
      eventually(fn -> assert Tracer.status().running == [] end)
      assert {go(caller), go(caller)} == {nil, nil}
      eventually(fn -> assert is_integer(trace(scope)) end)
      caller = held()
      assert {_, _, ^caller, _} = go(caller)
      Process.exit(caller, :kill)
    end

    test "of a process that is killed in its call", %{scope: scope} do
      trace(scope)
      {:ok, agent} = Agent.start(fn -> 0 end)

      caller =
        held(fn ->
          Agent.cast(agent, fn _ -> receive(do: (:now -> record(scope, :late))) end)
          Scope.correlation()
        end)

      # In the first call of `held/1`, as its second one waits outside.
      kill(caller)
      used = fn -> Correlation.status().entries end
      assert used.() > 0
      assert {:within, {_, _, _, _}} = ScopeEntered.within(&Scope.correlation/0)
      :seq_trace.set_token([])
      assert %{entry_limit: 65_536, entries_refused: 0} = Correlation.status()
    end
  end

  describe "refused" do
    test "are traces without functions, of loops, and any other value", %{scope: scope} do
      assert {:error, %{reason: :no_entry} = error} = trace(scope, [], processes: self())
      assert Exception.message(error) =~ "no function is named"
      assert {:error, %{reason: :bad_option} = error} = trace(scope, @within, correlate: :each)
      assert Exception.message(error) =~ "to be one of true, false, :each_call"

      DiskModules.on_path!("""
      defmodule ScopeEnteredLoop do
        def forever(n), do: forever(n + 1)
        def once(n), do: {n, elixir_scope_each_call()}
        defp elixir_scope_each_call, do: ElixirScope.Distributed.correlation()
      end
      """)

      Code.ensure_loaded!(ScopeEnteredLoop)
      assert {:error, %{reason: :runaway_return}} = trace(scope, {ScopeEnteredLoop, :forever})

      # As one of a whole module it is traced without returns, and begins no ids.
      assert is_integer(trace(scope, ScopeEnteredLoop))
      assert {1, {_, _, me, _}} = apply(ScopeEnteredLoop, :once, [1])
      assert me == self()
      :seq_trace.set_token([])
    end

    test "while another tool has a system tracer of seq_trace", %{scope: scope} do
      false = :seq_trace.set_system_tracer(self())
      assert {:error, %{reason: :system_tracer} = error} = trace(scope)
      assert Exception.message(error) =~ "(its system tracer is #{inspect(self())})"
      assert is_integer(trace(scope, @within, correlate: true))
      :seq_trace.set_system_tracer(false)
      assert is_integer(trace(scope))
    end
  end

  test "what somebody else put there is left alone, and what is ours replaced", %{
    scope: scope,
    pid: pid
  } do
    other = ScopeTraced.start()

    # A pid of whom nobody knows is any tool's.
    run(pid, fn ->
      :seq_trace.set_token(:label, other)
      Scope.with_correlation(17, fn -> assert label() == {:label, other} end)
      assert label() == {:label, other}
      :seq_trace.set_token([])
    end)

    trace(scope)

    run(pid, fn ->
      ScopeEntered.within(fn -> :ok end)
      assert label() == {:label, self()}
      Scope.with_correlation(17, fn -> assert {:label, %{elixir_scope: {17, _}}} = label() end)
      assert label() == {:label, self()}

      ScopeEntered.within(fn ->
        :seq_trace.set_token([])
        record(scope, :mends)
        assert label() == {:label, self()}
        :seq_trace.set_token(:label, 77)
        record(scope, :foreign)
        assert label() == {:label, 77}
        :seq_trace.set_token(:label, %{other: :tool})
        record(scope, :shared)
        assert label() == {:label, %{other: :tool}}
      end)

      :seq_trace.set_token(:label, self())
      record(scope, :after)
      assert :seq_trace.get_token() == []
    end)

    ids = for name <- [:mends, :foreign, :shared], do: marked(scope, name).correlation_id
    assert [{_, _, ^pid, _}] = Enum.uniq(ids)
    assert marked(scope, :after).correlation_id == nil
    Process.exit(other, :kill)
  end
end
