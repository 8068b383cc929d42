Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.TracerTest do
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ScopeTraced, only: [run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Offered, Tracer}
  alias ElixirScope.Distributed.{Error, GlobalClock, Opaque}

  # A busy machine is another test's.
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  @safe Offered.families([:memory, :scheduling]) == :ok

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    pid = ScopeTraced.start()

    on_exit(fn ->
      Process.exit(pid, :kill)
      eventually(fn -> assert ScopeTraced.Vm.traced() == [] end)

      eventually(fn ->
        assert %{functions: 0, processes: 0} = Tracer.status().tables
      end)
    end)

    {:ok, scope: scope, pid: pid}
  end

  defp trace(scope, patterns, options) do
    options = Keyword.merge([scope: scope, health: @calm], options)
    with {:ok, trace} <- Scope.trace(patterns, options), do: trace
  end

  # In the order in which they happened; of one kind, or several.
  defp events(scope, kinds \\ []) do
    {:ok, events} = Scope.events(scope: scope, kinds: kinds)
    Enum.reject(events, &(&1.kind in [:trace_started, :trace_stopped]))
  end

  defp seen(scope, kinds), do: for(e <- events(scope, kinds), do: {e.subject, e.data})
  defp add(a, b), do: ScopeTraced.add(a, b)

  defp ended(scope) do
    eventually(
      fn ->
        assert {:ok, %{traces: %{running: [], ended: [ended | _]}}} = Scope.status(scope)
        ended
      end,
      within: 1_500
    )
  end

  describe "calls" do
    test "with their arguments, what they return and what they raise", %{scope: scope, pid: pid} do
      trace = trace(scope, ScopeTraced, processes: pid, return: true)
      run(pid, fn -> add(1, 2) end)
      run(pid, fn -> catch_error(ScopeTraced.fail("no")) end)
      run(pid, fn -> catch_throw(ScopeTraced.tossed(:x)) end)

      assert [call, return | rest] =
               Enum.filter(events(scope), &(elem(&1.subject, 1) not in [:loop, :run]))

      assert %{kind: :call, subject: {ScopeTraced, :add, 2}, data: [1, 2], pid: ^pid} = call
      assert %{kind: :return, subject: {ScopeTraced, :add, 2}, data: 3, pid: ^pid} = return
      assert call.node == node() and call.mono_ns <= return.mono_ns
      assert GlobalClock.compare(call.at, return.at) == :lt
      assert call.meta == %{traces: [trace.id]}

      assert [
               {:call, {ScopeTraced, :fail, 1}, ["no"]},
               {:exception, {ScopeTraced, :fail, 1}, {:error, %ArgumentError{message: "no"}}},
               {:call, {ScopeTraced, :tossed, 1}, [:x]},
               {:exception, {ScopeTraced, :tossed, 1}, {:throw, :x}}
             ] = for(e <- rest, do: {e.kind, e.subject, e.data})
    end

    test "as much of them as is wanted", %{scope: scope, pid: pid} do
      text = String.duplicate("x", 50_000)
      long = Enum.to_list(1..2_000)

      for {capture, check} <- [
            calls: fn e -> assert {e.data, e.meta[:truncated?]} == {nil, nil} end,
            arguments: fn e ->
              assert [%Opaque{type: :binary, size: 50_000}, [1, 2 | _] | _] = e.data
              assert e.meta.truncated?
            end,
            full: fn e -> assert {e.data, e.meta[:truncated?]} == {[text, long], nil} end
          ] do
        trace = trace(scope, {ScopeTraced, :place, 2}, processes: pid, capture: capture)
        run(pid, fn -> catch_error(ScopeTraced.place(text, long)) end)
        {:ok, _} = Scope.stop_trace(trace.id) |> stopped(scope, trace)
        assert [event] = Enum.filter(events(scope, [:call]), &(&1.meta.traces == [trace.id]))
        check.(event)
      end
    end

    test "only those that a pattern means", %{scope: scope, pid: pid} do
      trace(scope, "ScopeTraced.place(%{id: id}, _) when id > 3 -> return", processes: pid)
      trace(scope, "ScopeTraced.pair({a, a})", processes: pid)
      for id <- 1..5, do: run(pid, fn -> ScopeTraced.place(%{id: id}, :more) end)
      for pair <- [{1, 1}, {1, 2}, {:a, :a}], do: run(pid, fn -> ScopeTraced.pair(pair) end)

      assert for({{_, :place, _}, data} <- seen(scope, [:call]), do: hd(data).id) == [4, 5]
      assert for({{_, :pair, _}, [pair]} <- seen(scope, [:call]), do: pair) == [{1, 1}, {:a, :a}]
      assert [{_, {4, :more}}, {_, {5, :more}}] = seen(scope, [:return])
    end
  end

  describe "processes" do
    test "a name, and whoever else calls is none of it", %{scope: scope, pid: pid} do
      Process.register(pid, :scope_traced_name)
      trace(scope, {ScopeTraced, :id}, processes: :scope_traced_name)
      run(pid, fn -> ScopeTraced.id(1) end)
      other = ScopeTraced.start()
      run(other, fn -> ScopeTraced.id(2) end)
      ScopeTraced.id(3)
      assert [{_, [1]}] = seen(scope, [:call])
      Process.exit(other, :kill)
    end

    test "and of what they do only what was named", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, kinds: [:spawn, :send])
      run(pid, fn -> spawn(fn -> :ok end) |> Process.link() end)
      run(pid, fn -> send(spawn(fn -> :ok end), :hello) end)
      kinds = for event <- events(scope), uniq: true, do: event.kind
      assert Enum.sort(kinds) == [:send, :spawn]
    end

    test "all of them", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, [])
      run(pid, fn -> ScopeTraced.id(1) end)
      ScopeTraced.id(2)
      Task.await(Task.async(fn -> ScopeTraced.id(3) end))
      assert [{_, [1]}, {_, [2]}, {_, [3]}] = seen(scope, [:call])
    end

    test "new ones", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, processes: :new, kinds: [:process])
      run(pid, fn -> ScopeTraced.id(1) end)
      me = self()
      {child, monitor} = spawn_monitor(fn -> ScopeTraced.id(2) end)
      assert_receive {:DOWN, ^monitor, :process, ^child, :normal}
      assert [{_, [2]}] = seen(scope, [:call])
      assert [%{pid: ^me, subject: ^child}] = events(scope, [:spawn])
      assert [%{pid: ^child, data: :normal}] = events(scope, [:exit])
    end

    test "those under a supervisor, also children that start later", %{scope: scope} do
      {:ok, sup} = DynamicSupervisor.start_link(strategy: :one_for_one)
      start = fn -> DynamicSupervisor.start_child(sup, {Agent, fn -> 0 end}) end
      {:ok, before} = start.()
      trace(scope, {ScopeTraced, :id}, processes: {:supervised_by, sup})
      {:ok, later} = start.()
      for pid <- [before, later], do: Agent.get(pid, fn _ -> ScopeTraced.id(pid) end)
      # What a child starts is of the family, too.
      Agent.get(later, fn _ -> Task.await(Task.async(fn -> ScopeTraced.id(:grandchild) end)) end)
      ScopeTraced.id(:other)
      assert [[^before], [^later], [:grandchild]] = for({_, d} <- seen(scope, [:call]), do: d)
    end

    test "what a process does is followed from its first call on", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, messages: true, kinds: [:process])
      run(pid, fn -> send(self(), :before) end)
      run(pid, fn -> ScopeTraced.id(1) end)
      run(pid, fn -> send(self(), :behind) end)
      run(pid, fn -> Process.unlink(spawn_link(fn -> :ok end)) end)
      sent = for e <- events(scope, [:send]), e.pid == pid, do: e.data
      assert {:ran, pid, 1} in sent and :behind in sent and :before not in sent
      assert Enum.any?(events(scope, [:receive]), &(&1.pid == pid and &1.data == :behind))
      assert [%{pid: ^pid}] = events(scope, [:spawn])
      assert [%{pid: ^pid}] = events(scope, [:link])
      assert Enum.all?(events(scope), &(&1.pid == pid))
    end
  end

  describe "what a process does" do
    test "sends, to whatever one can send to", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, messages: true)
      me = self()
      alias_of_me = :erlang.alias()
      Process.register(self(), :scope_traced_me)

      run(pid, fn ->
        send(me, {:to, :pid})
        send(:scope_traced_me, {:to, :name})
        send(alias_of_me, {:to, :alias})
        send({:scope_traced_me, node()}, {:to, :node})
      end)

      sent = for {subject, {:to, what}} <- seen(scope, [:send]), do: {what, subject}
      assert sent[:pid] == me
      assert sent[:name] == :scope_traced_me
      assert sent[:alias] == alias_of_me
      assert sent[:node] in [:scope_traced_me, {:scope_traced_me, node()}]
    end

    test "receives, with who sent it", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, messages: true)
      me = self()
      run(pid, fn -> :ok end)
      run(pid, fn -> receive(do: (:never -> :ok), after: (1 -> :ok)) end)
      assert [%{subject: ^me, data: {:run, _, ^me}, pid: ^pid}, _] = events(scope, [:receive])
    end

    test "begins, ends, is linked and named", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, kinds: [:process])

      child =
        run(pid, fn ->
          Process.register(self(), :scope_traced_named)
          child = spawn_link(ScopeTraced, :loop, [])
          Process.unlink(child)
          Process.unregister(:scope_traced_named)
          child
        end)

      monitor = Process.monitor(pid)
      Process.exit(pid, {:because, %{of: 1}})
      assert_receive {:DOWN, ^monitor, :process, ^pid, _}

      assert [
               {:register, :scope_traced_named, nil},
               {:spawn, ^child, {ScopeTraced, :loop, []}},
               {:link, ^child, nil},
               {:unlink, ^child, nil},
               {:unregister, :scope_traced_named, nil},
               {:exit, nil, {:because, %{of: 1}}}
             ] = for(e <- events(scope), do: {e.kind, e.subject, e.data})

      assert Enum.all?(events(scope), &(&1.pid == pid))
      Process.exit(child, :kill)
    end

    test "links that others make to it", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, kinds: [:process])
      Process.link(pid)
      Process.unlink(pid)
      run(pid, fn -> :ok end)
      me = self()

      assert [{:link, ^pid, ^me}, {:unlink, ^pid, ^me}] =
               for(e <- events(scope), do: {e.kind, e.pid, e.subject})
    end

    @tag skip: not @safe
    test "collects garbage, with sizes before and after", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, kinds: [:gc])
      run(pid, fn -> Enum.reverse(Enum.to_list(1..5_000)) && :erlang.garbage_collect() end)
      assert [_ | _] = events = events(scope, [:gc])
      assert Enum.all?(events, &(&1.pid == pid))
      assert %{generation: :major, before: before, after: later} = List.last(events).data
      assert before.heap + before.old_heap > later.heap + later.old_heap
      assert %{stack: _, fragments: _} = later
    end

    @tag skip: not @safe
    test "is scheduled in and out", %{scope: scope, pid: pid} do
      trace(scope, [], processes: pid, kinds: [:scheduling])
      run(pid, fn -> :ok end)
      run(pid, fn -> :ok end)

      assert eventually(fn ->
               case events(scope) do
                 [%{kind: :in, subject: {ScopeTraced, :loop, 0}}, %{kind: :out} | _] -> true
                 _ -> false
               end
             end)
    end
  end

  @tag skip: @safe
  test "what can bring this VM down is refused", %{scope: scope, pid: pid} do
    for kinds <- [[:gc], [:in], [:memory, :scheduling]] do
      refused = trace(scope, [], processes: pid, kinds: kinds)
      assert {:error, %Error{reason: :unsafe_kinds}} = refused
    end
  end

  describe "a trace ends by itself" do
    test "when it has its events", %{scope: scope, pid: pid} do
      trace = trace(scope, {ScopeTraced, :id}, processes: pid, events: 20)
      run(pid, fn -> for n <- 1..1_000, do: ScopeTraced.id(n) end)
      assert %{reason: :events, events: 20, message: message} = ended(scope)
      assert message =~ "limit 20"
      assert length(events(scope, [:call])) == 20
      assert [%{data: %{reason: :events, trace: id}}] = notes(scope, :trace_stopped)
      assert id == trace.id
      gone(pid)
    end

    test "when its time is over", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, processes: pid, duration_ms: 50)
      assert %{reason: :duration} = ended(scope)
      gone(pid)
    end

    test "when more come in a second than may", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, processes: pid, events_per_s: 50)
      run(pid, fn -> for n <- 1..5_000, do: ScopeTraced.id(n) end)
      assert %{reason: :rate} = ended(scope)
      # No more than a second's share was recorded meanwhile.
      assert length(events(scope, [:call])) <= 150
      gone(pid)
    end

    test "when it has its bytes", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, processes: pid, bytes: 10_000, capture: :full)
      run(pid, fn -> for _ <- 1..20, do: ScopeTraced.id(:binary.copy("x", 5_000)) end)
      assert %{reason: :bytes, bytes: bytes} = ended(scope)
      assert bytes >= 10_000
      gone(pid)
    end

    test "when calls wait for returns that do not come", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :deep},
        processes: pid,
        return: true,
        events: 1_000_000,
        events_per_s: 1_000_000
      )

      run(pid, fn -> ScopeTraced.deep(12_000) end)
      assert %{reason: :runaway_returns} = ended(scope)
      gone(pid)
    end

    test "not when calls have no returns that could be waited for", %{scope: scope, pid: pid} do
      patterns = ["ScopeTraced.id/1", "ScopeTraced.add/2 -> return"]
      bounds = [processes: pid, events: 1_000_000, events_per_s: 1_000_000]
      %{id: id} = trace = trace(scope, patterns, bounds)

      run(pid, fn -> for n <- 1..12_000, do: ScopeTraced.id(ScopeTraced.add(n, 1)) end)
      assert length(events(scope, [:return])) == 10_000
      seen = :sys.get_state(Tracer).round
      eventually(fn -> assert :sys.get_state(Tracer).round > seen + 1 end)

      stopped = Scope.stop_trace(id) |> stopped(scope, trace)
      assert {:ok, %{traces: [%{events: 36_000, reason: :stopped}]}} = by_node(stopped)
      gone(pid)
    end

    test "with the process that began it", %{scope: scope, pid: pid} do
      {owner, monitor} = spawn_monitor(fn -> trace(scope, {ScopeTraced, :id}, processes: pid) end)

      assert_receive {:DOWN, ^monitor, :process, ^owner, :normal}
      assert %{reason: :owner_down, by: {_node, ^owner}} = ended(scope)
      gone(pid)
    end

    test "with its scope", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id}, processes: pid)
      :ok = stop_supervised({ElixirScope.Distributed.Scope, scope})

      eventually(fn ->
        assert %{running: [], ended: [%{reason: :owner_down} | _]} = Tracer.status()
      end)

      gone(pid)
    end

    test "and what ended is not begun again", %{scope: scope, pid: pid} do
      {:ok, order} =
        ElixirScope.Distributed.Capture.Order.new(
          {ScopeTraced, :id},
          [scope: scope, processes: pid, duration_ms: 1, health: @calm],
          {node(), self()}
        )

      {:ok, _} = Tracer.arm(order, 10_000, self())
      assert_receive {:trace_ended, _id, %{reason: :duration}}
      assert {:error, %Error{reason: :ended}} = Tracer.arm(order, 10_000, self())
    end
  end

  test "a trace is told of, when it begins and when it ends", %{scope: scope, pid: pid} do
    trace = trace(scope, {ScopeTraced, :id}, processes: pid)
    run(pid, fn -> ScopeTraced.id(1) end)
    assert {:ok, %{}} = Scope.stop_trace(trace.id) |> stopped(scope, trace)
    by = inspect(self())

    assert [%{data: %{trace: id, by: ^by, patterns: ["ScopeTraced.id"]}}] =
             notes(scope, :trace_started)

    assert [%{data: %{trace: ^id, reason: :stopped, events: 1}}] = notes(scope, :trace_stopped)
    assert id == trace.id
  end

  defp notes(scope, kind), do: elem(Scope.events(scope: scope, kinds: [kind]), 1)

  # `stop_trace/1` is the default scope's.
  defp stopped({:ok, _} = done, _scope, _trace), do: done

  defp stopped({:error, _}, scope, trace),
    do: ElixirScope.Distributed.Capture.Conductor.stop(trace.id, scope)

  defp by_node({:ok, summaries}), do: {:ok, summaries[node()]}

  defp gone(pid) do
    assert ScopeTraced.Vm.traced() == []
    assert run(pid, fn -> ScopeTraced.id(:still) end) == :still
  end
end
