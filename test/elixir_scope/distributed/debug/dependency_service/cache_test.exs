defmodule ElixirScope.Distributed.Debug.DependencyService.CacheTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.DependencyService.{Answers, Cache, Result, Strategy}
  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Snapshot}

  @modules for n <- 1..7, do: :"Elixir.Cached.M#{n}"
  @limit 6
  # Inputs grow with each run, so that more of them are more rounds.
  @rounds if System.get_env("SCOPE_LONG"), do: 20, else: 1

  defp steps,
    do: map(list(one_of([put(), question(), hear(), arrive(), miss()])), &Enum.take(&1, 60))

  defp put, do: map(tuple([name(), entries()]), fn {m, entries} -> {:put, m, entries} end)
  defp hear, do: constant(:hear)
  defp arrive, do: constant(:arrive)
  defp miss, do: one_of([constant(:miss), constant(:restart)])

  defp question do
    one_of([
      map(name(), &{:ask, {:direct, [&1]}}),
      map(name(), &{:ask, {:reverse, [&1]}}),
      map(tuple([name(), integer(1..3)]), fn {m, depth} -> {:ask, {:transitive, [m, depth]}} end),
      map(tuple([name(), name()]), fn {a, b} -> {:ask, {:why, [a, b]}} end),
      constant({:ask, {:cycles, []}}),
      map(tuple([name(), strategy()]), fn {m, of} -> {:ask, {:module, [m, of]}} end)
    ])
  end

  defp strategy, do: one_of(Enum.map([:minimal, :conservative, :transitive], &constant/1))
  defp name, do: one_of(Enum.map(@modules, &constant/1))

  defp entries,
    do: map(list(name()), &for(m <- Enum.take(&1, 3), do: {m, :runtime, [{"m.ex", 1}]}))

  @tag timeout: 300_000
  test "an answer that is kept is what would be answered at its version, and nothing less is kept" do
    for _ <- 1..@rounds, do: holds()
  end

  defp holds do
    property(steps(), [runs: 150], fn steps ->
      world = Enum.reduce(steps, begin(1), &step/2)
      assert Cache.size(world.cache) <= @limit
    end)
  end

  # `graphs` has every version that ever was, `told` what the stream said and was not heard yet,
  # `answers` those that are on their way.
  defp begin(epoch) do
    log = Log.new(epoch, 1_000)
    %{log: log, cache: Cache.new(@limit), graphs: graph(%{}, log), told: [], answers: []}
  end

  defp graph(graphs, log) do
    {:ok, graph} = log |> Log.list() |> Graph.load()
    Map.put(graphs, Log.position(log), graph)
  end

  defp step(step, world) do
    world = happens(step, world)
    for {key, {result, _used}} <- world.cache.answers, do: exact(key, result, world)
    world
  end

  defp happens({:put, module, entries}, %{log: log} = world) do
    {new, _changed} = Log.put(log, [{:put, module, "1", entries}])
    told = if new.version == log.version, do: [], else: [increment(log, new)]
    %{world | log: new, graphs: graph(world.graphs, new), told: world.told ++ told}
  end

  defp happens({:ask, key}, world) do
    case answer(key, world.graphs[Log.position(world.log)]) do
      %Result{} = result ->
        %{world | answers: world.answers ++ [{key, %{result | version: Log.position(world.log)}}]}

      {:error, _unknown} ->
        world
    end
  end

  defp happens(:arrive, %{answers: [{key, result} | rest]} = world),
    do: %{world | answers: rest, cache: Cache.put(world.cache, key, result)}

  defp happens(:hear, %{told: [update | rest]} = world),
    do: %{world | told: rest, cache: Cache.heard(world.cache, update)}

  # What was missed comes as a snapshot.
  defp happens(:miss, world) do
    %{log: %{epoch: epoch, version: version}} = world
    own = %{node: node(), epoch: epoch, version: version, modules: %{}, graph: ""}
    update = {:tracer_update, :initial, version, struct!(Snapshot, own)}
    %{world | told: [], cache: Cache.heard(world.cache, update)}
  end

  defp happens(:restart, world) do
    fresh = begin(world.log.epoch + 1)
    happens(:miss, %{fresh | cache: world.cache, graphs: Map.merge(world.graphs, fresh.graphs)})
  end

  defp happens(_nothing_there, world), do: world

  defp increment(old, new) do
    {:changes, changes} = Log.since(new, Log.position(old))
    diff = %{epoch: new.epoch, from: old.version, changes: changes}
    {:tracer_update, :incremental, new.version, diff}
  end

  defp exact(key, %Result{version: version} = result, world) do
    then = answer(key, Map.fetch!(world.graphs, version))
    shown = [:footprint, :version]
    assert Map.drop(result, shown) == Map.drop(then, shown)
    if world.cache.position, do: assert(version >= world.cache.position)
  end

  defp answer({:direct, [m]}, graph), do: Answers.direct(graph, m)
  defp answer({:reverse, [m]}, graph), do: Answers.reverse(graph, m)
  defp answer({:transitive, [m, depth]}, graph), do: Answers.transitive(graph, m, depth)
  defp answer({:why, [a, b]}, graph), do: Answers.why(graph, a, b)
  defp answer({:cycles, []}, graph), do: Answers.cycles(graph)

  defp answer({:module, [m, strategy]}, graph) do
    with :ok <- Answers.known(graph, m),
         do: Strategy.of_module(graph, m, strategy: strategy, depth: 2)
  end

  describe "what is kept" do
    test "stays where a change does not touch it, and is an answer of the newer version" do
      cache = Cache.put(heard(Cache.new(9), 1), :key, result(%{of: [A], to: [A]}))
      assert {%{version: {1, 2}}, _} = Cache.get(told(cache, B, [C]), :key)
      assert {nil, _} = Cache.get(told(cache, A, []), :key)
      assert {nil, _} = Cache.get(told(cache, B, [A]), :key)
    end

    test "is what was used last" do
      cache = Enum.reduce([:a, :b], Cache.new(2), &Cache.put(&2, &1, result(:all)))
      {_result, cache} = Cache.get(cache, :a)
      cache = Cache.put(cache, :c, result(:all))
      assert cache.answers |> Map.keys() |> Enum.sort() == [:a, :c]
    end

    test "is no answer that is older than what was heard" do
      assert Cache.size(Cache.put(heard(Cache.new(2), 5), :key, result(:all))) == 0
    end
  end

  defp result(footprint), do: %Result{target_module: A, version: {1, 1}, footprint: footprint}

  defp heard(cache, version) do
    own = %{node: node(), epoch: 1, version: version, modules: %{}, graph: ""}
    Cache.heard(cache, {:tracer_update, :initial, version, struct!(Snapshot, own)})
  end

  defp told(cache, module, needs) do
    entries = for needed <- needs, do: {needed, :runtime, []}
    diff = %{epoch: 1, from: 1, changes: [{:put, module, "x", entries}]}
    Cache.heard(cache, {:tracer_update, :incremental, 2, diff})
  end
end
