defmodule ElixirScope.Distributed.EventSynchronizerTest do
  # Virtual nodes of one VM: the same code as on real ones, over a simulated network.
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog
  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Scope

  alias ElixirScope.Distributed.{
    Error,
    EventSynchronizer,
    GlobalClock,
    Native,
    NodeCoordinator,
    Options,
    Storages
  }

  alias ElixirScope.Distributed.Sync.Conflicts
  alias ElixirScope.Distributed.Transports.Isolated
  alias ElixirScope.Distributed.Types.EventSyncMessage

  defp cluster(context, number, faults \\ [], more \\ []) do
    network = start_supervised!({Isolated.Network, [seed: 7] ++ faults})
    scopes = for n <- 1..number, do: :"#{context.test} #{n}"
    nodes = for n <- 1..number, do: :"n#{n}@sim"

    for {scope, node} <- Enum.zip(scopes, nodes) do
      transport = {Isolated, network: network, scope: context.test}
      options = [name: scope, node: node, transport: transport, sync_interval_ms: 50]
      more = if is_function(more), do: more.(node), else: more
      start_supervised!({Scope, options ++ more}, id: scope)
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

  test "while it has too much to do, status and queries keep their deadlines", context do
    {_network, [a, _b], _nodes} = cluster(context, 2, [], sync: :full)
    Scope.record(:n, 1, scope: a)
    busy = ElixirScope.Distributed.Scope.whereis(a, EventSynchronizer)
    assert {:ok, %{exchange: %{waiting: _, mode: :full}}} = Scope.status(a)
    :sys.suspend(busy)
    assert {:ok, %{exchange: %{mode: :full, frame_bytes: _} = exchange}} = Scope.status(a)
    refute is_map_key(exchange, :waiting)
    assert {:ok, result} = Scope.query(scope: a, kinds: [:mark], timeout_ms: 100)
    assert {result.missing, length(result.events)} == {%{}, 1}
    assert {:error, %Error{reason: :no_time}} = EventSynchronizer.synchronise(a, :all, 100)
    :sys.resume(busy)

    eventually(fn ->
      {:ok, %{missing: missing}} = Scope.query(scope: a)
      assert missing == %{}
    end)
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

  # How many marks of each node a scope holds without asking anybody.
  defp held_by_node(scope) do
    {:ok, %{events: events}} = held(scope, kinds: [:mark])
    Enum.frequencies_by(events, & &1.node)
  end

  test "seven members: each one's events are kept by three collectors, and asked for by all",
       context do
    {_network, scopes, nodes} = cluster(context, 7)
    for {scope, n} <- Enum.with_index(scopes), _ <- 1..10, do: Scope.record(:n, n, scope: scope)

    # On itself, and on three others.
    eventually(
      fn ->
        holders = scopes |> Enum.map(&held_by_node/1) |> Enum.flat_map(&Map.to_list/1)
        assert Enum.frequencies(holders) == Map.new(nodes, &{{&1, 10}, 4})
      end,
      within: 15_000
    )

    assert {:ok, %{exchange: %{mode: :auto, keeps: {:collected, 3}, members: 7}}} =
             Scope.status(hd(scopes))

    [first | others] = for scope <- scopes, do: data(scope)
    assert length(first) == 70
    assert Enum.all?(others, &(&1 == first))
  end

  test "named collectors keep everything, and the others what is their own", context do
    {_network, [a, b, c], [na, nb, nc]} = cluster(context, 3, [], sync: {:collectors, [:n1@sim]})

    for scope <- [a, b, c], do: Scope.record(:n, 1, scope: scope)
    everything = %{na => 1, nb => 1, nc => 1}
    eventually(fn -> assert held_by_node(a) == everything end)
    assert {held_by_node(b), held_by_node(c)} == {%{nb => 1}, %{nc => 1}}
    assert data(c) == [1, 1, 1]
  end

  test "on demand events stay where they are, also when somebody asks", context do
    {_network, [a, b, c], [_na, nb, _nc]} = cluster(context, 3, [], sync: :on_demand)
    for scope <- [b, c], n <- 1..20, do: Scope.record(:n, n, scope: scope)
    for scope <- [a, b, c], do: {:ok, _} = EventSynchronizer.sync_with_cluster(scope)
    assert {:ok, %{events: events}} = Scope.query([kinds: [:mark], nodes: [nb]], scope: a)
    assert length(events) == 20
    assert length(data(a)) == 40
    assert held_by_node(a) == %{}
  end

  test "the events of a node that is gone are asked of those who kept them", context do
    {_network, [a, b, _c], [_na, nb, _nc]} =
      cluster(context, 3, [], sync: {:collectors, [:n3@sim]})

    Scope.record(:n, 7, scope: b)
    eventually(fn -> assert [7] = data(a) end)
    Scope.record(:n, 8, scope: b)
    {:ok, _} = EventSynchronizer.sync_with_node(:n3@sim, b)
    stop_supervised!(b)

    eventually(fn ->
      assert {:ok, result} = Scope.query([kinds: [:mark], nodes: [nb]], scope: a)
      assert Enum.map(result.events, & &1.data) == [7, 8]
      assert result.missing == %{nb => {:node_unavailable, nb}}
    end)
  end

  test "who joins begins five minutes back, and questions reach further", context do
    {_network, [a, b], [_na, nb]} = cluster(context, 2, [], sync_since_ms: 0, flush_ms: 20)
    {:ok, %{exchange: %{since: {_logical, since_ns}}}} = Scope.status(a)
    assert_in_delta since_ns, System.os_time(:nanosecond), 60_000_000_000
    for n <- 1..3, do: Scope.record(:n, n, scope: b)
    stop_supervised!(a)
    {:ok, _} = Scope.events(scope: b)
    # What the node has to say of the one that comes is in another block.
    refute_receive :nothing, 200

    transport = {Isolated, network: network_of(b), scope: context.test}
    later = [name: a, node: :n1@sim, transport: transport, sync_interval_ms: 50, sync_since_ms: 0]
    start_supervised!({Scope, later}, id: a)
    eventually(fn -> assert {:ok, [_, _]} = NodeCoordinator.get_cluster_nodes(a) end)
    {:ok, _summary} = EventSynchronizer.sync_with_node(nb, a)
    assert held_by_node(a) == %{}
    assert data(a) == [1, 2, 3]
  end

  defp network_of(scope) do
    {:ok, %{options: options}} = ElixirScope.Distributed.Scope.fetch(scope)
    {Isolated, options} = options[:transport]
    options[:network]
  end

  test "bytes that leave a node stay within the bound, whatever it has to send", context do
    bound = 64 * 1024
    {_network, [a, b], [na, _nb]} = cluster(context, 2, [], sync_bytes_per_s: bound)
    began = System.monotonic_time(:millisecond)
    for _ <- 1..2_000, do: Scope.record(:n, :rand.bytes(200), scope: b)

    {:ok, %{exchange: limits}} = Scope.status(b)
    assert %{bytes_per_s: ^bound, window_bytes: _, frame_bytes: frame} = limits

    eventually(
      fn ->
        {:ok, %{sync: %{^na => %{bytes_out: bytes}}}} = Scope.status(b)
        ms = System.monotonic_time(:millisecond) - began
        # What a second allows at once, and one message that is paid back later.
        assert bytes <= bound + div(bound * ms, 1_000) + frame
        assert %{events: events} = elem(held(a, kinds: [:mark]), 1)
        assert length(events) == 2_000
      end,
      within: 30_000
    )
  end

  test "a small way takes what it can, and nothing is lost", context do
    # One message at a time, where the protocol would send several.
    {network, [a, b], _nodes} = cluster(context, 2, capacity: 1, latency_ms: 1..3)
    for n <- 1..15_000, do: Scope.record(:n, {n, :rand.bytes(100)}, scope: b)

    eventually(
      fn ->
        {:ok, %{events: events}} = held(a, kinds: [:mark], limit: 20_000)
        assert Enum.map(events, &elem(&1.data, 0)) == Enum.to_list(1..15_000)
      end,
      within: 60_000
    )

    assert %{refused: refused} = Isolated.Network.stats(network)
    assert refused > 0
    assert {:ok, %{exchange: %{waiting: %{dropped: 0}}}} = Scope.status(b)
  end

  test "what retention took before it could come is counted, in the time it belongs to",
       context do
    small = fn node -> if node == :n2@sim, do: [retention_bytes: 256 * 1024], else: [] end
    {network, [a, b], [na, nb]} = cluster(context, 2, [], small)
    Scope.record(:first, 1, scope: b)
    eventually(fn -> assert {:ok, %{count: 1}} = held(a, kinds: [:mark]) end)
    assert {:ok, [%{at: before}]} = Scope.events(scope: a, kinds: [:mark])
    Isolated.Network.partition(network, [[na], [nb]])
    eventually(fn -> assert {:error, _} = EventSynchronizer.sync_with_node(nb, a) end)
    for n <- 1..10_000, do: Scope.record(:n, {n, :rand.bytes(100)}, scope: b)
    Isolated.Network.heal(network)

    eventually(
      fn ->
        assert {:ok, result} = Scope.query([kinds: [:mark], nodes: [nb], limit: 20_000], scope: a)
        assert result.missing == %{}
        assert result.expired > 0
        # Of what is gone, what the node had to say of the partition is among it.
        assert (length(result.events) + result.expired) in 10_001..10_020
      end,
      within: 30_000
    )

    assert {:ok, %{expired: 0}} = Scope.query([nodes: [nb], to: before], scope: a)
    assert {:ok, %{expired: 0}} = Scope.query([nodes: [na]], scope: a)
    # It is the same from everywhere.
    assert {:ok, %{expired: expired}} = Scope.query([nodes: [nb]], scope: b)
    assert expired > 0
  end

  test "many who ask at once all get their answer", context do
    {_network, [a, b], _nodes} = cluster(context, 2, latency_ms: 5)
    for n <- 1..50, do: Scope.record(:n, n, scope: b)

    for _ <- 1..20 do
      Task.async(fn -> Scope.query([kinds: [:mark]], scope: a) end)
    end
    |> Task.await_many(20_000)
    |> Enum.each(fn {:ok, result} ->
      assert {length(result.events), result.missing} == {50, %{}}
    end)
  end

  test "a clone of a machine is told of once, and nothing of its events is merged", context do
    {_network, [a, b], [na, nb]} = cluster(context, 2)
    for n <- 1..5, do: Scope.record(:n, n, scope: b)
    eventually(fn -> assert {:ok, %{count: 5}} = held(a, kinds: [:mark]) end)
    {:ok, [%{id: {{^nb, start}, _seq}} | _]} = Scope.events(scope: a, kinds: [:mark])

    # It runs again as it was when it had just started: the same start, and other events.
    {:ok, %{store: store}} = ElixirScope.Distributed.Scope.fetch(b)
    {:ok, other} = ElixirScope.Distributed.Scope.fetch(a)

    log =
      capture_log(fn ->
        stop_supervised!(b)

        transport =
          {Isolated,
           network: other.options[:transport] |> elem(1) |> Keyword.get(:network),
           scope: context.test}

        options = [name: b, node: nb, transport: transport, sync_interval_ms: 50]
        start_supervised!({Scope, options}, id: b)
        {:ok, clone} = ElixirScope.Distributed.Scope.fetch(b)
        refute clone.store == store
        {:ok, _begun} = Native.store_renew(clone.store, Atom.to_string(nb), start, true)
        Process.exit(ElixirScope.Distributed.Scope.whereis(b, GlobalClock), :kill)

        eventually(fn ->
          assert {:ok, [%{data: data}]} =
                   Scope.query([kinds: [:mark], contains: "cloned"], scope: b)
                   |> marks_called(:conflict)

          assert %{peer: peer, cloned: true, from: 1, to: to} = data
          assert to >= 5
          assert peer == Atom.to_string(na)
        end)

        {:ok, _} = EventSynchronizer.sync_with_cluster(b)
        {:ok, _} = EventSynchronizer.sync_with_cluster(a)
      end)

    assert [_once] = Regex.scan(~r/n1@sim has events 1 to \d+ of this very start of n2@sim/, log)
  end

  defp marks_called({:ok, result}, name),
    do: {:ok, Enum.filter(result.events, &(&1.subject == name))}

  test "what others hold differently is told of once for each member and start", context do
    {_network, [a, _b], _nodes} = cluster(context, 2)
    conflict = %{peer: "n2@sim", node: "n9@sim", incarnation: 7, from: 1, to: 5, cloned: false}
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(a)

    log =
      capture_log(fn ->
        told = Conflicts.tell(scope, [conflict, conflict], MapSet.new())
        Conflicts.tell(scope, [%{conflict | from: 6, to: 9}], told)
      end)

    assert [_before, _after] = String.split(log, "n2@sim has other events 1 to 5 of n9@sim")
    refute log =~ "6 to 9"
    {:ok, events} = Scope.events(scope: a, kinds: [:mark], nodes: [:n1@sim])
    assert [%{subject: :conflict, data: %{peer: "n2@sim", from: 1, to: 5}}] = events
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
