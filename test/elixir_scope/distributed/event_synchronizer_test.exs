defmodule ElixirScope.Distributed.EventSynchronizerTest do
  # Virtual nodes of one VM: the same code as on real ones, over a simulated network.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Scope

  alias ElixirScope.Distributed.{
    EventSynchronizer,
    GlobalClock,
    NodeCoordinator,
    Options,
    Storages
  }

  alias ElixirScope.Distributed.Transports.Isolated
  alias ElixirScope.Distributed.Types.EventSyncMessage

  defp cluster(context, number, faults \\ []) do
    network = start_supervised!({Isolated.Network, [seed: 7] ++ faults})
    scopes = for n <- 1..number, do: :"#{context.test} #{n}"
    nodes = for n <- 1..number, do: :"n#{n}@sim"

    for {scope, node} <- Enum.zip(scopes, nodes) do
      transport = {Isolated, network: network, scope: context.test}
      options = [name: scope, node: node, transport: transport, sync_interval_ms: 50]
      start_supervised!({Scope, options}, id: scope)
    end

    :ok = NodeCoordinator.setup_cluster(tl(nodes), hd(scopes))

    for scope <- scopes do
      eventually(fn -> assert {:ok, ^nodes} = NodeCoordinator.get_cluster_nodes(scope) end)
    end

    {network, scopes, nodes}
  end

  defp data(scope) do
    {:ok, events} = Scope.events(scope: scope, kinds: [:mark])
    Enum.map(events, & &1.data)
  end

  test "every node has every event once, in the same order", context do
    {_network, scopes, nodes} = cluster(context, 3)
    for n <- 1..300, do: Scope.record(:n, n, scope: Enum.at(scopes, rem(n, 3)))
    [first | others] = for scope <- scopes, do: data(scope)
    assert Enum.sort(first) == Enum.to_list(1..300)
    assert Enum.all?(others, &(&1 == first))
    {:ok, events} = Scope.events(scope: hd(scopes), kinds: [:mark])
    assert events |> Enum.map(& &1.node) |> Enum.uniq() |> Enum.sort() == nodes
  end

  test "an exchange says what it moved; the next one has nothing left", context do
    {_network, [a, b], [_, nb]} = cluster(context, 2)
    for n <- 1..5, do: Scope.record(:n, n, scope: b)
    # With them goes what each says of the cluster.
    assert {:ok, %{received: received, already: 0}} = EventSynchronizer.sync_with_node(nb, a)
    assert received in 5..6
    assert {:ok, %{received: 0, sent: 0}} = EventSynchronizer.sync_with_node(nb, a)
    assert {:ok, %{^nb => %{received: 0}}} = EventSynchronizer.sync_with_cluster(a)
  end

  test "it synchronises by itself", context do
    {_network, [a, b], _nodes} = cluster(context, 2)
    Scope.record(:n, 1, scope: b)
    eventually(fn -> assert {:ok, %{count: 1}} = held(a, kinds: [:mark]) end)
  end

  # What is here, without asking anybody for more.
  defp held(name, filter) do
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(name)
    Storages.Native.query(scope.store, Options.validate!(:filter, filter))
  end

  test "loss and delay only take time", context do
    {_network, [a, b], _nodes} = cluster(context, 2, loss: 0.2, latency_ms: 0..5)
    for n <- 1..500, do: Scope.record(:n, n, scope: b)
    eventually(fn -> assert data(a) == Enum.to_list(1..500) end, within: 30_000)
  end

  test "a member cut off is missing, and catches up", context do
    {network, [a, b], [na, nb]} = cluster(context, 2)
    Isolated.Network.partition(network, [[na], [nb]])
    Scope.record(:n, 1, scope: b)

    eventually(fn ->
      assert {:ok, %{missing: missing, events: []}} = Scope.query([kinds: [:mark]], scope: a)
      assert missing == %{nb => {:node_unavailable, nb}}
    end)

    assert {:error, {:node_unavailable, ^nb}} = EventSynchronizer.sync_with_node(nb, a)
    Isolated.Network.heal(network)
    eventually(fn -> assert data(a) == [1] end, within: 15_000)
  end

  test "a deadline names who did not answer", context do
    {network, [a, _b], [na, nb]} = cluster(context, 2, detect_ms: 60_000)
    Isolated.Network.partition(network, [[na], [nb]])
    assert {:ok, %{missing: missing}} = Scope.query([], scope: a, timeout_ms: 50)
    assert missing[nb] in [:distributed_timeout, {:node_unavailable, nb}]
  end

  test "events since a stamp", context do
    {_network, [a], _nodes} = cluster(context, 1)
    Scope.record(:n, 1, scope: a)
    stamp = GlobalClock.now(a)
    Scope.record(:n, 2, scope: a)
    assert {:ok, [%{data: 2}]} = EventSynchronizer.events_since(stamp, scope: a)
  end

  test "a batch from a stranger, or of nonsense, is refused", context do
    {_network, [a, _b], [_na, nb]} = cluster(context, 2)

    batch = %EventSyncMessage{
      source_node: :stranger@sim,
      events_batch: "x",
      since_global_clock: nil
    }

    assert {:error, :not_a_member} = EventSynchronizer.apply_batch(batch, a)

    for bytes <- ["", "x", :binary.copy(<<0>>, 1_000), :rand.bytes(100_000)] do
      batch = %{batch | source_node: nb, events_batch: bytes}
      assert {:error, reason} = EventSynchronizer.apply_batch(batch, a)
      assert is_binary(reason)
    end

    assert {:ok, %{sync: %{^nb => %{refused: 4}}}} = Scope.status(a)
  end
end
