Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.SlowCallsTest do
  @compile {:no_warn_undefined, ScopeSlowLoops}

  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ScopeTraced, only: [begin: 2, result: 1, run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Tracer
  alias ElixirScope.Distributed.{DiskModules, Error}

  @loops """
  defmodule ScopeSlowLoops do
    def body(ref), do: [ref]
    def loop(ref), do: receive(do: (^ref -> :ok; _other -> loop(ref)))
  end
  """

  # A busy machine is another test's.
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  # Longer than any call here that nobody keeps from returning.
  @long 20_000

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    pid = ScopeTraced.start()

    on_exit(fn ->
      Process.exit(pid, :kill)
      eventually(fn -> assert ScopeTraced.Vm.traced() == [] end)

      eventually(fn ->
        assert %{functions: 0, held_calls: 0, held_bytes: 0} = Tracer.status().tables
      end)
    end)

    {:ok, scope: scope, pid: pid}
  end

  defp trace(scope, patterns, ms, options \\ []) do
    options = if ms, do: [only: Scope.slower_than(ms)] ++ options, else: options

    with {:ok, trace} <- Scope.trace(patterns, [scope: scope, health: @calm] ++ options),
         do: trace
  end

  defp events(scope) do
    {:ok, events} = Scope.events(scope: scope, limit: 100_000)
    Enum.reject(events, &(&1.kind in [:trace_started, :trace_stopped]))
  end

  defp seen(scope), do: for(e <- events(scope), do: {e.kind, elem(e.subject, 1), e.data})

  # Until the call is shown, it is kept from returning.
  defp slowly(scope, pid, name, result \\ :done) do
    ref = make_ref()
    shown = length(calls(scope, name))
    begin(pid, fn -> apply(ScopeTraced, name, [ref]) end)
    eventually(fn -> assert length(calls(scope, name)) > shown end)
    send(pid, {ref, result})
    result(pid)
  end

  defp calls(scope, name),
    do: for(%{kind: :call, subject: {_, ^name, _}} = e <- events(scope), do: e)

  defp summary(scope, trace) do
    {:ok, %{traces: %{running: running, ended: ended}}} = Scope.status(scope)
    Enum.find(running ++ ended, &(&1.id == trace.id))
  end

  defp resident do
    [_, resident | _] = "/proc/self/statm" |> File.read!() |> String.split()
    String.to_integer(resident) * 4096
  end

  describe "of the calls" do
    test "fast ones leave nothing", %{scope: scope, pid: pid} do
      trace = trace(scope, ScopeTraced, @long, processes: pid)
      for n <- 1..100, do: run(pid, fn -> ScopeTraced.add(n, 1) end)
      run(pid, fn -> catch_error(ScopeTraced.fail("no")) end)
      assert events(scope) == []
      assert %{events: 0, bytes: 0, refused: 0, looked_at: looked_at} = summary(scope, trace)
      assert looked_at >= 101
    end

    test "slow ones are kept whole", %{scope: scope, pid: pid} do
      trace = trace(scope, {ScopeTraced, :wait, 1}, 20, processes: pid)
      assert slowly(scope, pid, :wait, %{id: 7}) == %{id: 7}

      assert [%{kind: :call} = call, %{kind: :return} = return] = events(scope)
      assert {[_ref], %{id: 7}} = {call.data, return.data}
      assert {call.pid, return.pid, call.meta.traces} == {pid, pid, [trace.id]}
      assert return.mono_ns - call.mono_ns > 20_000_000
      assert %{events: 2, looked_at: 1} = summary(scope, trace)
    end

    test "one that does not return is shown after its threshold", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :wait, 1}, 30, processes: pid)
      begin(pid, fn -> ScopeTraced.wait(make_ref()) end)
      eventually(fn -> assert [%{kind: :call, pid: ^pid}] = events(scope) end)
    end

    test "an outer one is kept without the fast ones in it", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :again, 1}, 300, processes: pid)
      assert slowly(scope, pid, :again) == {:fast, :done}
      assert [{:call, :again, [_ref]}, {:return, :again, {:fast, :done}}] = seen(scope)
    end

    test "those that raise are kept with what they raise", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :fails, 1}, 20, processes: pid)
      ref = make_ref()
      begin(pid, fn -> catch_error(ScopeTraced.fails(ref)) end)
      eventually(fn -> assert [_call] = events(scope) end)
      send(pid, {ref, "late"})
      result(pid)

      assert [{:call, :fails, [_ref]}, {:exception, :fails, {:error, %{message: "late"}}}] =
               seen(scope)
    end

    test "of those that a pattern means", %{scope: scope, pid: pid} do
      trace(scope, "ScopeTraced.again(nil)", 20, processes: pid)
      plain = trace(scope, {ScopeTraced, :again, 1}, nil, processes: pid, return: true)
      slowly(scope, pid, :again)
      assert for(e <- events(scope), uniq: true, do: e.meta.traces) == [[plain.id]]

      assert [{:call, _, _}, {:call, _, [nil]}, {:return, _, :fast}, {:return, _, _}] =
               seen(scope)
    end

    test "and everything else that is wanted of the process", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :id, 1}, @long, processes: pid, kinds: [:send])
      me = self()
      run(pid, fn -> ScopeTraced.id(send(me, :hello)) end)

      assert [%{kind: :send, data: :hello}, %{kind: :send, data: {:ran, _, :hello}}] =
               events(scope)
    end
  end

  describe "a process" do
    test "that is killed within a slow call leaves it", context do
      %{scope: scope, pid: pid} = context
      trace(scope, {ScopeTraced, :wait, 1}, 20, processes: pid)
      begin(pid, fn -> ScopeTraced.wait(make_ref()) end)
      eventually(fn -> assert [%{kind: :call}] = events(scope) end)
      Process.exit(pid, :kill)

      eventually(fn -> assert not Process.alive?(pid) end)

      # Until OTP 26 the VM tells of the end.
      case seen(scope) do
        [{:call, :wait, _}] -> :ok
        [{:call, :wait, _}, {:exception, :wait, {:exit, :killed}}] -> :ok
      end
    end

    test "that is killed before leaves nothing", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :wait, 1}, 1_500, processes: pid)
      begin(pid, fn -> ScopeTraced.wait(make_ref()) end)
      eventually(fn -> assert %{held_calls: 1} = Tracer.status().tables end)
      Process.exit(pid, :kill)
      eventually(fn -> assert %{held_calls: 0, held_bytes: 0} = Tracer.status().tables end)
      assert events(scope) == []
    end

    test "that moves between schedulers is followed", %{scope: scope} do
      trace(scope, ScopeTraced, 200, calls_per_s: 1_000_000, cpu_percent: 1_000)
      ref = make_ref()

      # More of them than schedulers, which hand on what others are short of.
      tasks =
        for _ <- 1..50 do
          Task.async(fn ->
            for n <- 1..200,
                do:
                  ScopeTraced.outer(rem(ScopeTraced.add(n, 1), 7))
                  |> tap(fn _ -> :erlang.yield() end)

            ScopeTraced.again(ref)
          end)
        end

      eventually(fn -> assert length(calls(scope, :wait)) == 50 end, within: 10_000)
      for task <- tasks, do: send(task.pid, {ref, :done})
      Task.await_many(tasks)

      {waiting, others} =
        Enum.split_with(events(scope), &(elem(&1.subject, 1) in [:again, :wait]))

      assert Enum.frequencies_by(waiting, &{&1.kind, elem(&1.subject, 1)}) == %{
               {:call, :again} => 50,
               {:call, :wait} => 50,
               {:return, :again} => 50,
               {:return, :wait} => 50
             }

      # A busy machine may have kept some of the others from going on: then they were slow.
      for {_of_one, pairs} <- Enum.group_by(others, &{&1.pid, &1.subject}),
          [call, return] <- Enum.chunk_every(pairs, 2),
          do: assert(return.mono_ns - call.mono_ns > 200_000_000)
    end
  end

  describe "several traces" do
    test "with a threshold each keep what they ask for", %{scope: scope, pid: pid} do
      slow = trace(scope, {ScopeTraced, :again, 1}, 30, processes: pid)
      never = trace(scope, {ScopeTraced, :again, 1}, @long, processes: pid)
      ref = make_ref()
      begin(pid, fn -> ScopeTraced.again(ref) end)

      # Nobody sees it yet, as nothing is recorded twice: what another one shows tells the time.
      other = ScopeTraced.start()
      trace(scope, {ScopeTraced, :wait, 1}, 60, processes: other)
      begin(other, fn -> ScopeTraced.wait(ref) end)
      eventually(fn -> assert [%{pid: ^other}] = events(scope) end)
      send(pid, {ref, :done})
      result(pid)
      Process.exit(other, :kill)

      assert [%{kind: :call} = call, %{kind: :return} = return] =
               Enum.filter(events(scope), &(elem(&1.subject, 1) == :again))

      assert {call.meta.traces, return.meta.traces} == {[slow.id], [slow.id]}
      assert %{events: 0, looked_at: 2} = summary(scope, never)
    end

    test "of which one keeps all share what is slow", %{scope: scope, pid: pid} do
      plain = trace(scope, {ScopeTraced, :again, 1}, nil, processes: pid, return: true)
      slow = trace(scope, {ScopeTraced, :again, 1}, 50, processes: pid)
      slowly(scope, pid, :again)
      both = Enum.sort([plain.id, slow.id])

      assert [
               {:call, [_ref], ^both},
               {:call, [nil], [plain_id]},
               {:return, :fast, [plain_id]},
               {:return, {:fast, :done}, ^both}
             ] = for(e <- events(scope), do: {e.kind, e.data, Enum.sort(e.meta.traces)})

      assert plain_id == plain.id
      assert %{events: 4} = summary(scope, plain)
      assert %{events: 2, looked_at: 2} = summary(scope, slow)
    end

    test "go on when one of them ends with a call open", %{scope: scope, pid: pid} do
      plain = trace(scope, {ScopeTraced, :wait, 1}, nil, processes: pid)
      slow = trace(scope, {ScopeTraced, :wait, 1}, @long, processes: pid)
      begin(pid, fn -> ScopeTraced.wait(make_ref()) end)
      eventually(fn -> assert %{held_calls: 1} = Tracer.status().tables end)
      assert events(scope) == []
      {:ok, _} = Scope.stop_trace(slow.id)
      assert [%{kind: :call, meta: %{traces: [id]}}] = events(scope)
      assert id == plain.id
      assert %{held_calls: 0, held_bytes: 0} = Tracer.status().tables
    end
  end

  describe "a trace that ends" do
    test "drops what is not slow yet, and its seat is another's", %{scope: scope, pid: pid} do
      for ms <- [@long, 20] do
        trace = trace(scope, {ScopeTraced, :wait, 1}, ms, processes: pid)
        other = ScopeTraced.start()
        trace(scope, {ScopeTraced, :wait, 1}, @long, processes: other)
        begin(other, fn -> ScopeTraced.wait(make_ref()) end)
        eventually(fn -> assert %{held_calls: 1} = Tracer.status().tables end)
        {:ok, _} = Scope.stop_trace(scope)
        assert %{held_calls: 0, held_bytes: 0} = Tracer.status().tables
        assert %{reason: :stopped, looked_at: 0} = summary(scope, trace)
        Process.exit(other, :kill)
      end

      assert events(scope) == []
      trace(scope, {ScopeTraced, :wait, 1}, 20, processes: pid)
      slowly(scope, pid, :wait)
      assert [{:call, :wait, _}, {:return, :wait, :done}] = seen(scope)
    end

    test "with who holds it for the VM leaves nothing", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :wait, 1}, @long, processes: pid)
      begin(pid, fn -> ScopeTraced.wait(make_ref()) end)
      eventually(fn -> assert %{held_calls: 1} = Tracer.status().tables end)
      Process.exit(Process.whereis(Tracer), :kill)
      eventually(fn -> assert %{held_calls: 0, held_bytes: 0} = Tracer.status().tables end)
      assert events(scope) == []
    end

    test "with its scope leaves nothing", %{scope: scope, pid: pid} do
      trace(scope, {ScopeTraced, :wait, 1}, @long, processes: pid)
      begin(pid, fn -> ScopeTraced.wait(make_ref()) end)
      eventually(fn -> assert %{held_calls: 1} = Tracer.status().tables end)
      stop_supervised!({ElixirScope.Distributed.Scope, scope})
      eventually(fn -> assert %{held_calls: 0, held_bytes: 0} = Tracer.status().tables end)
    end
  end

  describe "what a trace may use" do
    test "is not used up by a million fast calls", %{scope: scope, pid: pid} do
      options = [calls_per_s: 10_000_000, cpu_percent: 10_000, duration_ms: 60_000]
      trace = trace(scope, {ScopeTraced, :id, 1}, @long, [processes: pid] ++ options)
      some = fn -> Enum.each(1..20_000, &ScopeTraced.id/1) end
      # Somebody who looks now and then keeps the rings from being full on a busy machine.
      looking = fn _ -> assert {run(pid, some), events(scope)} == {:ok, []} end
      Enum.each(1..5, looking)
      before = resident()
      Enum.each(6..50, looking)

      assert %{events: 0, bytes: 0, refused: 0, reason: nil} = summary = summary(scope, trace)
      assert summary.looked_at == 1_000_000
      assert %{held_calls: 0, held_bytes: 0} = Tracer.status().tables
      assert resident() - before < 8 * 1024 * 1024
    end

    test "is so many calls a second, kept or not", %{scope: scope, pid: pid} do
      trace = trace(scope, {ScopeTraced, :id, 1}, @long, processes: pid, calls_per_s: 1_000)
      run(pid, fn -> Enum.each(1..20_000, &ScopeTraced.id/1) end)
      eventually(fn -> assert %{reason: :calls} = summary(scope, trace) end, within: 1_500)
      assert %{events: 0, message: message} = summary(scope, trace)
      assert message =~ "more calls in a second than it was allowed"
    end
  end

  test "of functions that call themselves last nothing is kept", %{scope: scope, pid: pid} do
    DiskModules.on_path!(@loops)
    Code.ensure_loaded!(ScopeSlowLoops)
    assert {:error, %Error{reason: :runaway_return}} = trace(scope, {ScopeSlowLoops, :loop}, 20)
    assert %{matched: matched} = trace(scope, ScopeSlowLoops, 20, processes: pid)
    assert matched == %{node() => 1}
    begin(pid, fn -> ScopeSlowLoops.loop(make_ref()) end)
    other = ScopeTraced.start()
    trace(scope, {ScopeTraced, :wait, 1}, 60, processes: other)
    begin(other, fn -> ScopeTraced.wait(make_ref()) end)
    eventually(fn -> assert [{:call, :wait, _}] = seen(scope) end)
    Process.exit(other, :kill)
  end

  test "what is no threshold is refused" do
    for wrong <- [0, 60_001, 1.5, :slow, nil] do
      error = assert_raise(Error, fn -> Scope.slower_than(wrong) end)
      assert error.reason == :bad_threshold
      assert Exception.message(error) =~ "a number from 1 to 60000"
    end

    assert Scope.slower_than(60_000) == {:slower_than, 60_000}
  end
end
