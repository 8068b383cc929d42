defmodule ElixirScope.Distributed.Cluster.HostsTest do
  # Nodes on hosts of their own, with a network between them that loses, delays and cuts packets: what
  # only the kernel's TCP and Erlang's net ticks do. Where there can be no such hosts (no root,
  # no /dev/net/tun) each test says so and does nothing. SCOPE_LONG=1 loses packets for longer.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, Hosts, NodeCoordinator}

  @moduletag :tmp_dir
  @moduletag timeout: 900_000
  @missing Hosts.missing()
  if @missing, do: @moduletag(skip: @missing)

  @long? System.get_env("SCOPE_LONG") != nil
  @lossy_ms if @long?, do: 600_000, else: 3_000
  @seed String.to_integer(System.get_env("SCOPE_SEED") || "7")
  @fast [elixir_scope_distributed: [sync_interval_ms: 500]]
  @events if @long?, do: 5_000, else: 500

  # A host is asked after for two seconds, and three later again.
  @asked_ms if @long?, do: 12_000, else: 3_000

  # How it looks when TCP waits before it sends once more what was lost.
  @pauses [:one_way, :partial]

  defp hosts(context, number, options) do
    hosts = start_supervised!({Hosts, {number, context.tmp_dir, @seed}})
    nodes = Hosts.nodes(hosts, Keyword.merge([config: @fast, log: :none], options))
    joined(nodes)
    {hosts, nodes}
  end

  defp joined(nodes) do
    for node <- nodes do
      eventually(
        fn ->
          assert on(node, &NodeCoordinator.get_cluster_nodes/0) == {:ok, Enum.sort(nodes)}
          {:ok, %{hears: hears}} = on(node, &ClusterStateManager.get_cluster_topology/0)
          assert map_size(hears) == length(nodes)
          assert Enum.all?(hears, fn {_node, heard} -> length(heard) == length(nodes) - 1 end)
        end,
        within: 20_000
      )
    end
  end

  defp partition_of(node) do
    {:ok, status} = on(node, &ClusterStateManager.get_partition_status/0)
    status
  end

  defp whole(nodes) do
    for node <- nodes,
        do: eventually(fn -> assert %{state: :whole} = partition_of(node) end, within: 20_000)
  end

  defp info(node, other) do
    {:ok, info} = on(node, ClusterStateManager, :get_node_info, [other])
    info
  end

  defp noted(node, kind) do
    {:ok, %{events: events}} = on(node, Scope, :query, [[kinds: [kind], nodes: [node]]])
    for event <- events, do: event.data
  end

  defp record(node, numbers),
    do: on(node, fn -> Enum.each(numbers, &Scope.record(:n, {Node.self(), &1})) end)

  # What a node holds by itself, and whom it misses.
  defp numbers(node) do
    {:ok, result} = on(node, Scope, :query, [[kinds: [:mark], limit: 1]])
    {on(node, fn -> held() end), result.missing}
  end

  defp held do
    {:ok, scope} = Scope.Scope.fetch(Scope)
    filter = Scope.Options.validate!(:filter, kinds: [:mark], limit: 20 * @events)
    {:ok, %{events: events}} = Scope.Storages.Native.query(scope.store, filter)
    Enum.map(events, & &1.data)
  end

  # All have the same, in the same order, and all that was recorded.
  defp equal(nodes, expected, within) do
    eventually(
      fn ->
        [first | others] = Enum.map(nodes, &numbers/1)
        assert {found, %{} = missing} = first
        assert missing == %{}
        assert Enum.sort(found) == Enum.sort(expected)
        assert Enum.all?(others, &(&1 == first))
      end,
      within: within
    )
  end

  # Over one TCP connection a dead direction soon takes the other one along, as nothing is acknowledged any
  # more. As long as something arrives it is one-way; then these two do not hear each other.
  test "a direction that is dead is named by all three, and never wrongly", context do
    {hosts, [a, b, c] = all} = hosts(context, 3, [])
    Hosts.cut_one_way(hosts, 1, 2)

    for node <- all do
      eventually(
        fn -> assert %{kinds: [:partial], gaps: [{^a, ^b}], apart: []} = partition_of(node) end,
        within: 10_000
      )
    end

    assert %{status: :up, reason: :asymmetric} = info(a, b)
    assert %{status: :up, reason: :asymmetric} = info(b, a)
    assert %{status: :up, reason: nil} = info(c, a)
    Hosts.mend(hosts)
    whole(all)

    for node <- all, found <- noted(node, :partition) do
      assert found.kind in [:one_way, :partial] and found.one_way -- [{a, b}] == []
    end
  end

  test "a host that vanishes without a word is noticed by net tick, and named", context do
    {hosts, [a, b, c]} = hosts(context, 3, net_ticktime: 4)
    record(c, 1..10)
    equal([a, b, c], for(n <- 1..10, do: {c, n}), 10_000)
    Hosts.cut(hosts, 3, [1, 2])
    kill(c)

    for node <- [a, b] do
      eventually(
        fn ->
          assert %{kinds: [:split], apart: [^c], quorum: :majority} = partition_of(node)
          assert %{status: :down, nodedown_reason: :net_tick_timeout} = info(node, c)
        end,
        within: 20_000
      )

      eventually(fn -> assert %{reason: :unreachable} = info(node, c) end, within: 30_000)
    end

    # That its host does not say it runs no such node has to last.
    refute_receive _, @asked_ms

    for node <- [a, b] do
      assert %{reason: :unreachable} = info(node, c)
      assert %{kinds: [:split], apart: [^c]} = partition_of(node)
    end

    restart(c)
    Hosts.mend(hosts)
    connect([a, b, c])
    joined([a, b, c])
    whole([a, b, c])
    equal([a, b, c], for(n <- 1..10, do: {c, n}), 20_000)
  end

  test "over 100 ms and with 5 % of all packets lost, all become equal", context do
    {hosts, [a, b, c] = all} = hosts(context, 3, [])
    Hosts.slow(hosts, [1, 2, 3], [1, 2, 3], 50, 0.05)
    for node <- all, do: record(node, 1..@events)
    equal(all, for(node <- [a, b, c], n <- 1..@events, do: {node, n}), 60_000)
    Hosts.mend(hosts)
    whole(all)
    for node <- all, found <- noted(node, :partition), do: assert(found.kind in @pauses)
  end

  # TCP sends again what was lost, later each time, so that now and then nothing comes through for some
  # seconds: that is told as what it is, and as no more.
  test "with a fifth of all packets lost, nothing is apart, and nothing flaps", context do
    {hosts, all} =
      hosts(context, 3, config: [elixir_scope_distributed: [sync_interval_ms: 1_000]])

    Hosts.slow(hosts, [1, 2, 3], [1, 2, 3], 2, 0.2)
    until = System.monotonic_time(:millisecond) + @lossy_ms

    eventually(fn -> System.monotonic_time(:millisecond) >= until end, within: 2 * @lossy_ms)

    Hosts.mend(hosts)
    whole(all)
    found = for node <- all, found <- noted(node, :partition), do: found.kind
    if @long?, do: IO.puts("with 20 % loss for #{div(@lossy_ms, 1_000)} s: #{inspect(found)}")
    assert Enum.all?(found, &(&1 in @pauses))
  end

  test "a connection of which one end is gone is found out and made anew", context do
    {hosts, [a, b]} = hosts(context, 2, net_ticktime: 60)
    record(b, 1..10)
    equal([a, b], for(n <- 1..10, do: {b, n}), 10_000)
    old = info(a, b).incarnation

    # It ends and begins again unheard: the other one still holds the connection to the old one.
    Hosts.cut(hosts, 1, 2)
    kill(b)
    assert b in on(a, &Node.list/0)
    restart(b)
    assert b in on(a, &Node.list/0)
    Hosts.mend(hosts)
    connect([b, a])
    joined([a, b])
    assert %{status: :up, reason: :restarted, incarnation: new} = info(a, b)
    assert new != old
    record(b, 11..20)
    equal([a, b], for(n <- 1..20, do: {b, n}), 20_000)
  end
end
