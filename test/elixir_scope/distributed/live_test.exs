defmodule ElixirScope.Distributed.LiveTest do
  # Virtual nodes of one VM: the same code as on real ones, over a simulated network.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, GlobalClock, Live, NodeCoordinator}
  alias ElixirScope.Distributed.Query.{Host, Page}
  alias ElixirScope.Distributed.Transports.Isolated

  @moduletag capture_log: true

  defp cluster(context, number, faults \\ [], more \\ []) do
    network = start_supervised!({Isolated.Network, [seed: 7] ++ faults})
    nodes = for n <- 1..number, do: node_name(n)
    more = if is_function(more), do: more, else: fn _node -> more end
    scopes = for node <- nodes, do: member(context, network, node, more.(node))
    joined(scopes, nodes)
    {network, scopes, nodes}
  end

  defp node_name(n), do: :"n#{n}@sim"
  defp scope_name(context, node), do: :"#{context.test} #{node}"

  defp member(context, network, node, more \\ []) do
    transport = {Isolated, network: network, scope: context.test}
    name = scope_name(context, node)
    options = [name: name, node: node, transport: transport, sync_interval_ms: 200] ++ more
    start_supervised!({Scope, options}, id: name)
    name
  end

  defp joined([first | _] = scopes, nodes) do
    :ok = NodeCoordinator.setup_cluster(nodes -- [node_name(1)], first)

    for scope <- scopes do
      eventually(fn -> assert {:ok, ^nodes} = NodeCoordinator.get_cluster_nodes(scope) end,
        within: 20_000
      )
    end
  end

  # What comes until `done?` holds of the events so far: `{events, dropped, messages}`.
  defp follow(ref, done?, so_far \\ {[], 0, []}) do
    {events, dropped, messages} = so_far

    if done?.(events) do
      so_far
    else
      assert_receive {:elixir_scope, ^ref, more, about}, 20_000
      assert length(more) <= 1_000
      follow(ref, done?, {events ++ more, dropped + about.dropped, [about | messages]})
    end
  end

  defp count(number), do: &(length(&1) >= number)
  defp data(events), do: Enum.map(events, & &1.data)

  defp in_order(events) do
    in_time = Enum.reject(events, &Map.has_key?(&1.meta, :late))
    assert in_time == Enum.sort_by(in_time, &{&1.at, &1.id}, &earlier?/2)
  end

  defp earlier?({at, id}, {other, other_id}) do
    case GlobalClock.compare(at, other) do
      :eq -> id <= other_id
      order -> order == :lt
    end
  end

  test "the events of all members, in order, each once", context do
    {_network, [a | _] = scopes, nodes} = cluster(context, 3)
    Scope.record(:before, 0, scope: a)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark])
    for n <- 1..300, do: Scope.record(:n, n, scope: Enum.at(scopes, rem(n, 3)))
    {events, 0, _messages} = follow(ref, count(300))
    assert Enum.sort(data(events)) == Enum.to_list(1..300)
    assert events |> Enum.map(& &1.node) |> Enum.uniq() |> Enum.sort() == nodes
    in_order(events)
    refute_receive {:elixir_scope, ^ref, _events, _about}, 200
  end

  test "only what is asked for", context do
    {_network, [a, b], [_na, nb]} = cluster(context, 2)
    {:ok, ref} = Scope.subscribe(scope: a, nodes: [nb], contains: "needle")
    {:ok, other} = Scope.subscribe(scope: a, correlation_id: "r-17")
    for scope <- [a, b], text <- ["hay", "needle"], do: Scope.record(:n, text, scope: scope)
    Scope.record(:n, "hay", scope: b, correlation_id: "r-17")
    assert {[%{node: ^nb, data: "needle"}], 0, _} = follow(ref, count(1))
    assert {[%{node: ^nb, data: "hay", correlation_id: "r-17"}], 0, _} = follow(other, count(1))
    refute_receive {:elixir_scope, _ref, _events, _about}, 200
  end

  test "correlation ids are what their users call them", context do
    {_network, [a, b], _nodes} = cluster(context, 2)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark])
    id = {:order, 17, "of many"}
    Scope.with_correlation(id, fn -> for n <- 1..3, do: Scope.record(:n, n, scope: b) end)
    {events, 0, _} = follow(ref, &(Enum.count(&1, fn e -> e.subject == :n end) == 3))
    marks = for %{subject: :n} = event <- events, do: event.correlation_id
    # Its first event may stand on another scope of this VM, as all of them are here.
    assert Enum.all?(marks, &(&1 == id or match?(<<_::128>>, &1)))
  end

  test "loss and delay only take time", context do
    {_network, [a, b, c], _nodes} = cluster(context, 3, loss: 0.1, latency_ms: 0..20)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark], lateness_ms: 300)
    for n <- 1..500, do: Scope.record(:n, n, scope: Enum.at([b, c], rem(n, 2)))
    {events, 0, _} = follow(ref, count(500))
    assert Enum.sort(data(events)) == Enum.to_list(1..500)
    in_order(events)
  end

  test "who is cut off is missing, and followed on where it was left", context do
    {network, [a, b, c], [na, nb, nc]} = cluster(context, 3)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark], lateness_ms: 200)
    Scope.record(:n, 1, scope: b)
    {[_first], 0, _} = follow(ref, count(1))
    Isolated.Network.partition(network, [[na, nc], [nb]])

    eventually(fn ->
      Scope.record(:tick, 0, scope: c)
      assert_receive {:elixir_scope, ^ref, _events, %{missing: [^nb]}}, 1_000
    end)

    for n <- 2..50, do: Scope.record(:n, n, scope: b)
    Isolated.Network.heal(network)
    of_b = &Enum.count(&1, fn event -> event.subject == :n end)
    {events, 0, messages} = follow(ref, &(of_b.(&1) == 49))
    assert Enum.sort(for %{subject: :n, data: n} <- events, do: n) == Enum.to_list(2..50)
    in_order(events)

    eventually(fn ->
      Scope.record(:tick, 0, scope: c)

      assert hd(messages).missing == [] or
               match?({_, _, [%{missing: []} | _]}, follow(ref, count(1)))
    end)
  end

  test "of what it no longer has when it is back, a gap tells", context do
    small = fn node ->
      if node == node_name(2), do: [retention_bytes: 40_000, flush_ms: 10], else: []
    end

    {network, [a, b], [na, nb]} = cluster(context, 2, [], small)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark])
    Scope.record(:n, 0, scope: b)
    {[%{id: {_, seq}}], 0, _} = follow(ref, count(1))
    Isolated.Network.partition(network, [[na], [nb]])
    eventually(fn -> assert {:ok, [^na]} = NodeCoordinator.get_cluster_nodes(a) end)

    for n <- 1..40, do: eventually(fn -> assert fill(b, n) end)

    eventually(fn ->
      assert {:ok, %{store: %{expired: gone, open_events: 0}}} = Scope.status(b)
      assert gone > 1_000
    end)

    Isolated.Network.heal(network)
    Scope.record(:n, :last, scope: b)
    {events, 0, _} = follow(ref, fn events -> :last in data(events) end)
    assert [%{kind: :gap, id: nil, node: ^nb, data: %{expired: gone, from: from}} | rest] = events
    assert from == seq + 1
    # What is still there follows, and not one of it is left out.
    numbers = for %{kind: :mark, id: {_origin, seq}} <- rest, do: seq
    assert numbers == Enum.to_list(hd(numbers)..List.last(numbers))
    assert gone == hd(numbers) - from
    in_order(rest)
  end

  # Text that nothing can compress, no faster than it is stored.
  defp fill(scope, round) do
    for k <- 1..100, do: Scope.record(:n, {round, k, :rand.bytes(60)}, scope: scope)
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(scope)
    Page.head(scope.store)
  end

  test "a member that joins later is followed from then on", context do
    {network, [a], [na]} = cluster(context, 1)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark])
    b = member(context, network, node_name(2))
    joined([a, b], [na, node_name(2)])
    # It may have joined before it was asked from when on.
    eventually(fn ->
      Scope.record(:n, :there, scope: b)
      assert_receive {:elixir_scope, ^ref, [%{data: :there} | _], _about}, 500
    end)
  end

  test "one that began anew is followed from its beginning, behind a gap", context do
    {network, [a, b], [na, nb]} = cluster(context, 2)
    {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark])
    Scope.record(:n, 1, scope: b)
    {[%{id: {{^nb, first}, _}}], 0, _} = follow(ref, count(1))
    :ok = stop_supervised(b)
    ^b = member(context, network, nb)
    Scope.record(:n, 2, scope: b)
    joined([a, b], [na, nb])
    {events, 0, _} = follow(ref, &(2 in data(&1)))
    assert %{node: ^nb, data: %{restarted: ^first}} = Enum.find(events, &(&1.kind == :gap))
    assert [%{id: {{^nb, second}, _}}] = for(%{kind: :mark} = event <- events, do: event)
    assert second > first
  end

  describe "who subscribes" do
    test "and does not look at its messages, loses events, counted, and no memory", context do
      {_network, [a, b], _nodes} = cluster(context, 2)
      test = self()

      slow =
        spawn_link(fn ->
          {:ok, ref} = Scope.subscribe(scope: a, kinds: [:mark], queue_limit: 5, lateness_ms: 100)
          send(test, {:ref, ref})
          receive do: (:look -> :ok)
          send(test, {:seen, see(ref, 0, 0)})
        end)

      assert_receive {:ref, _ref}, 5_000

      # More than ten messages' worth, in time.
      for n <- 1..40 do
        for k <- 1..50, do: Scope.record(:n, {n, k}, scope: Enum.at([a, b], rem(k, 2)))
        eventually(fn -> assert waiting(slow) <= 6 end)
        refute_receive :never, 30
      end

      eventually(fn -> assert Live.status(a).dropped > 0 end)
      assert waiting(slow) <= 6
      assert {:ok, %{lost: %{subscriptions: lost}}} = Scope.status(a)
      assert lost > 0
      send(slow, :look)
      assert_receive {:seen, {shown, dropped}}, 20_000
      assert shown + dropped == 2_000
      assert dropped > 0
    end

    defp waiting(pid), do: pid |> Process.info(:message_queue_len) |> elem(1)

    defp see(_ref, shown, dropped) when shown + dropped >= 2_000, do: {shown, dropped}

    defp see(ref, shown, dropped) do
      receive do
        {:elixir_scope, ^ref, events, about} ->
          see(ref, shown + length(events), dropped + about.dropped)
      after
        5_000 -> {shown, dropped}
      end
    end

    test "and ends, leaves nothing anywhere", context do
      {_network, scopes, _nodes} = cluster(context, 3)
      a = hd(scopes)

      pid =
        spawn(fn ->
          {:ok, _ref} = Scope.subscribe(scope: a)
          receive do: (:stop -> :ok)
        end)

      eventually(fn -> assert [%{subscriber: ^pid}] = Live.status(a).subscriptions end)
      eventually(fn -> assert Host.bounds(a).asked == 2 end)
      eventually(fn -> for(b <- tl(scopes), do: assert(Host.bounds(b).held == 1)) end)
      Process.exit(pid, :kill)
      eventually(fn -> assert Live.status(a).subscriptions == [] end)
      for scope <- scopes, do: eventually(fn -> assert_idle(scope) end)
    end

    defp assert_idle(scope),
      do: assert(%{held: 0, asked: 0, workers: 0, waiting: 0} = Host.bounds(scope))

    test "and unsubscribes, hears no more", context do
      {_network, [a], _nodes} = cluster(context, 1)
      {:ok, ref} = Scope.subscribe(scope: a)
      Scope.record(:n, 1, scope: a)
      eventually(fn -> assert waiting(self()) > 0 end)
      assert :ok = Scope.unsubscribe(ref)
      Scope.record(:n, 2, scope: a)
      refute_receive {:elixir_scope, ^ref, _events, _about}, 200
      refute_receive {:DOWN, ^ref, :process, _pid, _reason}, 1
      assert {:error, %Error{reason: :no_subscription} = error} = Scope.unsubscribe(ref)
      assert Exception.message(error) =~ "no such subscription"
    end

    test "is told when the scope ends", context do
      {_network, [a], _nodes} = cluster(context, 1)
      {:ok, ref} = Scope.subscribe(scope: a)
      :ok = stop_supervised(a)
      assert_receive {:DOWN, ^ref, :process, _pid, _reason}, 5_000
    end

    test "is one of a bounded number", context do
      {_network, [a], _nodes} = cluster(context, 1)
      refs = for _ <- 1..64, do: elem(Scope.subscribe(scope: a, kinds: [:mark]), 1)
      assert {:error, %Error{reason: :too_many_subscriptions} = error} = Scope.subscribe(scope: a)
      assert Exception.message(error) =~ "64"
      assert {:ok, %{bounds: %{subscriptions: bound}}} = Scope.status(a)
      assert %{limit: 64, used: 64} = bound
      for ref <- refs, do: :ok = Scope.unsubscribe(ref)
      assert {:ok, _ref} = Scope.subscribe(scope: a)
    end

    test "asks for what there is", context do
      {_network, [a], _nodes} = cluster(context, 1)

      for {wrong, text} <- [
            {[limit: 3], "unknown option :limit"},
            {[order: :desc], "unknown option :order"},
            {[kinds: [:nothing]], "kinds"},
            {[lateness_ms: -1], "lateness_ms"},
            {[queue_limit: 0], "queue_limit"},
            {%{contains: 1}, "contains"},
            {:all, "keyword list"},
            {[modules: List.duplicate(:m, 1_001)], "too much to ask for"}
          ] do
        wrong = if is_list(wrong), do: [scope: a] ++ wrong, else: wrong
        assert {:error, %Error{reason: :bad_filter} = error} = Scope.subscribe(wrong)
        assert Exception.message(error) =~ text
      end

      assert {:error, %Error{reason: :not_running}} = Scope.subscribe(scope: :nobody)
      assert {:ok, ref} = Scope.subscribe(%{scope: a, kinds: [:function]})
      assert_raise FunctionClauseError, fn -> apply(Scope, :unsubscribe, [:all]) end
      :ok = Scope.unsubscribe(ref)
    end
  end

  test "without a subscription nobody asks anybody", context do
    {_network, scopes, _nodes} = cluster(context, 2)
    for scope <- scopes, n <- 1..10, do: Scope.record(:n, n, scope: scope)
    refute_receive :never, 300
    for scope <- scopes, do: assert(%{answered: 0, asked: 0} = Host.bounds(scope))
  end
end
