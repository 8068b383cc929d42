Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.NothingLeftTest do
  # Whatever is traced, stopped and killed in whichever order: afterwards the VM knows of no
  # trace, and the next one works. SCOPE_LONG=1 runs 1,000 seeds, SCOPE_SEED says where to begin.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ScopeTraced, only: [run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Conductor, Correlation.Inside, Offered, Tracer}

  @moduletag timeout: :infinity
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @long? System.get_env("SCOPE_LONG") != nil
  @runs if @long?, do: 1_000, else: 60

  @kinds Enum.filter([:process, :memory, :scheduling], &(Offered.families([&1]) == :ok))

  # What is asked for at random may be too much or nothing, and nobody answers who was killed.
  @refusals [:tracer_failed, :disabled, :too_wide, :nothing_wanted, :no_functions, :no_entry]

  # As many restarts as there are seeds are no fault here.
  @intensity 5

  setup do
    app = ElixirScope.Distributed.Application
    :sys.replace_state(app, &put_elem(&1, @intensity, 1_000_000))
    on_exit(fn -> :sys.replace_state(app, &put_elem(&1, @intensity, 3)) end)

    scope = :"#{__MODULE__}"
    start_supervised!({Scope, name: scope})
    {:ok, sup} = DynamicSupervisor.start_link(strategy: :one_for_one)
    pids = for _ <- 1..3, do: ScopeTraced.start()
    Process.register(hd(pids), :scope_traced_first)
    on_exit(fn -> Enum.each(pids, &Process.exit(&1, :kill)) end)
    {:ok, %{scope: scope, sup: sup, pids: pids}}
  end

  test "nothing is left, and the next trace works", context do
    first = String.to_integer(System.get_env("SCOPE_SEED") || "#{:erlang.phash2(make_ref())}")

    for seed <- first..(first + @runs - 1) do
      :rand.seed(:exsss, {seed, 1, 2})

      try do
        go(context, seed)
      rescue
        error -> reraise "SCOPE_SEED=#{seed}: #{Exception.message(error)}", __STACKTRACE__
      end
    end
  end

  defp go(context, seed) do
    assert ScopeTraced.Vm.traced() == []

    steps =
      for _ <- 1..Enum.random(2..8), do: Enum.random([:trace, :trace, :trace, :work, :stop, :die])

    kill = Enum.random([nil, nil, 1 + :rand.uniform(length(steps))])

    {_traces, killer} =
      steps
      |> Enum.with_index(1)
      |> Enum.reduce({[], nil}, fn {step, at}, {traces, killer} ->
        killer = if at == kill, do: kill_soon(), else: killer
        {step(step, context, traces), killer}
      end)

    # What comes after is not to be killed, too.
    if killer, do: Task.await(killer)

    {:ok, _} =
      eventually(fn -> {:ok, _} = Conductor.stop(:all, context.scope) end, within: 10_000)

    eventually(fn -> assert ScopeTraced.Vm.traced() == [] end)
    if rem(seed, 10) == 0, do: eventually(&no_seat/0)
    works(context)
  end

  defp no_seat do
    assert %{running: [], tables: %{functions: 0, processes: 0}} = Tracer.status()
  end

  # It may not run just now; no step waits for it.
  defp kill_soon do
    after_us = :rand.uniform(4_000)
    tracer = Process.whereis(Tracer)

    Task.async(fn ->
      busy(System.monotonic_time(:microsecond) + after_us)
      tracer && Process.exit(tracer, :kill)
    end)
  end

  defp busy(until), do: if(System.monotonic_time(:microsecond) < until, do: busy(until))

  defp step(:trace, context, traces) do
    case Scope.trace(patterns(), options(context)) do
      {:ok, trace} -> [trace.id | traces]
      {:error, %{reason: reason}} when reason in @refusals -> traces
    end
  end

  defp step(:work, %{pids: pids, sup: sup}, traces) do
    for pid <- pids, do: run(pid, &work/0)
    {:ok, agent} = DynamicSupervisor.start_child(sup, {Agent, &work/0})
    Agent.get(agent, fn _ -> work() end)
    traces
  end

  defp step(:stop, _context, []), do: []

  defp step(:stop, %{scope: scope}, traces) do
    id = Enum.random(traces)
    _stopped_or_killed = Conductor.stop(id, scope)
    List.delete(traces, id)
  end

  # Of what is traced by its parent or as a new one.
  defp step(:die, %{sup: sup}, traces) do
    for {_, pid, _, _} <- DynamicSupervisor.which_children(sup),
        do: DynamicSupervisor.terminate_child(sup, pid)

    traces
  end

  defp work do
    ScopeTraced.add(1, ScopeTraced.id(2))
    ScopeTraced.place(%{id: 7}, ScopeTraced.outer(1))
    send(self(), ScopeTraced.pair({1, 2}))
    receive(do: (_ -> :ok))
    spawn(ScopeTraced, :id, [1])
    :erlang.garbage_collect()
  end

  defp patterns do
    some([
      ScopeTraced,
      {ScopeTraced, :id},
      {ScopeTraced, :outer, 1},
      "ScopeTraced.id(n) when n > 1 -> return",
      "ScopeTraced.place(%{id: 7}, _)",
      "ScopeTraced.pair({_, _}) -> return",
      {ScopeTraced, :add}
    ])
  end

  defp options(%{scope: scope, sup: sup, pids: pids}) do
    [
      scope: scope,
      health: @calm,
      events: 1_000_000,
      events_per_s: 1_000_000,
      processes:
        Enum.random([:all, :new, {:supervised_by, sup}, :scope_traced_first, Enum.take(pids, 2)]),
      messages: Enum.random([true, false]),
      capture: Enum.random([:calls, :arguments, :full]),
      memory: Offered.memory() == :ok and Enum.random([true, false]),
      correlate: Enum.random([true, false, :each_call]),
      kinds: some(@kinds)
    ]
  end

  defp some(of), do: Enum.take_random(of, Enum.random(0..length(of)))

  defp works(%{scope: scope, pids: [pid | _]}) do
    {:ok, trace} =
      eventually(fn ->
        {:ok, _} = Scope.trace({ScopeTraced, :id}, scope: scope, processes: pid, health: @calm)
      end)

    mark = make_ref()
    assert run(pid, fn -> ScopeTraced.id({mark, :works}) && Inside.entry() end) == nil
    {:ok, events} = Scope.events(scope: scope, kinds: [:call], order: :desc, limit: 3)
    assert Enum.any?(events, &(&1.meta.traces == [trace.id] and match?([{_, :works}], &1.data)))
    {:ok, _} = Conductor.stop(trace.id, scope)
  end
end
