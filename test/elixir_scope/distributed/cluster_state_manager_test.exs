defmodule ElixirScope.Distributed.ClusterStateManagerTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, NodeCoordinator, Transports.Isolated}

  @interval 1_000

  # Three intervals, and what a busy machine takes to look.
  @soon [within: 3 * @interval + 2_000]

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  defp joined(nodes) do
    for node <- nodes,
        do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end, within: 10_000)

    # All have each other's views.
    for node <- nodes do
      eventually(fn ->
        {:ok, %{hears: hears}} = on(node, ClusterStateManager, :get_cluster_topology, [])

        assert for({node, heard} <- hears, do: {node, length(heard)}) ==
                 for(node <- Enum.sort(nodes), do: {node, length(nodes) - 1})
      end)
    end

    nodes
  end

  defp partition_of(node) do
    {:ok, status} = on(node, ClusterStateManager, :get_partition_status, [])
    status
  end

  defp info(node, other) do
    {:ok, info} = on(node, ClusterStateManager, :get_node_info, [other])
    info
  end

  defp noted(node, kind) do
    {:ok, events} = on(node, Scope, :events, [[kinds: [kind], nodes: [node]]])
    for e <- events, do: e.data
  end

  defp works(node) do
    :ok = on(node, Scope, :record, [:here, node])
    {:ok, %{events: events}} = on(node, Scope, :query, [[kinds: [:mark]]])
    assert node in for(e <- events, do: e.data)
    {:ok, trace} = on(node, Scope, :trace, [{URI, :parse}, []])
    assert {:ok, _ended} = on(node, Scope, :stop_trace, [trace.id])
    assert {:ok, %{node: ^node}} = on(node, &Scope.status/0)
  end

  test "a split is named on both sides, which go on, and so is its end" do
    [a, b, c] = all = joined(start_nodes(3))
    partition([a], [b, c])

    eventually(
      fn -> assert %{state: :partitioned, kind: :split, side: [^a]} = partition_of(a) end,
      @soon
    )

    for node <- [b, c],
        do: eventually(fn -> assert %{kind: :split, apart: [^a]} = partition_of(node) end, @soon)

    assert %{quorum: :minority, known: known} = partition_of(a)
    assert known == Enum.sort(all)
    assert on(a, &ClusterStateManager.quorum/0) == {:ok, :minority}
    assert on(b, &ClusterStateManager.quorum/0) == {:ok, :majority}
    for node <- all, do: works(node)

    ask = [[kinds: [:mark]], [require: :majority]]
    assert {:error, :minority_partition, message} = on(a, Scope, :query, ask)
    assert message =~ "#{b}"
    assert {:ok, %{missing: %{^a => _}}} = on(b, Scope, :query, ask)

    heal(all)

    for node <- all,
        do:
          eventually(fn -> assert %{state: :whole, quorum: :majority} = partition_of(node) end,
            within: 15_000
          )

    for node <- all do
      assert [%{kind: :split, apart: [_ | _], views: views} | _] = noted(node, :partition)
      assert map_size(views) == 3
      assert [%{kind: :split, views: %{^a => _}} | _] = noted(node, :heal)
    end
  end

  test "two halves: neither is the majority" do
    [a, b] = joined(start_nodes(2))
    partition(a, b)

    for node <- [a, b],
        do:
          eventually(fn -> assert %{kind: :split, quorum: :even} = partition_of(node) end, @soon)

    assert {:error, :split_brain, message} = on(a, Scope, :query, [[], [require: :majority]])
    assert message =~ "half"

    # Who decides that the other is gone for good goes on.
    :ok = on(a, NodeCoordinator, :unregister_node, [b])

    eventually(fn ->
      assert %{state: :whole, quorum: :majority, known: [^a]} = partition_of(a)
    end)

    assert {:ok, _result} = on(a, Scope, :query, [[], [require: :majority]])
  end

  test "a VM without a name is part of no cluster" do
    start_supervised!({Scope, name: :nameless_scope})

    unless Node.alive?() do
      assert {:error, :node_required, message} =
               Scope.query([scope: :nameless_scope], require: :majority)

      assert message =~ "--name"
    end

    assert {:ok, _result} = Scope.query([scope: :nameless_scope], require: :all)
  end

  test "two that cannot reach each other, while a third reaches both" do
    [a, b, c] = all = joined(start_nodes(3))
    partition(a, c)

    for node <- all,
        do:
          eventually(
            fn ->
              assert %{kind: :partial, gaps: [gap], quorum: quorum} = partition_of(node)
              assert gap == {min(a, c), max(a, c)} and quorum == :majority
            end,
            @soon
          )

    assert %{status: :down, reason: :asymmetric, message: message} = info(a, c)
    assert message =~ "other members reach"
    assert %{status: :up, reason: nil} = info(b, c)
    heal(all)

    for node <- all,
        do: eventually(fn -> assert %{state: :whole} = partition_of(node) end, within: 15_000)
  end

  test "a connection that comes and goes" do
    [a, b] = all = joined(start_nodes(2))

    for _ <- 1..4 do
      partition(a, b)
      eventually(fn -> assert members(a) == {:ok, [a]} end)
      heal(all)
      eventually(fn -> assert members(a) == {:ok, Enum.sort(all)} end)
    end

    for node <- all,
        do:
          eventually(
            fn -> assert %{kind: :flapping, flapping: [_]} = partition_of(node) end,
            @soon
          )
  end

  test "who was killed or stopped is gone, and no partition" do
    [a, b, c] = joined(start_nodes(3))

    on(a, &listen/0)
    stop(b)
    kill(c)
    eventually(fn -> assert %{reason: :left} = info(a, b) end)

    eventually(fn ->
      assert %{reason: :not_running, nodedown_reason: :connection_closed} = info(a, c)
    end)

    eventually(fn -> assert {:messages, [_, _]} = heard(a) end)
    {:messages, messages} = heard(a)

    assert Enum.sort(
             for({:cluster_change, %{type: :node_down, node: node}} <- messages, do: node)
           ) == Enum.sort([b, c])

    # Longer than it takes to name a partition.
    restart(c)
    eventually(fn -> assert %{status: :up, reason: :restarted} = info(a, c) end, within: 10_000)
    assert noted(a, :partition) == []
  end

  defp listen do
    spawn(fn ->
      :ok = ClusterStateManager.subscribe_to_changes()
      Process.register(self(), :listener)
      receive do: (:stop -> :ok)
    end)
  end

  defp heard(node), do: on(node, fn -> Process.info(Process.whereis(:listener), :messages) end)

  test "a node that is frozen is silent, until it goes on" do
    [a, b] = joined(start_nodes(2))
    freeze(b)
    eventually(fn -> assert %{status: :up, reason: :silent} = info(a, b) end, @soon)
    thaw(b)
    eventually(fn -> assert %{status: :up, reason: nil} = info(a, b) end)
    eventually(fn -> assert %{state: :whole} = partition_of(a) end, @soon)
  end

  test "an unknown node is not found, and this one is" do
    [a] = start_nodes(1)
    assert on(a, ClusterStateManager, :get_node_info, [:nobody@nowhere]) == {:error, :not_found}
    assert {:ok, %{status: :up, node: ^a}} = on(a, ClusterStateManager, :get_node_info, [a])

    assert {:ok, %{state: :whole, quorum: :majority, known: [^a]}} =
             on(a, &ClusterStateManager.get_partition_status/0)
  end

  test "with OTP's own prevention of partitions, each side is whole in itself" do
    args = ~w(-connect_all true -kernel prevent_overlapping_partitions true)
    [a, b, c] = all = joined(start_nodes(3, args: args))

    assert on(a, :application, :get_env, [:kernel, :prevent_overlapping_partitions]) ==
             {:ok, true}

    partition([a], [b, c])
    eventually(fn -> assert %{kind: :split, side: [^a]} = partition_of(a) end, @soon)

    for node <- [b, c],
        do:
          eventually(
            fn ->
              assert %{kind: :split, apart: apart} = partition_of(node)
              assert a in apart
            end,
            @soon
          )

    for node <- all, do: works(node)
    heal(all)

    for node <- all,
        do:
          eventually(
            fn ->
              heal(all)
              assert %{state: :whole} = partition_of(node)
            end,
            within: 20_000
          )
  end

  describe "over a simulated network" do
    @describetag capture_log: true

    defp virtual(context, number, network) do
      net = start_supervised!({Isolated.Network, network})
      nodes = for n <- 1..number, do: :"n#{n}-#{:erlang.phash2(context.test)}@sim"

      for node <- nodes do
        # Each in its own place of one VM; the scope's name is the same for all that talk.
        transport = {__MODULE__.Renamed, network: net, talk: :partitions}
        options = [name: node, node: node, transport: transport, sync_interval_ms: 500]
        start_supervised!({Scope, options ++ [cluster_nodes_init: nodes]}, id: node)
      end

      {net, nodes}
    end

    defmodule Renamed do
      @behaviour ElixirScope.Distributed.Transport

      alias ElixirScope.Distributed.Transports.Isolated

      @impl true
      def start_link(options),
        do: Isolated.start_link(Keyword.put(options, :scope, options[:talk]))

      @impl true
      defdelegate send(transport, to, message), to: Isolated
      @impl true
      defdelegate connect(transport, node), to: Isolated
      @impl true
      defdelegate peers(transport), to: Isolated
    end

    test "one direction that is dead while the connection stands", context do
      {net, [a, b, c] = all} = virtual(context, 3, detect_ms: 600_000, seed: 3)

      for scope <- all,
          do:
            eventually(fn ->
              assert {:ok, [_, _, _]} = NodeCoordinator.get_cluster_nodes(scope)
            end)

      Isolated.Network.cut(net, a, b)
      kind = fn scope -> elem(ClusterStateManager.get_partition_status(scope), 1) end

      for scope <- all,
          do: eventually(fn -> assert %{kind: :one_way, one_way: [{^a, ^b}]} = kind.(scope) end)

      {:ok, %{reason: :asymmetric}} = ClusterStateManager.get_node_info(b, a)
      {:ok, %{reason: nil}} = ClusterStateManager.get_node_info(c, a)
      Isolated.Network.heal(net)
      for scope <- all, do: eventually(fn -> assert %{state: :whole} = kind.(scope) end)
    end

    test "decisions reach all, though a fifth of all messages is lost", context do
      {_net, [a, b, c, d] = all} = virtual(context, 4, loss: 0.2, latency_ms: 0..5, seed: 5)
      members = fn scope -> elem(NodeCoordinator.get_cluster_nodes(scope), 1) end

      for scope <- all,
          do: eventually(fn -> assert length(members.(scope)) == 4 end, within: 20_000)

      :ok = NodeCoordinator.unregister_node(d, a)

      for scope <- [a, b, c],
          do: eventually(fn -> assert members.(scope) == [a, b, c] end, within: 10_000)

      eventually(fn -> assert members.(d) == [d] end, within: 10_000)
      :ok = NodeCoordinator.register_node(d, b)

      for scope <- all,
          do: eventually(fn -> assert length(members.(scope)) == 4 end, within: 20_000)
    end

    test "a fifth of all messages lost, and no partition is seen", context do
      {_net, all} = virtual(context, 3, loss: 0.2, latency_ms: 0..5, seed: 11)

      for scope <- all,
          do:
            eventually(
              fn -> assert {:ok, [_, _, _]} = NodeCoordinator.get_cluster_nodes(scope) end,
              within: 20_000
            )

      refute_receive _, 6_000

      for scope <- all do
        assert {:ok, %{state: :whole}} = ClusterStateManager.get_partition_status(scope)
        assert {:ok, []} = Scope.events(scope: scope, kinds: [:partition])
      end
    end
  end
end
