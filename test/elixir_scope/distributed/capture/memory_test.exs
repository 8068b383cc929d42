Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.MemoryTest do
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ScopeTraced, only: [run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Memory, Offered}
  alias ElixirScope.Distributed.Error

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  # What such a VM does instead is tested below.
  @counts Offered.memory() == :ok

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    pid = ScopeTraced.start()

    on_exit(fn ->
      Process.exit(pid, :kill)
      eventually(fn -> assert ScopeTraced.Vm.traced() == [] end)
    end)

    {:ok, scope: scope, pid: pid}
  end

  defp trace(scope, patterns, options) do
    options = Keyword.merge([scope: scope, health: @calm], options)
    with {:ok, trace} <- Scope.trace(patterns, options), do: trace
  end

  defp events(scope, kinds) do
    {:ok, events} = Scope.events(scope: scope, kinds: kinds)
    Enum.filter(events, &(&1.kind in kinds))
  end

  defp calls(scope), do: Enum.sum(for e <- events(scope, [:memory]), do: e.data.calls)
  defp again(scope), do: for(%{data: %{again: _}} = e <- events(scope, [:trace_started]), do: e)

  # Twice in a row, and the second takes the place of the first.
  defp load(module) do
    code = quote do: def(list(n), do: Enum.to_list(1..n))
    # The compiler loads, too.
    :code.purge(module)
    Code.put_compiler_option(:ignore_module_conflict, true)
    {:module, ^module, _, _} = Module.create(module, code, Macro.Env.location(__ENV__))
    Code.put_compiler_option(:ignore_module_conflict, false)
  end

  describe "what was added" do
    test "is what is more than last time, and all of who is new" do
      mfa = {:m, :f, 1}
      assert {[{^mfa, :p, 2, 30}], false, memory} = Memory.grown(%Memory{}, mfa, [{:p, 2, 30}])

      assert {[{^mfa, :p, 1, 5}, {^mfa, :q, 1, 9}], false, memory} =
               Memory.grown(memory, mfa, [{:p, 3, 35}, {:q, 1, 9}])

      assert {[], false, memory} = Memory.grown(memory, mfa, [{:p, 3, 35}, {:q, 1, 9}])
      # Its module was loaded again.
      assert {[{^mfa, :p, 1, 7}], false, memory} = Memory.grown(memory, mfa, [{:p, 1, 7}])
      assert Memory.only(memory, []).told == %{}
    end

    test "is not kept of more processes than the bound" do
      rows = for n <- 1..501, do: {n, 1, 1}
      assert {grown, true, memory} = Memory.grown(%Memory{}, {:m, :f, 1}, rows)
      assert {length(grown), memory.told} == {501, %{}}
    end

    test "is looked for in all functions, in turns" do
      functions = for n <- 1..250, do: {:m, :f, n}

      {turns, memory} =
        Enum.map_reduce(1..3, %Memory{}, fn _, memory -> Memory.turn(memory, functions) end)

      assert Enum.map(turns, &length/1) == [100, 100, 50]
      assert Enum.concat(turns) == functions
      # What is no longer counted is not looked at.
      assert {[], _} = Memory.turn(elem(Memory.turn(memory, functions), 1), [])
    end
  end

  describe "of functions" do
    @describetag skip: not @counts

    test "is told of each process when the trace ends", %{scope: scope, pid: pid} do
      trace = trace(scope, {ScopeTraced, :list}, memory: true, capture: :calls)
      other = ScopeTraced.start()
      for _ <- 1..3, do: run(pid, fn -> ScopeTraced.list(1_000) end)
      run(other, fn -> ScopeTraced.list(10) end)
      Process.exit(other, :kill)
      {:ok, _} = Scope.stop_trace(trace)

      taken = for e <- events(scope, [:memory]), into: %{}, do: {e.pid, {e.subject, e.data}}
      assert %{^pid => {{ScopeTraced, :list, 1}, most}, ^other => {_, least}} = taken
      # A cell of a list is two words.
      assert %{calls: 3, words: words} = most
      assert words >= 6_000
      assert %{calls: 1, words: few} = least
      assert few in 20..words
      assert Enum.all?(events(scope, [:memory]), &(&1.meta == %{traces: [trace.id]}))
    end

    test "is told while it runs, and once", %{scope: scope, pid: pid} do
      trace = trace(scope, {ScopeTraced, :list}, memory: true, processes: pid)
      run(pid, fn -> ScopeTraced.list(100) end)
      eventually(fn -> assert [_] = events(scope, [:memory]) end, within: 3_000)
      run(pid, fn -> ScopeTraced.list(100) end)
      {:ok, _} = Scope.stop_trace(trace)
      assert [%{data: %{calls: 1}}, %{data: %{calls: 1}}] = events(scope, [:memory])
    end

    test "is counted once for two traces, and told to who wants it", %{scope: scope, pid: pid} do
      plain = trace(scope, {ScopeTraced, :list}, processes: pid)
      first = trace(scope, {ScopeTraced, :list}, processes: pid, memory: true)
      run(pid, fn -> ScopeTraced.list(100) end)
      second = trace(scope, {ScopeTraced, :list}, processes: pid, memory: true)
      run(pid, fn -> ScopeTraced.list(100) end)
      for trace <- [second, first, plain], do: {:ok, _} = Scope.stop_trace(trace)

      told = for e <- events(scope, [:memory]), do: {Enum.sort(e.meta.traces), e.data.calls}
      assert told == [{[first.id], 1}, {Enum.sort([first.id, second.id]), 1}]
    end

    test "is counted anew of a module that is loaded again", %{scope: scope, pid: pid} do
      load(ScopeCounted)
      trace = trace(scope, {ScopeCounted, :list}, processes: pid, memory: true)
      for _ <- 1..3, do: run(pid, fn -> apply(ScopeCounted, :list, [10]) end)
      eventually(fn -> assert calls(scope) == 3 end, within: 3_000)
      load(ScopeCounted)
      eventually(fn -> assert [_] = again(scope) end, within: 3_000)
      run(pid, fn -> apply(ScopeCounted, :list, [10]) end)
      {:ok, _} = Scope.stop_trace(trace)
      assert calls(scope) == 4
      :code.purge(ScopeCounted)
    end
  end

  describe "is refused" do
    @tag skip: @counts
    test "where the VM does not count it", %{scope: scope} do
      assert {:error, %Error{reason: :no_memory} = error} =
               trace(scope, {ScopeTraced, :list}, memory: true)

      assert Exception.message(error) =~ "does not count"
    end

    @tag skip: not @counts
    test "of more functions than the VM should stop for", %{scope: scope} do
      assert {:error, %Error{reason: :too_many_counted} = error} =
               trace(scope, [app: :mix], memory: true, processes: self())

      assert Exception.message(error) =~ "at most 1000"
    end
  end
end
