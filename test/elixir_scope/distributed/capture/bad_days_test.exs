Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.BadDaysTest do
  # What happens to a system while it is traced. SCOPE_LONG=1 does all of it longer.
  use ElixirScope.Distributed.Case

  @compile {:no_warn_undefined, [:trace, ScopeReloaded]}

  import ScopeTraced, only: [run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Conductor, Tracer, Vm}
  alias ElixirScope.Distributed.Error

  defmodule Elixir.ScopeReloadOther, do: def(other, do: :other)

  @moduletag timeout: :infinity
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @long? System.get_env("SCOPE_LONG") != nil
  @mib 1024 * 1024

  # To compile a module is to load it: that is done before anybody looks.
  setup_all do
    for version <- 1..2, do: :persistent_term.put({__MODULE__, version}, compiled(version))
    unload()
    on_exit(fn -> for version <- 1..2, do: :persistent_term.erase({__MODULE__, version}) end)
  end

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    pid = ScopeTraced.start()

    on_exit(fn ->
      Process.exit(pid, :kill)
      unload()
      eventually(fn -> assert ScopeTraced.Vm.traced() == [] end)
      # Places are given back a moment later: the next test needs some.
      eventually(fn -> assert %{tables: %{processes: 0}} = Tracer.status() end)
    end)

    {:ok, scope: scope, pid: pid}
  end

  defp trace(scope, patterns, options) do
    options = Keyword.merge([scope: scope, health: @calm, duration_ms: 600_000], options)
    with {:ok, trace} <- Scope.trace(patterns, options), do: trace
  end

  defp calls(scope) do
    {:ok, events} = Scope.events(scope: scope, kinds: [:call], limit: 200_000)
    for e <- events, do: e.data
  end

  defp again(scope) do
    {:ok, notes} = Scope.events(scope: scope, kinds: [:trace_started])
    for %{data: %{again: what}} <- notes, do: what
  end

  # A module as its `version`.

  defp load(version) do
    code = :persistent_term.get({__MODULE__, version})
    :code.purge(ScopeReloaded)
    {:module, ScopeReloaded} = :code.load_binary(ScopeReloaded, ~c"scope_reloaded", code)
  end

  defp compiled(version) do
    more = if version > 1, do: "def more(x), do: x", else: ""
    text = "defmodule ScopeReloaded do def version(_), do: #{version}; #{more} end"
    [{ScopeReloaded, code}] = quietly(fn -> Code.compile_string(text) end)
    code
  end

  defp quietly(fun) do
    Code.put_compiler_option(:ignore_module_conflict, true)
    fun.()
  after
    Code.put_compiler_option(:ignore_module_conflict, false)
  end

  defp unload do
    :code.purge(ScopeReloaded)
    :code.delete(ScopeReloaded)
    :code.purge(ScopeReloaded)
  end

  describe "a module" do
    test "that is loaded again is traced again, its new functions too", context do
      %{scope: scope, pid: pid} = context
      load(1)
      trace(scope, ScopeReloaded, processes: pid)
      assert run(pid, fn -> ScopeReloaded.version(:first) end) == 1
      load(2)

      eventually(fn -> assert ScopeReloaded in again(scope) end, within: 2_000)
      assert run(pid, fn -> ScopeReloaded.version(:second) end) == 2
      run(pid, fn -> apply(ScopeReloaded, :more, [:third]) end)
      assert calls(scope) == [[:first], [:second], [:third]]
    end

    test "that is purged while it is traced, and comes back", %{scope: scope, pid: pid} do
      load(1)
      trace(scope, {ScopeReloaded, :version}, processes: pid)
      unload()
      refute_receive _, 1_200
      assert %{running: [_]} = Tracer.status()
      load(1)
      eventually(fn -> assert ScopeReloaded in again(scope) end, within: 2_000)
      assert run(pid, fn -> ScopeReloaded.version(:back) end) == 1
      assert calls(scope) == [[:back]]
    end

    test "that is not there yet is traced from when it comes", %{scope: scope, pid: pid} do
      trace(scope, "ScopeReload*", processes: pid)
      load(1)
      eventually(fn -> assert ScopeReloaded in again(scope) end, within: 2_000)
      run(pid, fn -> ScopeReloaded.version(:came) end)
      assert calls(scope) == [[:came]]
    end
  end

  test "a process that dies while it is traced", %{scope: scope, pid: pid} do
    trace(scope, {ScopeTraced, :id}, processes: pid, messages: true, kinds: [:process])
    run(pid, fn -> ScopeTraced.id(1) end)
    Process.exit(pid, :kill)
    eventually(fn -> assert %{tables: %{processes: 0}} = Tracer.status() end)
    # Who is told of the exit may come after who looks for the process.
    found = fn -> Scope.events(scope: scope, kinds: [:exit]) end
    eventually(fn -> assert {:ok, [%{data: :killed}]} = found.() end)
    assert %{running: [_]} = Tracer.status()
  end

  test "flags that another tool wiped are set again", %{scope: scope, pid: pid} do
    # Nobody can do this to a session.
    unless Vm.sessions?() do
      trace(scope, {ScopeTraced, :id}, processes: pid)
      :erlang.trace(:all, false, [:all])
      :erlang.trace_pattern({:_, :_, :_}, false, [:local])
      eventually(fn -> assert :processes in again(scope) end, within: 2_000)
      run(pid, fn -> ScopeTraced.id(:again) end)
      assert calls(scope) == [[:again]]
    end
  end

  describe "another tracer" do
    test "traces the same function", %{scope: scope, pid: pid} do
      if Vm.sessions?() do
        session = :trace.session_create(:another, self(), [])
        :trace.process(session, pid, true, [:call])
        :trace.function(session, {ScopeTraced, :id, 1}, true, [:local])
        trace = trace(scope, {ScopeTraced, :id}, processes: pid)
        run(pid, fn -> ScopeTraced.id(1) end)
        assert calls(scope) == [[1]]
        assert_receive {:trace, ^pid, :call, {ScopeTraced, :id, [1]}}
        {:ok, _} = Conductor.stop(trace.id, scope)
        run(pid, fn -> ScopeTraced.id(2) end)
        assert_receive {:trace, ^pid, :call, {ScopeTraced, :id, [2]}}
        assert calls(scope) == [[1]]
        :trace.session_destroy(session)
      end
    end

    test "was there first, where there is one for all", %{scope: scope, pid: pid} do
      unless Vm.sessions?() do
        :erlang.trace(pid, true, [:procs, {:tracer, self()}])
        assert {:error, %Error{reason: :other_tracer}} = trace(scope, {ScopeTraced, :id}, [])
        :erlang.trace(pid, false, [:all])
        assert %{id: _} = trace(scope, {ScopeTraced, :id}, processes: pid)
      end
    end

    test "takes over, where there is one for all", %{scope: scope, pid: pid} do
      unless Vm.sessions?() do
        trace(scope, {ScopeTraced, :id}, processes: pid)
        others = for _ <- 1..100, do: ScopeTraced.start()
        for other <- others, do: :erlang.trace(other, true, [:procs, {:tracer, self()}])

        eventually(fn ->
          assert %{running: [], ended: [%{reason: :taken_over} | _]} = Tracer.status()
        end)

        # What is the other's stays.
        assert Enum.all?(others, &(:erlang.trace_info(&1, :flags) == {:flags, [:procs]}))
        assert :erlang.trace_info(pid, :flags) == {:flags, []}
        for other <- others, do: Process.exit(other, :kill)
      end
    end
  end

  test "100,000 processes begin under trace", %{scope: scope} do
    budget = [events: 10_000_000, events_per_s: 10_000_000, bytes: 1_000 * @mib]

    trace(
      scope,
      {ScopeTraced, :id},
      [processes: :new, kinds: [:process], capture: :calls] ++ budget
    )

    before = lost(scope)

    for _ <- 1..100 do
      monitors = for _ <- 1..1_000, do: elem(spawn_monitor(fn -> ScopeTraced.id(1) end), 1)
      for monitor <- monitors, do: assert_receive({:DOWN, ^monitor, :process, _, :normal}, 10_000)
    end

    lost = lost(scope) - before
    assert %{running: [%{events: events}], tables: %{untold: untold}} = Tracer.status()
    # Begin, call and end of each; what found no place or no room is counted.
    assert events + lost + 3 * untold >= 300_000
  end

  test "more processes than can be told apart are a gap", %{scope: scope} do
    budget = [events: 10_000_000, events_per_s: 10_000_000, bytes: 1_000 * @mib]
    trace(scope, [], [processes: :new, kinds: [:process]] ++ budget)
    limit = Tracer.status().tables.process_limit
    pids = for _ <- 1..(limit + 1_000), do: spawn(fn -> receive(do: (:stop -> :ok)) end)

    untold = fn ->
      {:ok, gaps} = Scope.query(scope: scope, kinds: [:gap])
      {Enum.sum(for(%{data: %{untold: untold}} <- gaps.events, do: untold)), gaps.dropped}
    end

    eventually(fn ->
      assert {untold, dropped} = untold.()
      assert untold >= 1_000 and dropped >= untold
    end)

    for pid <- pids, do: send(pid, :stop)
  end

  defp lost(scope) do
    {:ok, %{rings: rings}} = Scope.status(scope)
    rings.lost
  end

  test "a trace begins and ends again and again", %{scope: scope, pid: pid} do
    once = fn ->
      trace = trace(scope, {ScopeTraced, :id}, processes: pid, messages: true)
      {:ok, _} = Conductor.stop(trace.id, scope)
    end

    for _ <- 1..50, do: once.()
    before = settled()
    for _ <- 1..if(@long?, do: 10_000, else: 300), do: once.()
    eventually(fn -> assert settled() - before < 5 * @mib end, within: 20_000)
    eventually(fn -> assert %{tables: %{functions: 0, processes: 0}} = Tracer.status() end)
  end

  defp settled do
    Enum.each(Process.list(), &:erlang.garbage_collect/1)
    :erlang.memory(:total)
  end

  # On a node of its own

  defp boot(config) do
    [node] = start_nodes(1, config: [elixir_scope_distributed: config])
    {ScopeTraced, code, file} = traced_code()
    {:module, ScopeTraced} = on(node, :code, :load_binary, [ScopeTraced, file, code])
    node
  end

  defp traced_code do
    path = Path.join(__DIR__, "../../../shared/traced.exs")
    code = quietly(fn -> Code.compile_file(path) end)
    {ScopeTraced, code[ScopeTraced], ~c"traced"}
  end

  @tag :slow
  test "the ring is full for a while, and the loss is told" do
    node = boot(ring_bytes: 4 * @mib)
    seconds = if @long?, do: 10, else: 2

    {calls, shown, told} =
      on(node, fn ->
        budget = [
          events: 1_000_000_000,
          events_per_s: 1_000_000_000,
          bytes: 100_000 * @mib,
          cpu_percent: 1_000_000
        ]

        {:ok, trace} =
          Scope.trace({ScopeTraced, :add}, [health: @calm, duration_ms: 60_000] ++ budget)

        until = System.monotonic_time(:millisecond) + seconds * 1_000

        calls =
          1..4
          |> Enum.map(fn _ -> Task.async(fn -> busy(until, 0) end) end)
          |> Task.await_many(60_000)
          |> Enum.sum()

        {:ok, %{^node => %{events: events}}} = Scope.stop_trace(trace.id) |> named(node)
        {:ok, gaps} = Scope.events(kinds: [:gap], limit: 100_000)
        {calls, events, gaps |> Enum.map(& &1.data) |> Enum.sum()}
      end)

    assert shown > 0 and told > 0
    assert shown + told >= calls
  end

  defp named({:ok, totals}, _node), do: {:ok, totals}

  defp busy(until, done) do
    if System.monotonic_time(:millisecond) < until do
      for n <- 1..1_000, do: ScopeTraced.add(n, 1)
      busy(until, done + 1_000)
    else
      done
    end
  end

  @tag :slow
  test "a node that is shut down while it is traced ends in order" do
    node = boot([])

    on(node, fn ->
      {:ok, _} = Scope.trace({ScopeTraced, :add}, health: @calm)
      {:ok, _} = Scope.trace({ScopeTraced, :id}, messages: true, processes: :new, health: @calm)
      spawn(fn -> busy(System.monotonic_time(:millisecond) + 60_000, 0) end)
    end)

    began = System.monotonic_time(:millisecond)
    stop(node)
    assert System.monotonic_time(:millisecond) - began < 10_000
  end
end
