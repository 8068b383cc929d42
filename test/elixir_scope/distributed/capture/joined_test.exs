Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.JoinedTest do
  # Several traces at one time, of the same functions and processes.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1]
  import ScopeTraced, only: [run: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Conductor, Tracer}

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

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
    {:ok, trace} = Scope.trace(patterns, [scope: scope, health: @calm] ++ options)
    trace.id
  end

  defp stop(scope, id), do: {:ok, _} = Conductor.stop(id, scope)

  # Subject, data and traces of each.
  defp events(scope, kinds \\ [:call]) do
    {:ok, events} = Scope.events(scope: scope, kinds: kinds)
    for e <- events, do: {elem(e.subject, 1), e.data, Enum.sort(e.meta.traces)}
  end

  test "what both want is recorded once and names both, and one goes on alone", context do
    %{scope: scope, pid: pid} = context
    a = trace(scope, "ScopeTraced.id(n) when n > 2", processes: pid)
    b = trace(scope, "ScopeTraced.id(n) when n < 5", processes: pid)
    c = trace(scope, {ScopeTraced, :add}, processes: pid)
    run(pid, fn -> for n <- 1..6, do: ScopeTraced.id(n) end)
    run(pid, fn -> ScopeTraced.add(1, 2) end)

    wants = fn n -> Enum.sort(for {id, true} <- [{a, n > 2}, {b, n < 5}], do: id) end
    first = for(n <- 1..6, do: {:id, [n], wants.(n)}) ++ [{:add, [1, 2], [c]}]
    assert events(scope) == first

    assert %{running: running} = Tracer.status()
    assert Map.new(running, &{&1.id, &1.events}) == %{a => 4, b => 4, c => 1}

    stop(scope, a)
    run(pid, fn -> for n <- 1..6, do: ScopeTraced.id(n) end)
    assert events(scope) == first ++ for(n <- 1..4, do: {:id, [n], [b]})

    stop(scope, b)
    run(pid, fn -> ScopeTraced.id(1) end)
    run(pid, fn -> ScopeTraced.add(3, 4) end)
    assert List.last(events(scope)) == {:add, [3, 4], [c]}
    assert length(events(scope)) == 12
  end

  test "returns go to those who want them", %{scope: scope, pid: pid} do
    a = trace(scope, {ScopeTraced, :id}, processes: pid)
    b = trace(scope, {ScopeTraced, :id}, processes: pid, return: true)
    run(pid, fn -> ScopeTraced.id(1) end)
    both = Enum.sort([a, b])
    assert events(scope, [:function]) == [{:id, [1], both}, {:id, 1, [b]}]
    stop(scope, b)
    run(pid, fn -> ScopeTraced.id(2) end)
    assert List.last(events(scope, [:function])) == {:id, [2], [a]}
  end

  test "a return goes to those who wanted its call", %{scope: scope, pid: pid} do
    a = trace(scope, "ScopeTraced.down(_) -> return", processes: pid)
    b = trace(scope, "ScopeTraced.down(n) when n > 1 -> return", processes: pid)
    both = Enum.sort([a, b])
    run(pid, fn -> ScopeTraced.down(3) end)

    assert events(scope, [:function]) == [
             {:down, [3], both},
             {:down, [2], both},
             {:down, [1], [a]},
             {:down, [0], [a]},
             {:down, 0, [a]},
             {:down, 1, [a]},
             {:down, 2, both},
             {:down, 3, both}
           ]

    # Deeper than is remembered, and after it.
    run(pid, fn -> ScopeTraced.down(30) end)
    run(pid, fn -> ScopeTraced.down(1) end)
    assert [{:down, 0, [^a]}, {:down, 1, [^a]}] = Enum.take(events(scope, [:return]), -2)

    # What one raises, and what it left open.
    c = trace(scope, "ScopeTraced.fail(:c) -> return", processes: pid)
    d = trace(scope, "ScopeTraced.fail(_) -> return", processes: pid)
    run(pid, fn -> for(x <- [:c, :d], do: catch_error(ScopeTraced.fail(x))) end)
    ends = for {:fail, _, traces} <- events(scope, [:exception]), do: traces
    assert ends == [Enum.sort([c, d]), [d]]
  end

  test "a trace of all processes ends, those of one, of new ones and of a family go on",
       context do
    %{scope: scope, pid: pid} = context
    {:ok, sup} = DynamicSupervisor.start_link(strategy: :one_for_one)
    all = trace(scope, {ScopeTraced, :id}, [])
    one = trace(scope, {ScopeTraced, :id}, processes: pid)
    new = trace(scope, {ScopeTraced, :id}, processes: :new)
    heirs = trace(scope, {ScopeTraced, :id}, processes: {:supervised_by, sup})

    child = fn -> {:ok, _} = DynamicSupervisor.start_child(sup, {Agent, fn -> 0 end}) end
    {:ok, before} = child.()
    fresh = ScopeTraced.start()

    call = fn subject ->
      {:ok, later} = child.()
      run(pid, fn -> ScopeTraced.id({subject, :pid}) end)
      run(fresh, fn -> ScopeTraced.id({subject, :fresh}) end)

      for {name, agent} <- [before: before, later: later],
          do: Agent.get(agent, fn _ -> ScopeTraced.id({subject, name}) end)

      ScopeTraced.id({subject, :me})
      for {_, [{^subject, who}], ids} <- events(scope), into: %{}, do: {who, ids}
    end

    sort = &Enum.sort/1
    first = call.(:first)

    assert first == %{
             pid: sort.([all, one]),
             fresh: sort.([all, new]),
             before: sort.([all, new, heirs]),
             later: sort.([all, new, heirs]),
             me: [all]
           }

    stop(scope, all)

    assert call.(:second) == %{
             pid: [one],
             fresh: [new],
             before: sort.([new, heirs]),
             later: sort.([new, heirs])
           }

    stop(scope, new)
    assert call.(:third) == %{pid: [one], before: [heirs], later: [heirs]}
    stop(scope, one)
    assert call.(:fourth) == %{before: [heirs], later: [heirs]}
    Process.exit(fresh, :kill)
  end

  test "a trace of one process ends, that of all goes on", %{scope: scope, pid: pid} do
    one = trace(scope, {ScopeTraced, :id}, processes: pid, messages: true)
    all = trace(scope, {ScopeTraced, :id}, [])
    stop(scope, one)
    run(pid, fn -> ScopeTraced.id(1) end)
    assert events(scope) == [{:id, [1], [all]}]
    assert {:ok, []} = Scope.events(scope: scope, kinds: [:message])
    later = ScopeTraced.start()
    run(later, fn -> ScopeTraced.id(2) end)
    assert List.last(events(scope)) == {:id, [2], [all]}
  end

  test "who is followed from its first call is not followed for one that has ended", context do
    %{scope: scope, pid: pid} = context
    calls = trace(scope, {ScopeTraced, :id}, [])
    follow = trace(scope, {ScopeTraced, :id}, messages: true)
    run(pid, fn -> ScopeTraced.id(1) end)
    assert events(scope) == [{:id, [1], Enum.sort([calls, follow])}]
    stop(scope, follow)
    {:ok, before} = Scope.events(scope: scope, kinds: [:message])
    run(pid, fn -> ScopeTraced.id(2) end)
    assert {:ok, ^before} = Scope.events(scope: scope, kinds: [:message])
    assert List.last(events(scope)) == {:id, [2], [calls]}
  end

  test "more conditions on one function than can be told apart are refused", context do
    %{scope: scope, pid: pid} = context

    begin = fn n ->
      Scope.trace("ScopeTraced.id(#{n})", scope: scope, processes: pid, health: @calm)
    end

    for n <- 1..4, do: assert({:ok, _} = begin.(n))
    assert {:error, %{reason: :too_many_conditions} = error} = begin.(5)
    assert Exception.message(error) =~ "some calls of ScopeTraced.id/1"
    every = trace(scope, {ScopeTraced, :id}, processes: pid)
    run(pid, fn -> for n <- 1..5, do: ScopeTraced.id(n) end)

    assert for({_, [n], traces} <- events(scope), do: {n, length(traces), every in traces}) ==
             for(n <- 1..5, do: {n, if(n < 5, do: 2, else: 1), true})
  end

  test "two scopes of one VM each get their own", %{scope: scope, pid: pid} do
    other = :"#{scope}.other"
    start_supervised!({Scope, name: other})
    mine = trace(scope, {ScopeTraced, :id}, processes: pid)
    its = trace(other, {ScopeTraced, :id}, processes: pid)
    run(pid, fn -> ScopeTraced.id(1) end)
    assert events(scope) == [{:id, [1], [mine]}]
    assert events(other) == [{:id, [1], [its]}]
    stop(scope, mine)
    run(pid, fn -> ScopeTraced.id(2) end)
    assert events(scope) == [{:id, [1], [mine]}]
    assert events(other) == [{:id, [1], [its]}, {:id, [2], [its]}]
  end
end
