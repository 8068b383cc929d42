defmodule ElixirScope.Distributed.SingleNodeSimulatorTest do
  # One simulation in a VM: not beside other tests. The same cluster as real nodes have: parity_test.exs.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, Error, GlobalClock, NodeCoordinator}
  alias ElixirScope.Distributed.{Options, Simulation, SingleNodeSimulator}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @moduletag :capture_log
  @runs if System.get_env("SCOPE_LONG"), do: 100, else: 8
  @own :simulated_shop

  doctest SingleNodeSimulator

  defp shop(options \\ []) do
    start_supervised!({Scope, [name: @own, sync_interval_ms: 100, flush_ms: 20] ++ options})
    {:ok, _simulator} = SingleNodeSimulator.start_link(scope: @own)
  end

  # It ends with the scope, or with the test that started it.
  setup do
    on_exit(fn ->
      _ = Scope.stop(@own)
      for n <- 2..4, do: eventually(fn -> gone?(:"node#{n}@simulated") end, within: 15_000)
      eventually(fn -> SingleNodeSimulator.get_simulated_nodes() == {:ok, []} end)
    end)
  end

  defp gone?(name), do: ElixirScope.Distributed.Scope.whereis(name, Storage) == nil

  defp simulated(number) do
    shop()
    {:ok, nodes} = SingleNodeSimulator.enable_simulation(number)
    nodes
  end

  defp data(scope) do
    {:ok, events} = Scope.events(scope: scope, kinds: [:mark])
    for e <- events, do: e.data
  end

  # Without asking any other node.
  defp held(name) do
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(name)

    {:ok, %{events: events}} =
      Storage.query(scope.store, Options.validate!(:filter, kinds: [:mark]))

    for e <- events, do: %{id: e.id, at: e.at, data: e.data}
  end

  defp refused(reason, {:error, %Error{reason: reason} = error}),
    do: refute(Exception.message(error) =~ inspect(reason))

  describe "switching" do
    # Nodes are numbers, of which the last is the scope's own; what cannot be done now is left out.
    defp step do
      node = integer(0..3)

      one_of([
        tuple([constant(:enable), integer(1..4)]),
        constant({:disable}),
        tuple([constant(:record), node]),
        tuple([constant(:record), node]),
        tuple([constant(:record), node]),
        tuple([constant(:fail), node]),
        tuple([constant(:recover), node]),
        tuple([constant(:cut), node]),
        constant({:heal}),
        constant({:sync})
      ])
    end

    # The list outside has each event as it was when it was recorded. Lost may be what a node that failed
    # did not share, and nothing else.
    test "keeps every event once, with its id and stamp, and the order of all" do
      shop()

      property(tuple(List.duplicate(step(), 16)), [runs: @runs], fn steps ->
        before = held(@own)
        told = %{nodes: [], kept: Enum.reverse(before), lost: []}
        told = steps |> Tuple.to_list() |> Enum.reduce(told, &take(Tuple.to_list(&1), &2))
        told = take([:disable], told)
        kept = held(@own)

        assert Enum.sort(Enum.reverse(told.kept) -- kept) == []
        assert kept -- (told.kept ++ told.lost) == []
        assert kept == Enum.uniq_by(kept, & &1.id)
        assert kept == Enum.sort(kept, &(GlobalClock.compare(&1.at, &2.at) != :gt))
        assert own(kept) == own(Enum.reverse(told.kept))
        assert {:ok, []} = SingleNodeSimulator.get_simulated_nodes()
      end)
    end

    # What the scope itself recorded, under whichever name, is in the order in which it was.
    defp own(events) do
      for %{id: {{node, _}, _}} = e <- events, node in [node(), :node1@simulated], do: e.data
    end

    defp take([:enable, number], %{nodes: []} = told) do
      {:ok, nodes} = SingleNodeSimulator.enable_simulation(number)
      %{told | nodes: nodes}
    end

    defp take([:enable, number], told) do
      refused(:already_simulated, SingleNodeSimulator.enable_simulation(number))
      told
    end

    defp take([:disable], %{nodes: []} = told), do: told

    defp take([:disable], told) do
      :ok = SingleNodeSimulator.disable_simulation()
      %{told | nodes: []}
    end

    defp take([:record, n], told) do
      scope = scope(n, told)
      data = {:n, System.unique_integer([:positive, :monotonic])}

      # A node that is down records nothing, but for the first.
      with {:ok, _there} <- ElixirScope.Distributed.Scope.fetch(scope) do
        :ok = Scope.record(:n, data, scope: scope)
        [event] = for event <- held(scope), event.data == data, do: event
        %{told | kept: [event | told.kept]}
      else
        {:error, _down} -> told
      end
    end

    defp take([:fail, n], %{nodes: [_ | _] = nodes} = told) do
      node = scope(n, told)
      others = for other <- nodes, other != node, running?(other), do: other
      safe = Enum.flat_map([@own | others], &held/1)
      _ = SingleNodeSimulator.simulate_node_failure(node)
      {kept, lost} = Enum.split_with(told.kept, &(&1 in safe))
      %{told | kept: kept, lost: lost ++ told.lost}
    end

    defp take([:recover, n], told) do
      _ = SingleNodeSimulator.simulate_node_recovery(scope(n, told))
      told
    end

    defp take([:cut, n], told) do
      _ = SingleNodeSimulator.simulate_network_partition([scope(n, told)])
      told
    end

    defp take([:heal], told) do
      _ = SingleNodeSimulator.heal_network_partition()
      told
    end

    defp take([:sync], told) do
      for node <- told.nodes, running?(node), do: NodeCoordinator.force_event_sync(node)
      told
    end

    defp take([:fail, _n], told), do: told

    defp scope(_n, %{nodes: []}), do: @own
    defp scope(n, %{nodes: nodes}), do: Enum.at(nodes, n, @own)
    defp running?(node), do: Simulation.Nodes.running?(node)

    test "goes on while somebody records all the time" do
      shop()
      recorder = Task.async(fn -> Enum.each(1..20_000, &paced/1) end)

      for _ <- 1..5 do
        {:ok, _nodes} = SingleNodeSimulator.enable_simulation(2)
        :ok = SingleNodeSimulator.disable_simulation()
      end

      Task.await(recorder, 30_000)

      {:ok, %{events: events, dropped: 0}} =
        Scope.query(scope: @own, kinds: [:mark], limit: 30_000)

      # Whatever the clock said in the moment of a switch, each start has its own in order.
      assert events |> Enum.sort_by(&start/1) |> Enum.map(& &1.data) == Enum.to_list(1..20_000)
    end

    defp start(%{id: {{_node, incarnation}, _seq}, at: {logical, physical_ns, _}}),
      do: {incarnation, physical_ns, logical}

    defp paced(n) do
      Scope.record(:n, n, scope: @own)
      if rem(n, 100) == 0, do: :erlang.yield()
    end

    test "gives back the name, the network and the members of before" do
      shop(cluster_nodes_init: [:"nobody@127.0.0.1"])
      {:ok, before} = Scope.status(@own)
      {:ok, _nodes} = SingleNodeSimulator.enable_simulation(3)
      {:ok, %{node: :node1@simulated, missing: []}} = Scope.status(@own)
      :ok = NodeCoordinator.unregister_node(:node3@simulated, @own)
      :ok = SingleNodeSimulator.disable_simulation()
      {:ok, status} = Scope.status(@own)
      assert {status.node, status.missing} == {before.node, [:"nobody@127.0.0.1"]}
      assert status.partition.known == before.partition.known
      assert status.incarnation > before.incarnation
      refused(:not_running, Scope.status(:node1@simulated))

      # What was decided in one simulation is no decision in the next.
      {:ok, [a, b, c]} = SingleNodeSimulator.enable_simulation(3)
      assert NodeCoordinator.get_cluster_nodes(a) == {:ok, [a, b, c]}
    end

    test "takes whoever listens for changes along" do
      shop()
      :ok = ClusterStateManager.subscribe_to_changes(@own)
      {:ok, [_, b]} = SingleNodeSimulator.enable_simulation(2)
      assert_receive {:cluster_change, %{type: :node_up, node: ^b}}, 10_000
    end
  end

  describe "start(simulate: n)" do
    test "is a scope with its virtual nodes, also where it ran before, and again" do
      {:ok, pid} = Scope.start(name: @own, simulate: 2)
      assert {:ok, [a, b]} = SingleNodeSimulator.get_simulated_nodes()
      assert NodeCoordinator.get_cluster_nodes(@own) == {:ok, [a, b]}
      assert Scope.start(name: @own, simulate: 2) == {:ok, pid}
      refused(:already_simulated, Scope.start(name: @own, simulate: 3))
      refused(:already_simulated, Scope.start(name: :another_shop, simulate: 2))
      refused(:not_running, Scope.status(:another_shop))
      refused(:already_simulated, SingleNodeSimulator.start_link(scope: :another_shop))

      :ok = SingleNodeSimulator.disable_simulation()
      assert {:ok, ^pid} = Scope.start(name: @own, simulate: 1)
      :ok = Scope.stop(@own)
      eventually(fn -> SingleNodeSimulator.get_simulated_nodes() == {:ok, []} end)
    end

    test "is an option of a supervision tree, too" do
      start_supervised!({Scope, name: @own, simulate: 2})
      eventually(fn -> {:ok, [_, _]} = NodeCoordinator.get_cluster_nodes(@own) end)
      stop_supervised!({ElixirScope.Distributed.Scope, @own})
      eventually(fn -> SingleNodeSimulator.get_simulated_nodes() == {:ok, []} end)
    end

    test "refuses what is no number of nodes, and then nothing runs" do
      assert_raise ArgumentError, ~r/:simulate to be a positive integer/, fn ->
        Scope.start(name: @own, simulate: 0)
      end

      refused(:too_many_nodes, Scope.start(name: @own, simulate: 9))
      refused(:not_running, Scope.status(@own))
    end
  end

  test "wrong input is refused, and changes nothing" do
    refused(:not_simulated, SingleNodeSimulator.simulate_node_failure(:node1@simulated))
    refused(:not_simulated, SingleNodeSimulator.disable_simulation())
    refused(:not_simulated, SingleNodeSimulator.heal_network_partition())
    [a, b, c] = simulated(3)
    for n <- [1, 3, 0], do: refused(:already_simulated, SingleNodeSimulator.enable_simulation(n))

    for unknown <- [:nobody@nowhere, nil, "node2@simulated", 2, node()] do
      refused(:no_virtual_node, SingleNodeSimulator.simulate_node_failure(unknown))
      refused(:no_virtual_node, SingleNodeSimulator.simulate_node_recovery(unknown))
      refused(:no_virtual_node, SingleNodeSimulator.simulate_network_partition([[a], [unknown]]))
    end

    refused(:not_failed, SingleNodeSimulator.simulate_node_recovery(b))
    :ok = SingleNodeSimulator.simulate_node_failure(b)
    refused(:already_failed, SingleNodeSimulator.simulate_node_failure(b))
    refused(:bad_groups, SingleNodeSimulator.simulate_network_partition(:all))
    :ok = SingleNodeSimulator.simulate_network_partition([[a], [b, c]])
    refused(:already_partitioned, SingleNodeSimulator.simulate_network_partition([a]))
    assert SingleNodeSimulator.get_simulated_nodes() == {:ok, [a, b, c]}
    assert SingleNodeSimulator.heal_network_partition() == :ok
    assert SingleNodeSimulator.disable_simulation() == :ok
  end

  test "a scope that has the name of a virtual node is in the way, and so is a VM full of scopes" do
    shop()
    start_supervised!({Scope, name: :node2@simulated})
    refused(:name_taken, SingleNodeSimulator.enable_simulation(2))
    {:ok, [_own]} = SingleNodeSimulator.enable_simulation(1)
    :ok = SingleNodeSimulator.disable_simulation()
    stop_supervised!({ElixirScope.Distributed.Scope, :node2@simulated})

    free = 64 - length(ElixirScope.Distributed.Scope.all(Storage))
    for n <- 1..free, do: start_supervised!({Scope, name: :"full of scopes #{n}"})
    Scope.record(:n, 1, scope: @own)
    refused(:no_room, SingleNodeSimulator.enable_simulation(2))
    assert data(@own) == [1]
    assert {:ok, %{node: node}} = Scope.status(@own)
    assert node == node()
  end

  test "a node that fails loses what it alone knew, and gets back what others have" do
    [a, b, c] = simulated(3)
    Scope.record(:n, 1, scope: b)
    eventually(fn -> assert [%{data: 1}] = held(c) end)
    :ok = SingleNodeSimulator.simulate_network_partition([b])
    Scope.record(:n, 2, scope: b)
    :ok = SingleNodeSimulator.simulate_node_failure(b)
    refused(:not_running, Scope.status(b))
    :ok = SingleNodeSimulator.heal_network_partition()
    :ok = SingleNodeSimulator.simulate_node_recovery(b)
    eventually(fn -> assert data(b) == [1] end, within: 15_000)
    assert data(a) == [1]
  end

  test "the first node fails for the others, and what it has comes back with it" do
    [a, b] = simulated(2)
    Scope.record(:n, 1, scope: a)
    eventually(fn -> assert [%{data: 1}] = held(b) end)
    :ok = SingleNodeSimulator.simulate_node_failure(a)

    eventually(fn ->
      assert {:ok, %{reason: :not_running}} = ClusterStateManager.get_node_info(a, b)
    end)

    refused(:not_running, Scope.status(@own))
    Scope.record(:n, 2, scope: @own)
    :ok = SingleNodeSimulator.simulate_node_recovery(a)
    eventually(fn -> assert data(b) == [1, 2] end, within: 15_000)
  end

  describe "a simulator" do
    test "that is killed is there again, with what it simulated" do
      # It is started for another scope.
      refused(:too_many_nodes, SingleNodeSimulator.enable_simulation(100))
      {:ok, _pid} = Scope.start(name: @own, simulate: 2)
      Scope.record(:n, 1, scope: :node2@simulated)
      Process.exit(Process.whereis(SingleNodeSimulator), :kill)
      eventually(fn -> {:ok, [_, _]} = SingleNodeSimulator.get_simulated_nodes() end)
      assert SingleNodeSimulator.disable_simulation() == :ok
      assert data(@own) == [1]
    end

    test "that ends with its caller ends what it simulated" do
      start_supervised!({Scope, name: @own})
      start_supervised!({SingleNodeSimulator, scope: @own})
      {:ok, [_, b]} = SingleNodeSimulator.enable_simulation(2)
      Scope.record(:n, 1, scope: b)
      stop_supervised!(SingleNodeSimulator)
      assert data(@own) == [1]
      refused(:not_running, Scope.status(b))
    end

    test "that is started goes on with what runs by itself, and ends it" do
      {:ok, _pid} = Scope.start(name: @own, simulate: 2)
      library = Process.whereis(SingleNodeSimulator)
      start_supervised!({SingleNodeSimulator, scope: @own})
      assert Process.whereis(SingleNodeSimulator) != library
      assert {:ok, [_, b]} = SingleNodeSimulator.get_simulated_nodes()
      assert {:ok, _found} = SingleNodeSimulator.start_link(scope: @own)
      stop_supervised!(SingleNodeSimulator)
      assert SingleNodeSimulator.get_simulated_nodes() == {:ok, []}
      refused(:not_running, Scope.status(b))
    end

    test "stands a network that ends" do
      [a, b] = simulated(2)
      Process.exit(Process.whereis(Simulation.Nodes.Network), :kill)
      eventually(fn -> {:ok, [^a, ^b]} = NodeCoordinator.get_cluster_nodes(a) end, within: 15_000)
      assert SingleNodeSimulator.disable_simulation() == :ok
    end
  end

  test "a subscription goes on through the switch, and back" do
    shop()
    {:ok, ref} = Scope.subscribe(scope: @own, kinds: [:mark])
    Scope.record(:n, 1, scope: @own)
    {:ok, [_own, other | _]} = SingleNodeSimulator.enable_simulation(3)
    Scope.record(:n, 2, scope: @own)
    assert followed(ref, [1, 2]) == [1, 2]

    eventually(fn ->
      Scope.record(:there, 3, scope: other)
      assert_receive {:elixir_scope, ^ref, [%{data: 3, node: ^other} | _], _about}, 500
    end)

    :ok = SingleNodeSimulator.disable_simulation()
    Scope.record(:n, 4, scope: @own)
    assert List.last(followed(ref, [4])) == 4
    refute_received {:DOWN, ^ref, :process, _pid, _reason}
  end

  # What came until all of these had.
  defp followed(ref, wanted, came \\ []) do
    if wanted -- came == [] do
      came
    else
      assert_receive {:elixir_scope, ^ref, events, %{dropped: 0}}, 10_000
      assert Enum.all?(events, &(&1.kind == :mark))
      followed(ref, wanted, came ++ for(event <- events, do: event.data))
    end
  end
end
