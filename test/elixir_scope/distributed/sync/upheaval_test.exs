defmodule ElixirScope.Distributed.Sync.UpheavalTest do
  # Three nodes record all the time while they are cut apart, killed, started again, and others come
  # and go; afterwards every node shows every event exactly once, in the same order. What was recorded
  # is known from outside. SCOPE_LONG=1 goes on ten times as long, with 10,000 events a second
  # on each node; SCOPE_SEED repeats a run.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope

  @long? System.get_env("SCOPE_LONG") != nil
  @upheavals if @long?, do: 40, else: 4
  @per_second if @long?, do: 10_000, else: 2_000
  @moduletag timeout: if(@long?, do: 3_600_000, else: 180_000)

  # Long enough for the first event of the longest run to be asked for by who joins at its end.
  @config [
    elixir_scope_distributed: [
      sync_interval_ms: 200,
      sync_since_ms: 3_600_000,
      sync_bytes_per_s: 64 * 1024 * 1024,
      retention_bytes: 1024 * 1024 * 1024
    ]
  ]
  @page 20_000

  test "every node has every event once and in one order, whatever happened" do
    seed = String.to_integer(System.get_env("SCOPE_SEED") || "#{System.os_time(:second)}")
    IO.puts("\nSCOPE_SEED=#{seed}")
    :rand.seed(:exsss, seed)
    [a, b, c] = nodes = start_nodes(3, config: @config)
    Enum.each(nodes, &start_load/1)

    for n <- 1..@upheavals do
      upheaval(Enum.random([:cut, :kill, :visitor]), nodes, n)
      eventually(fn -> assert together?(nodes) end, within: 30_000)
    end

    recorded = Map.new(nodes, &{&1, stop_load(&1)})
    {:ok, _} = on(a, fn -> Scope.NodeCoordinator.force_event_sync() end)

    shown =
      eventually(
        fn ->
          [shown | others] = for node <- nodes, do: on(node, fn -> show() end)
          assert Enum.all?(others, &(&1 == shown))
          for {node, n} <- recorded, n > 0, do: assert(latest(shown, node) == n)
          shown
        end,
        within: 60_000
      )

    # Of each start of each node: from the first on, none twice, none left out. Who was killed may
    # have lost its end.
    for {_origin, %{exact?: exact?}} <- shown.origins, do: assert(exact?)
    assert for({{node, _}, _} <- shown.origins, uniq: true, do: node) -- nodes == []

    IO.puts(
      "#{shown.count} events of #{map_size(shown.origins)} starts, the same on #{c} and all others"
    )

    assert b in nodes
  end

  # One node apart from the others for a while.
  defp upheaval(:cut, nodes, _n) do
    [one | others] = Enum.shuffle(nodes)
    partition(one, others)
    meanwhile()
    heal(nodes)
  end

  defp upheaval(:kill, nodes, _n) do
    one = Enum.random(nodes)
    kill(one)
    meanwhile()
    restart(one)
    connect(nodes)
    start_load(one)
  end

  # Somebody joins, gets all there is to get meanwhile, and leaves.
  defp upheaval(:visitor, nodes, n) do
    [visitor] = start_nodes([:"visitor#{n}"], config: @config, connect: false)
    connect([visitor | nodes])
    meanwhile()
    if rem(n, 2) == 0, do: kill(visitor), else: stop(visitor)
  end

  defp meanwhile do
    until = System.monotonic_time(:millisecond) + Enum.random(300..2_000)
    eventually(fn -> System.monotonic_time(:millisecond) >= until end, within: 10_000)
  end

  defp together?(nodes) do
    Enum.all?(nodes, fn node ->
      {:ok, members} = on(node, fn -> Scope.NodeCoordinator.get_cluster_nodes() end)
      nodes -- members == []
    end)
  end

  defp start_load(node), do: on(node, fn -> Process.register(spawn(fn -> load(0) end), :load) end)

  defp stop_load(node) do
    on(node, fn ->
      send(:load, {:stop, self()})
      receive do: ({:recorded, n} -> n)
    end)
  end

  defp load(n) do
    receive do
      {:stop, to} -> send(to, {:recorded, n})
    after
      10 -> n |> record_some() |> load()
    end
  end

  defp record_some(n) do
    next = n + div(@per_second, 100)
    for n <- (n + 1)..next, do: Scope.record(:load, n)
    next
  end

  defp latest(shown, node) do
    {_origin, last} =
      Enum.max(for {{^node, _} = origin, last} <- shown.origins, do: {origin, last})

    last.count
  end

  # On a node: how many events of each start, whether they are the numbers from one on, and a digest
  # of all in the order in which they are shown.
  defp show do
    {:ok, result} = Scope.query(kinds: [:mark], limit: @page)
    0 = result.dropped
    show(result.events, %{count: 0, digest: :crypto.hash_init(:sha256), origins: %{}})
  end

  defp show([], shown), do: %{shown | digest: :crypto.hash_final(shown.digest)}

  defp show(events, shown) do
    shown = Enum.reduce(events, shown, &add/2)
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(ElixirScope.Distributed)
    last = List.last(events)
    {:ok, more} = page(scope, last)
    more |> behind(last) |> show(shown)
  end

  defp page(scope, last) do
    filter = [kinds: [:mark], from: last.at, limit: @page]
    filter = ElixirScope.Distributed.Options.validate!(:filter, filter)

    with {:ok, found} <- ElixirScope.Distributed.Storages.Native.query(scope.store, filter),
         do: {:ok, found.events}
  end

  # A page begins with those of the stamp at which the last one ended.
  defp behind(events, last) do
    case Enum.find_index(events, &(&1.id == last.id)) do
      nil -> events
      at -> Enum.drop(events, at + 1)
    end
  end

  defp add(event, shown) do
    {origin, seq} = event.id
    known = Map.get(shown.origins, origin, %{count: 0, exact?: true})
    exact? = known.exact? and event.data == known.count + 1
    known = %{count: known.count + 1, exact?: exact?}
    bytes = :erlang.term_to_binary({origin, seq, event.at, event.data}, [:deterministic])

    %{
      count: shown.count + 1,
      digest: :crypto.hash_update(shown.digest, bytes),
      origins: Map.put(shown.origins, origin, known)
    }
  end
end
