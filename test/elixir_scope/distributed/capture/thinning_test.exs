Code.require_file("../../../shared/traced.exs", __DIR__)
Code.require_file("../../../shared/thinned.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.ThinningTest do
  use ExUnit.Case

  import Bitwise

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Conductor, Tracer}

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @roomy [events: 10_000_000, bytes: 1_000_000_000, duration_ms: 600_000, cpu_percent: 10_000]

  # Calls and returns of a request.
  @whole 8

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    servers = for n <- 1..4, do: start_supervised!({ScopeThinned, n}, id: n)
    on_exit(fn -> eventually(fn -> assert ScopeTraced.Vm.traced() == [] end) end)
    {:ok, scope: scope, servers: servers}
  end

  defp trace(scope, patterns, options) do
    options = Keyword.merge(@roomy ++ [scope: scope, health: @calm], options)
    {:ok, trace} = Scope.trace(patterns, options)
    trace.id
  end

  defp stop(scope, id) do
    {:ok, %{traces: [summary]}} = Map.fetch(elem(Conductor.stop(id, scope), 1), node())
    summary
  end

  defp load(servers, number),
    do: ScopeThinned.load(1..number, &ScopeThinned.local(&1, Enum.random(servers)))

  defp found(scope) do
    {:ok, found} = Scope.query([limit: 1_000_000], scope: scope)
    found
  end

  defp of(found, id), do: for(e <- found.events, id in Map.get(e.meta, :traces, []), do: e)

  defp gaps(found, id),
    do: for(%{kind: :gap, data: %{of: %{trace: ^id}} = d} <- found.events, do: d)

  defp sum(gaps, number), do: gaps |> Enum.map(number) |> Enum.sum()

  # Of how many events each correlation is, and how many correlations are of as many.
  defp sizes(events) do
    events |> Enum.frequencies_by(& &1.correlation_id) |> Map.values() |> Enum.frequencies()
  end

  defp ended(scope) do
    eventually(
      fn ->
        assert {:ok, %{traces: %{running: [], ended: [ended | _]}}} = Scope.status(scope)
        ended
      end,
      within: 10_000
    )
  end

  describe "a trace of which too much comes" do
    test "shows correlations whole or not at all, and says exactly what is missing", context do
      %{scope: scope, servers: servers} = context
      id = trace(scope, ScopeThinned.functions(), return: true, events_per_s: 800)
      load(servers, 5_000)
      summary = stop(scope, id)
      found = found(scope)

      assert %{reason: :stopped, refused: 0, thinned: thinned} = summary
      assert summary.events + thinned == 5_000 * @whole
      assert [{@whole, kept}] = Map.to_list(sizes(of(found, id)))
      assert kept in 1..2_500 and kept * @whole == summary.events

      gaps = gaps(found, id)
      assert {sum(gaps, & &1.thinned), sum(gaps, & &1.refused)} == {thinned, 0}
      assert sum(gaps, & &1.of.correlations) == 5_000 - kept
      assert found.dropped == thinned

      assert [%{data: %{thinned: ^thinned}}] =
               Enum.filter(found.events, &(&1.kind == :trace_stopped))
    end

    test "goes on, and its status says how strongly it is thinned", context do
      %{scope: scope, servers: servers} = context
      id = trace(scope, ScopeThinned.functions(), return: true, events_per_s: 300)
      rounds = rounds(servers, System.monotonic_time(:millisecond) + 3_000, 0)
      assert %{running: [%{id: ^id, level: level, thinned: thinned}]} = Tracer.status()
      assert level in 1..10 and thinned > 0

      summary = stop(scope, id)
      assert %{reason: :stopped, refused: 0} = summary
      assert summary.events + summary.thinned == rounds * 500 * @whole
      found = found(scope)
      assert sum(gaps(found, id), & &1.thinned) == summary.thinned

      # The ids of each round are the same as those of the others: they are kept or not as a whole.
      assert Enum.all?(sizes(of(found, id)), fn {size, _ids} -> rem(size, @whole) == 0 end)
    end

    defp rounds(servers, until, done) do
      load(servers, 500)
      more? = System.monotonic_time(:millisecond) < until
      if more?, do: rounds(servers, until, done + 1), else: done + 1
    end

    test "has enough for the correlations that have begun, whatever else comes", context do
      %{scope: scope, servers: servers} = context
      functions = [{ScopeTraced, :id} | ScopeThinned.functions()]
      id = trace(scope, functions, return: true, events_per_s: 2_000)
      noise = Task.async(fn -> ScopeThinned.load(1..60_000, &ScopeTraced.id/1, 2) end)
      load(servers, 6_000)
      Task.await(noise, 60_000)
      summary = stop(scope, id)
      {correlated, noise} = Enum.split_with(of(found(scope), id), & &1.correlation_id)
      assert summary.reason == :stopped
      assert [{@whole, kept}] = Map.to_list(sizes(correlated))
      assert kept in 1..5_000 and noise != []
      all = 6_000 * @whole + 120_000
      assert summary.events + summary.refused + summary.thinned == all
    end

    test "keeps the states that callbacks leave with their calls", context do
      %{scope: scope, servers: servers} = context
      functions = [{ScopeThinned, :handle_call} | ScopeThinned.functions()]
      id = trace(scope, functions, return: true, state: true, events_per_s: 500)
      load(servers, 2_000)
      summary = stop(scope, id)
      events = of(found(scope), id)
      # Call and return of one function more, and a state.
      whole = @whole + 3
      assert summary.events + summary.thinned == 2_000 * whole
      assert [{^whole, kept}] = Map.to_list(sizes(events))
      assert kept in 1..1_500
      assert %{state: ^kept} = Enum.frequencies_by(events, & &1.kind)
    end

    test "drops a request that is handed on as text as it dropped it first", context do
      %{scope: scope, servers: servers} = context
      id = trace(scope, ScopeThinned.functions(), return: true, events_per_s: 500)
      ScopeThinned.load(1..2_000, &ScopeThinned.resumed(&1, Enum.random(servers)))
      summary = stop(scope, id)
      assert summary.refused == 0 and summary.events + summary.thinned == 2_000 * @whole
      assert [{@whole, kept}] = Map.to_list(sizes(of(found(scope), id)))
      assert kept in 1..1_500
    end
  end

  describe "beside a thinned trace" do
    test "another one keeps everything", context do
      %{scope: scope, servers: servers} = context
      thin = trace(scope, ScopeThinned.functions(), return: true, events_per_s: 300)
      calm = trace(scope, ScopeThinned.functions(), profile: :recorder, return: true)
      load(servers, 2_000)
      [thin_ended, calm_ended] = for id <- [thin, calm], do: stop(scope, id)
      assert %{events: all, thinned: 0, refused: 0, level: 0} = calm_ended
      assert all == 2_000 * @whole
      assert thin_ended.events + thin_ended.thinned == all
      found = found(scope)
      assert sizes(of(found, calm)) == %{@whole => 2_000}
      assert [{@whole, _kept}] = Map.to_list(sizes(of(found, thin)))
      assert gaps(found, calm) == []
    end
  end

  describe "one process without an id" do
    test "that is too fast ends the trace, as no thinning helps", %{scope: scope} do
      pid = ScopeTraced.start()
      trace(scope, {ScopeTraced, :id}, processes: pid, events_per_s: 1_000)
      send(pid, {:run, &forever/0, self()})
      assert %{reason: :rate, message: message} = ended(scope)
      assert message =~ "thinning was not enough"
      Process.exit(pid, :kill)
    end

    test "is left out or kept as a whole, where there are many", %{scope: scope} do
      trace = trace(scope, {ScopeTraced, :id}, events_per_s: 1_000)
      ScopeThinned.load(1..20_000, fn n -> for _ <- 1..5, do: ScopeTraced.id(n) end)
      summary = stop(scope, trace)
      assert summary.events + summary.refused + summary.thinned == 100_000
      assert summary.thinned > 0
      found = found(scope)
      assert sum(gaps(found, trace), &(&1.thinned + &1.refused)) == found.dropped
      assert found.dropped == 100_000 - summary.events
    end

    defp forever do
      for n <- 1..1_000, do: ScopeTraced.id(n)
      forever()
    end
  end

  describe "a label" do
    setup %{scope: scope} do
      {:ok,
       id: trace(scope, {ScopeTraced, :id}, []), other: trace(scope, {ScopeTraced, :add}, [])}
    end

    defp carrying(ours) do
      :seq_trace.set_token(:label, %{elixir_scope: ours})
      ScopeTraced.id(:carried)
      :seq_trace.set_token([])
    end

    defp in_seconds(seconds), do: System.os_time(:second) + seconds

    defp ids(scope), do: for(%{kind: :call} = e <- found(scope).events, do: e.correlation_id)

    test "that names a trace is left out of it, whatever its level", context do
      %{scope: scope, id: id, other: other} = context
      carrying({17, in_seconds(30), [id]})
      carrying({18, in_seconds(30), [other, id]})
      carrying({19, in_seconds(30), [other]})
      carrying({20, in_seconds(30), [32_767, other]})
      carrying({21, in_seconds(30), []})
      assert ids(scope) == [19, 20, 21]
      assert %{events: 3, thinned: 2, refused: 0} = stop(scope, id)
    end

    test "says it on, where its id goes on", %{scope: scope, id: id} do
      here = fn -> :seq_trace.get_token(:label) |> elem(1) |> Map.fetch!(:elixir_scope) end
      # The other one runs on another node.
      :seq_trace.set_token(:label, %{elixir_scope: {17, in_seconds(30), [id, 32_767]}})

      Scope.with_correlation(Scope.correlation(), fn ->
        ScopeTraced.id(:again)
        assert {17, _expiry, [^id, 32_767]} = here.()
        :seq_trace.set_token([])
        Scope.record(:mended)
        assert {17, _expiry, [^id, 32_767]} = here.()
        Scope.with_correlation(17, fn -> ScopeTraced.id(:inner) end)
        Scope.with_correlation(18, fn -> ScopeTraced.id(:other) && assert({18, _} = here.()) end)
        ScopeTraced.id(:outer)
      end)

      carried = Scope.context()
      :seq_trace.set_token([])
      Scope.with_context(carried, fn -> ScopeTraced.id(:resumed) end)
      assert ids(scope) == [18]
      assert %{events: 1, thinned: 4} = stop(scope, id)
    end

    test "that has expired names nobody", %{scope: scope, id: id} do
      carrying({17, in_seconds(-1), [id]})
      carrying({17, in_seconds(100), [id]})
      assert ids(scope) == [nil, nil]
      assert %{thinned: 0} = stop(scope, id)
    end

    test "of another shape says nothing", %{scope: scope, id: id} do
      long = Enum.to_list(1..64)
      shapes = [nil, :all, id, {id}, %{id => 1}, [id | id], [0, id], [-1, id], [id, 40_000], long]
      shapes = shapes ++ [[id, :a], [id, 1.0], [id, 1 <<< 70], List.duplicate(id, 100_000)]
      for shape <- shapes, do: carrying({17, in_seconds(30), shape})
      carrying({17, in_seconds(30), [id], 1})
      assert ids(scope) == List.duplicate(nil, length(shapes) + 1)
      assert %{thinned: 0} = stop(scope, id)
    end
  end

  test "what is left out does not hide that calls wait for returns that do not come", %{
    scope: scope
  } do
    pid = ScopeTraced.start()
    options = [processes: pid, return: true, events_per_s: 1_000_000]
    id = trace(scope, {ScopeTraced, :deep}, options)

    ScopeTraced.run(pid, fn ->
      :seq_trace.set_token(:label, %{elixir_scope: {17, in_seconds(30), [id]}})
      ScopeTraced.deep(12_000)
      # Or its answer takes the token to this process, and on to the next test.
      :seq_trace.set_token([])
    end)

    assert %{reason: :runaway_returns, events: 0} = ended(scope)
    Process.exit(pid, :kill)
  end

  test "what was left out of a trace that ended is nothing to the next in its place", context do
    %{scope: scope} = context
    id = trace(scope, {ScopeTraced, :id}, [])
    Scope.put_context(context_of(id))
    ScopeTraced.id(1)
    assert %{events: 0, thinned: 1} = stop(scope, id)
    next = trace(scope, {ScopeTraced, :id}, [])
    ScopeTraced.id(2)
    assert %{events: 1, thinned: 0} = stop(scope, next)
    Scope.put_context(nil)
  end

  defp context_of(id) do
    alias ElixirScope.Distributed.Capture.Correlation.{Carrier, Context}
    Carrier.encode(%{Context.new("r-17") | dropping: [id]})
  end
end
