defmodule ElixirScope.Distributed.Debug.TracerStream.LogTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.Debug.TracerStream.{Change, Follow, Held, Log, Readers, Snapshot}

  @modules for n <- 1..8, do: :"Elixir.Streamed.M#{n}"
  @readers 4
  # Inputs grow with each run, so that more of them are more rounds.
  @rounds if System.get_env("SCOPE_LONG"), do: 20, else: 1

  # What can happen: a change, a reader that asks, a message that arrives or is lost, a reader that
  # dies and another that begins in its place.
  defp steps, do: few(one_of([put(), put(), ask(), deliver(), lose(), die()]), 60)
  defp put, do: map(few(change(), 4), &{:put, &1})
  defp ask, do: map(reader(), &{:ask, &1})
  defp deliver, do: map(reader(), &{:deliver, &1})
  defp lose, do: map(reader(), &{:lose, &1})
  defp die, do: map(reader(), &{:die, &1})
  defp reader, do: integer(1..@readers)

  defp few(generator, most), do: map(list(generator), &Enum.take(&1, most))

  defp change do
    one_of([
      map(tuple([name(), integer(1..3), entries()]), fn {m, md5, e} -> {:put, m, <<md5>>, e} end),
      map(tuple([name(), few(observed(), 2)]), fn {m, e} -> {:observed, m, e} end),
      map(name(), &{:removed, &1}),
      map(name(), &{:touched, &1})
    ])
  end

  defp name, do: one_of(Enum.map(@modules, &constant/1))
  defp entries, do: few(map(tuple([name(), integer(1..9)]), &entry(&1, :runtime)), 4)
  defp observed, do: map(tuple([name(), integer(1..9)]), &entry(&1, :observed))
  defp entry({module, line}, kind), do: {module, kind, [{"lib/m.ex", line}]}

  @tag timeout: 300_000
  test "in any order of changes, losses and deaths every reader ends with the present graph" do
    for _ <- 1..@rounds, do: holds()
  end

  defp holds do
    property(tuple([steps(), integer(1..6)]), [runs: 150], fn {steps, history} ->
      world = Enum.reduce(steps, begin(history), &step/2)
      assert world.log.kept <= history
      assert map_size(world.readers.monitors) <= @readers
      for reader <- 1..@readers, do: ends_with_the_present(reader, world)
    end)
  end

  defp begin(history) do
    readers = for n <- 1..@readers, into: %{}, do: {n, {Follow.new(), nil}}

    %{
      log: Log.new(7, history),
      model: %{},
      readers: Readers.new(@readers),
      ends: readers,
      wire: %{}
    }
  end

  # One message is on its way to each at most: what is sent replaces nothing.
  defp step({:put, changes}, world) do
    {log, _changed} = Log.put(world.log, changes)
    send_due(%{world | log: log, model: Enum.reduce(changes, world.model, &model/2)})
  end

  defp step({:ask, reader}, world) do
    {follow, _held} = world.ends[reader]

    {:ok, readers} =
      Readers.ask(world.readers, pid(reader), Follow.position(follow), fn _ -> make_ref() end)

    send_due(%{world | readers: readers})
  end

  defp step({:deliver, reader}, world) do
    {message, wire} = Map.pop(world.wire, reader)
    world = %{world | wire: wire}
    if message, do: taken(message, reader, world), else: world
  end

  defp step({:lose, reader}, world), do: %{world | wire: Map.delete(world.wire, reader)}

  defp step({:die, reader}, world) do
    {_monitor, readers} = Readers.forget(world.readers, pid(reader))
    refute is_map_key(readers.waiting, pid(reader))
    ends = Map.put(world.ends, reader, {Follow.new(), nil})
    %{world | readers: readers, ends: ends, wire: Map.delete(world.wire, reader)}
  end

  defp taken(message, reader, world) do
    {follow, held} = world.ends[reader]

    case Follow.take(follow, message) do
      {:deliver, follow} ->
        assert {:ok, held} = Held.follow(held, message)
        put_in(world.ends[reader], {follow, held})

      :ask ->
        step({:ask, reader}, world)

      :ignore ->
        world
    end
  end

  defp send_due(world) do
    Enum.reduce(Readers.due(world.readers, world.log), world, fn {pid, due}, world ->
      %{
        world
        | readers: Readers.told(world.readers, pid),
          wire: Map.put(world.wire, number(pid), message(due, world.log))
      }
    end)
  end

  defp message({:changes, {_epoch, from}, changes}, log) do
    diff = %{epoch: log.epoch, from: from, changes: changes}
    {:tracer_update, :incremental, log.version, diff}
  end

  defp message(:everything, log) do
    {:ok, graph} = log |> Log.list() |> Graph.load()
    own = %{node: node(), epoch: log.epoch, version: log.version, modules: Log.md5s(log)}
    snapshot = struct!(Snapshot, Map.put(own, :graph, Graph.to_bytes(graph)))
    {:tracer_update, :initial, log.version, snapshot}
  end

  # Whoever goes on asking gets there.
  defp ends_with_the_present(reader, world) do
    world = Enum.reduce(1..2, world, fn _, world -> asked_and_told(reader, world) end)
    {_follow, held} = world.ends[reader]

    if held == nil do
      assert world.log.version == 0
    else
      assert held.version == world.log.version
      assert Map.keys(held.modules) |> Enum.sort() == world.model |> Map.keys() |> Enum.sort()
      assert content(held.graph) == content(loaded(world.model))
    end
  end

  defp asked_and_told(reader, world) do
    world = step({:deliver, reader}, step({:lose, reader}, world))
    step({:deliver, reader}, step({:ask, reader}, world))
  end

  # The model: declared and observed apart, each a set.
  defp model({:put, module, _md5, entries}, model) do
    {_old, observed} = Map.get(model, module, {[], []})
    Map.put(model, module, {entries, observed})
  end

  defp model({:observed, module, entries}, model) do
    {declared, observed} = Map.get(model, module, {[], []})
    Map.put(model, module, {declared, Enum.uniq(observed ++ entries)})
  end

  defp model({:removed, module}, model), do: Map.delete(model, module)
  defp model({:touched, _module}, model), do: model

  defp loaded(model) do
    {:ok, graph} =
      Graph.load(for {module, {declared, observed}} <- model, do: {module, declared ++ observed})

    graph
  end

  defp content(graph) do
    for {module, defined?, entries} <- Graph.list(graph), into: MapSet.new() do
      {module, defined?, Enum.sort(for {m, k, places} <- entries, do: {m, k, Enum.sort(places)})}
    end
  end

  defp pid(n), do: :erlang.list_to_pid(~c"<0.#{n}.99>")
  defp number(pid), do: Enum.find(1..@readers, &(pid(&1) == pid))

  test "what changes nothing is no version" do
    log = Log.new(1, 10)
    {log, [A]} = Log.put(log, [{:put, A, "1", [{B, :runtime, []}]}])
    assert {^log, []} = Log.put(log, [{:put, A, "1", [{B, :runtime, []}]}])
    assert {^log, []} = Log.put(log, [{:removed, C}])
    assert Log.since(log, {1, 1}) == :current
  end

  test "what was touched is sent again as it is" do
    {log, _} = Log.put(Log.new(1, 10), [{:put, A, "1", []}])
    assert {log, [A]} = Log.put(log, [{:touched, A}])
    assert Log.since(log, {1, 1}) == {:changes, [{:put, A, "1", []}]}
    assert {^log, []} = Log.put(log, [{:touched, B}])
  end

  test "who was told by another start of the stream, or of the future, gets everything" do
    {log, _} = Log.put(Log.new(2, 10), [{:put, A, "1", []}])
    assert Log.since(log, nil) == :everything
    assert Log.since(log, {1, 0}) == :everything
    assert Log.since(log, {2, 5}) == :everything
    assert {:changes, [{:put, A, "1", []}]} = Log.since(log, {2, 0})
  end

  test "a module that is compiled again keeps what was observed of it" do
    seen = {B, :observed, []}
    {log, _} = Log.put(Log.new(1, 10), [{:put, A, "1", []}, {:observed, A, [seen]}])
    {log, _} = Log.put(log, [{:put, A, "2", [{C, :runtime, []}]}])
    assert [{A, entries}] = Log.list(log)
    assert Enum.sort(entries) == [seen, {C, :runtime, []}]
  end

  test "there are as many readers as may be" do
    readers = Readers.new(1)
    {:ok, readers} = Readers.ask(readers, pid(1), nil, fn _ -> :monitor end)
    assert Readers.ask(readers, pid(2), nil, fn _ -> :monitor end) == :full
    assert {:monitor, readers} = Readers.forget(readers, pid(1))
    assert {:ok, _readers} = Readers.ask(readers, pid(2), nil, fn _ -> :monitor end)
  end

  test "one change of one module is small besides its references" do
    references = for n <- 1..40, do: {:"Elixir.Need#{n}", :runtime, [{"lib/a.ex", n}]}
    modules = for n <- 1..500, do: {:put, :"Elixir.Big#{n}", <<n::128>>, references}
    {log, _} = Log.put(Log.new(1, 10), modules)
    {log, _} = Log.put(log, [{:put, :"Elixir.Big7", <<0::128>>, tl(references)}])
    assert {:changes, [{:put, :"Elixir.Big7", _md5, entries}] = changes} = Log.since(log, {1, 1})
    message = {:tracer_update, :incremental, 2, %{epoch: 1, from: 1, changes: changes}}
    assert :erlang.external_size(message) - :erlang.external_size(entries) < 2_000
  end

  test "a change is made in a graph whatever was observed in it before" do
    {:ok, graph} = Graph.load([{A, [{B, :observed, []}]}])
    :ok = Change.make(graph, {:put, A, "1", [{C, :runtime, []}]})
    assert Graph.direct(graph, A) == {:ok, [{C, [:runtime]}]}
  end
end
