defmodule ElixirScope.Distributed.ServeTest do
  # What a node shows to others, and what it lets them do, over a simulated network. The same on
  # real nodes is in serve_nodes_test.exs.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Conductor
  alias ElixirScope.Distributed.{EventSynchronizer, NodeCoordinator, Options, Storages}
  alias ElixirScope.Distributed.Transports.Isolated

  # a serves all; b as it is told.
  defp pair(context, options) do
    network = start_supervised!({Isolated.Network, [seed: 7]})
    [a, b] = for name <- ["a", "b"], do: :"#{context.test} #{name}"

    for {scope, node, more} <- [{a, :a@sim, []}, {b, :b@sim, options}] do
      transport = {Isolated, network: network, scope: context.test}
      options = [name: scope, node: node, transport: transport, sync_interval_ms: 50]
      start_supervised!({Scope, options ++ more}, id: scope)
    end

    :ok = NodeCoordinator.setup_cluster([:b@sim], a)

    for scope <- [a, b] do
      eventually(fn -> assert {:ok, [_, _]} = NodeCoordinator.get_cluster_nodes(scope) end)
    end

    {a, b}
  end

  defp query(scope, options \\ []) do
    {:ok, result} = Scope.query([kinds: [:mark]] ++ options, scope: scope)
    {Enum.map(result.events, & &1.data), result.missing}
  end

  defp held(name) do
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(name)
    filter = Options.validate!(:filter, kinds: [:mark])
    {:ok, %{events: events}} = Storages.Native.query(scope.store, filter)
    Enum.map(events, & &1.data)
  end

  defp incoming(scope) do
    {:ok, %{incoming: incoming}} = Scope.status(scope)
    incoming
  end

  defp capabilities(scope, node) do
    {:ok, %{nodes: nodes}} = NodeCoordinator.get_distributed_status(scope)
    nodes[node].capabilities
  end

  describe "serve: :none" do
    test "nobody sees its events, and whoever asks is told so; it sees others'", context do
      {a, b} = pair(context, serve: :none)
      for n <- 1..20, do: Scope.record(:n, n, scope: b)
      Scope.record(:n, :a, scope: a)
      assert query(a) == {[:a], %{:b@sim => {:distributed_exit, :not_allowed}}}
      assert query(a, nodes: [:a@sim]) == {[:a], %{}}
      assert query(b) == {[:a | Enum.to_list(1..20)] |> Enum.sort_by(&is_atom/1), %{}}
      assert {:error, %{reason: :nodes_missing}} = Scope.query([require: :all], scope: a)
      assert capabilities(a, :b@sim) == []
      assert %{serve: :none, grants: []} = incoming(b)
    end

    test "an exchange takes what the other has, gives nothing, and ends", context do
      {a, b} = pair(context, serve: :none)
      for n <- 1..20, do: Scope.record(:n, n, scope: b)
      for n <- 21..40, do: Scope.record(:n, n, scope: a)
      assert {:ok, %{received: 0}} = EventSynchronizer.sync_with_node(:b@sim, a)
      assert {:ok, %{sent: 0}} = EventSynchronizer.sync_with_node(:a@sim, b)
      assert Enum.sort(held(b)) == Enum.to_list(1..40)
      assert held(a) == Enum.to_list(21..40)
      assert incoming(b).peers[:a@sim].refused == %{}
    end

    test "who asks all the same is refused and counted", context do
      {a, b} = pair(context, serve: :none)
      {:ok, scope} = ElixirScope.Distributed.Scope.fetch(a)

      pull = %ElixirScope.Distributed.Types.EventSyncMessage{
        source_node: :a@sim,
        events_batch: <<1, 0::32, 1, 1, 0, 2, 0>>,
        since_global_clock: nil
      }

      for _ <- 1..3, do: ElixirScope.Distributed.Transport.send_to(scope, :b@sim, pull)
      eventually(fn -> assert %{sync_pull: 3} = incoming(b).peers[:a@sim].refused end)
    end
  end

  test "serve: :queries shows its events, and takes no orders", context do
    {a, b} = pair(context, serve: :queries)
    Scope.record(:n, 1, scope: b)
    assert query(a) == {[1], %{}}
    assert capabilities(a, :b@sim) == [:record, :query]

    assert {:error, error} = Conductor.trace(Enum, scope: a, nodes: [:b@sim])
    assert error.reason == :not_allowed
    assert Exception.message(error) =~ "its options :allow and :serve"
    assert %{trace_arm: 1} = incoming(b).peers[:a@sim].refused
    assert {:ok, answers} = Conductor.stop(:all, a)
    assert %{error: %{reason: :not_allowed}} = answers[:b@sim]

    # Its own users order what they like.
    assert {:error, %{reason: reason}} = Conductor.trace(NoSuchModule, scope: b, nodes: [:b@sim])
    assert reason == :no_match

    # Who belongs to the cluster is no order.
    :ok = NodeCoordinator.register_node(:later@sim, a)

    eventually(fn ->
      assert {:ok, %{nodes: %{:later@sim => _}}} = NodeCoordinator.get_distributed_status(b)
    end)
  end

  test "without :query in allow no question is answered, and copies are exchanged", context do
    {a, b} = pair(context, allow: [:record])
    Scope.record(:n, 1, scope: b)
    assert {:ok, %{received: received}} = EventSynchronizer.sync_with_node(:b@sim, a)
    assert received >= 1
    assert {_copies, %{:b@sim => {:distributed_exit, :not_allowed}}} = query(a)
  end

  test "without :record in allow no copies are exchanged but for what is asked for here",
       context do
    {a, b} = pair(context, allow: [:query])
    Scope.record(:n, 1, scope: a)
    Scope.record(:n, 2, scope: b)
    assert {:ok, %{received: 0}} = EventSynchronizer.sync_with_node(:b@sim, a)
    assert {:ok, _} = EventSynchronizer.sync_with_node(:a@sim, b)
    assert {held(a), held(b)} == {[1], [2]}
    assert {:ok, %{exchange: %{mode: :on_demand, keeps: :nothing}}} = Scope.status(b)
    assert query(b) == {[1, 2], %{}}
  end
end
