Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.PlanTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.{Pattern, Plan, Targets, Targets.Modules}

  defmodule Elixir.ScopePlanned do
    def a(x), do: x
    def b(x), do: x
    def c(x, y), do: {x, y}
    def d, do: :d
  end

  @modules [ScopeTraced, ScopePlanned]
  @families [:message, :process, :memory, :scheduling]

  # What a VM does with the steps. Of processes there are those that are named, one that
  # nobody names, and what a new one gets.

  defp vm(pids) do
    processes = Map.new([:other | pids], &{&1, MapSet.new()})
    %{functions: %{}, memory: %{}, processes: processes, new: MapSet.new(), messages: %{}}
  end

  defp apply_step({:function, {module, :_, :_}, spec}, vm) do
    functions = for {f, a} <- Modules.loaded_functions(module), do: {module, f, a}
    Enum.reduce(functions, vm, &apply_step({:function, &1, spec}, &2))
  end

  defp apply_step({:function, mfa, spec}, vm), do: update_in(vm.functions, &put(&1, mfa, spec))
  defp apply_step({:memory, mfa, on?}, vm), do: update_in(vm.memory, &put(&1, mfa, on?))
  defp apply_step({:messages, way, spec}, vm), do: update_in(vm.messages, &put(&1, way, spec))

  # Whatever is taken from all or from new ones, new ones are left with nothing.
  defp apply_step({:process, target, false, _flags} = step, vm) when target in [:all, :new],
    do: %{each(step, vm) | new: MapSet.new()}

  defp apply_step({:process, target, true, flags} = step, vm) when target in [:all, :new],
    do: %{each(step, vm) | new: MapSet.union(vm.new, MapSet.new(flags))}

  defp apply_step(step, vm), do: each(step, vm)

  defp each({:process, target, on?, flags}, vm) do
    change = if on?, do: &MapSet.union/2, else: &MapSet.difference/2

    processes =
      Map.new(vm.processes, fn {pid, had} ->
        {pid, if(target in [:all, pid], do: change.(had, MapSet.new(flags)), else: had)}
      end)

    %{vm | processes: processes}
  end

  defp put(map, key, false), do: Map.delete(map, key)
  defp put(map, key, spec), do: Map.put(map, key, spec)

  # And what it has to be like under a plan.
  defp wanted(plan, pids) do
    all = Map.get(plan.processes, :all, MapSet.new())
    has = &MapSet.union(all, Map.get(plan.processes, &1, MapSet.new()))

    %{
      functions: plan.functions,
      processes: Map.new([:other | pids], &{&1, has.(&1)}),
      new: has.(:new),
      messages: plan.messages,
      memory: plan.memory
    }
  end

  # Parts of traces

  defp parts, do: map(few(part()), &numbered/1)
  defp few(generator), do: fn size, random -> list(generator).(rem(size, 6), random) end

  defp numbered(parts) do
    for {part, seat} <- Enum.with_index(Enum.take(parts, 5)),
        do: %{part | bit: Bitwise.bsl(1, seat)}
  end

  defp part do
    map(
      tuple([
        targets(),
        some(@families),
        flag(),
        flag(),
        flag(),
        flag(),
        some(pids()),
        some(pids()),
        flag(),
        flag()
      ]),
      fn {targets, families, callers, arguments, any, new, pids, heirs, more, heard} ->
        %{
          bit: 0,
          targets: targets,
          callbacks: if(more, do: Enum.map(targets, & &1.mfa), else: []),
          correlate: more,
          memory: heard,
          families: families,
          callers: callers and any,
          arguments: arguments,
          any: any,
          new: new and not any,
          pids: pids,
          heirs: heirs
        }
      end
    )
  end

  defp targets do
    written =
      [ScopeTraced, ScopePlanned, {ScopePlanned, :a}, "ScopePlanned.a(1) -> return"] ++
        [
          "ScopePlanned.c(x, x)",
          "ScopePlanned.c(_, _) -> return",
          "ScopeTraced.place(%{id: 1}, _)"
        ] ++
        ["ScopePlanned.d() -> return", {ScopeTraced, :id}]

    {:ok, patterns} = Pattern.parse(written)

    map(list(one_of(Enum.map(patterns, &constant/1))), fn patterns ->
      found = for pattern <- Enum.take(patterns, 4), mfa <- named(pattern), do: {mfa, pattern}
      Targets.Merge.functions(found)
    end)
  end

  defp named(pattern) do
    for {f, a} <- Modules.loaded_functions(pattern.module),
        pattern.function in [:_, f] and pattern.arity in [:_, a],
        do: {pattern.module, f, a}
  end

  defp some(of), do: map(list(one_of(Enum.map(of, &constant/1))), &Enum.uniq/1)
  defp flag, do: one_of([constant(true), constant(false)])
  defp pids, do: Enum.map(~w(<0.1.0> <0.2.0> <0.3.0>)c, &:erlang.list_to_pid/1)

  test "the steps from one plan to the next make what the next one says, and at the end nothing" do
    property(few(parts()), [runs: 150], fn lists ->
      plans = Enum.map(Enum.take(lists, 4), &Plan.of/1) ++ [Plan.of([])]

      Enum.reduce(plans, {vm(pids()), %Plan{}}, fn plan, {vm, before} ->
        vm = before |> Plan.difference(plan) |> Enum.reduce(vm, &apply_step/2)
        assert vm == wanted(plan, pids())
        {vm, plan}
      end)
    end)

    assert Plan.of([]) == %Plan{}
  end

  test "there is no step between a plan and itself, and a module that comes again gets its own" do
    property(parts(), fn parts ->
      plan = Plan.of(parts)
      assert Plan.difference(plan, plan) == []

      for module <- @modules do
        vm = plan |> Plan.again(module) |> Enum.reduce(vm([]), &apply_step/2)

        assert vm.functions ==
                 for({{^module, _, _}, _} = one <- plan.functions, into: %{}, do: one)
      end
    end)
  end

  # A label that is no immediate, set by a match specification, ends the VM.
  test "no match specification sets a token" do
    property(parts(), fn parts ->
      plan = Plan.of(parts)
      specs = Map.values(plan.functions) ++ Map.values(plan.messages)
      assert not (specs |> inspect(limit: :infinity) |> String.contains?("set_seq_token"))
    end)
  end
end
