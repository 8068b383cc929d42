defmodule ElixirScope.Distributed.Live.NodesTest do
  # Subscriptions on real nodes that record all the time.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{GlobalClock, Live, NodeCoordinator}
  alias ElixirScope.Distributed.Query.Host

  # Rounds of this many milliseconds.
  @round_ms 10

  defp nodes(number, options \\ []) do
    nodes = start_nodes(number, options)
    joined(nodes)
    nodes
  end

  defp joined(nodes) do
    for node <- nodes do
      eventually(
        fn ->
          assert on(node, NodeCoordinator, :get_cluster_nodes, []) == {:ok, Enum.sort(nodes)}
        end,
        within: 20_000
      )
    end
  end

  # A process on a node that subscribes, and remembers what it saw: `{events, dropped, missing}`.
  defp listen(node, options) do
    on(node, fn ->
      test = self()
      pid = spawn(fn -> listening(test, options) end)
      Process.register(pid, :listener)
      receive do: (:subscribed -> :ok)
    end)
  end

  defp listening(test, options) do
    {:ok, ref} = Scope.subscribe(options)
    send(test, :subscribed)
    hear(ref, [], 0, [])
  end

  defp hear(ref, events, dropped, missing) do
    receive do
      {:elixir_scope, ^ref, more, about} ->
        hear(ref, [more | events], dropped + about.dropped, about.missing)

      {:tell, from} ->
        send(
          from,
          {:heard, events |> Enum.reverse() |> Enum.concat() |> brief(), dropped, missing}
        )

        hear(ref, events, dropped, missing)
    end
  end

  defp brief(events),
    do: for(e <- events, do: {e.kind, e.at, e.id, Map.has_key?(e.meta, :late), e.data})

  defp heard(node) do
    on(node, fn ->
      send(:listener, {:tell, self()})
      receive do: ({:heard, events, dropped, missing} -> {events, dropped, missing})
    end)
  end

  # A process on a node that records `count` events in each round, until told to stop; then how many.
  defp record(nodes, tag, count) do
    for node <- nodes,
        do: on(node, fn -> Process.register(spawn(fn -> recording(tag, count, 0) end), tag) end)
  end

  defp recording(tag, count, done) do
    for n <- (done + 1)..(done + count), do: Scope.record(tag, {node(), tag, n})

    receive do
      {:stop, from} -> send(from, {:recorded, done + count})
    after
      @round_ms -> recording(tag, count, done + count)
    end
  end

  defp recorded(node, tag) do
    on(node, fn ->
      send(tag, {:stop, self()})
      receive do: ({:recorded, count} -> count)
    end)
  end

  defp numbers(events, node, tag), do: for({:mark, _, _, _, {^node, ^tag, n}} <- events, do: n)

  # The first of those that did not come, or came twice.
  defp missed(events, node, tag, count) do
    came = numbers(events, node, tag)
    Enum.take((Enum.to_list(1..count) -- came) ++ (came -- Enum.uniq(came)), 5)
  end

  defp in_order(events) do
    places = for {:mark, at, id, false, _data} <- events, do: {at, id}
    assert places == Enum.sort(places, &earlier?/2)
    ids = for {:mark, _at, id, _late, _data} <- events, do: id
    assert ids == Enum.uniq(ids)
  end

  defp earlier?({at, id}, {other, other_id}) do
    case GlobalClock.compare(at, other) do
      :eq -> id <= other_id
      order -> order == :lt
    end
  end

  defp pass(seconds) do
    until = System.monotonic_time(:second) + seconds
    eventually(fn -> assert System.monotonic_time(:second) >= until end, within: 60_000)
  end

  test "ten thousand events a second of three nodes, all of them, in order, each once" do
    [a | _] = all = nodes(3)
    :ok = listen(a, kinds: [:mark])
    record(all, :load, 34)
    pass(5)
    counts = for node <- all, do: {node, recorded(node, :load)}
    sum = Enum.sum(for {_node, count} <- counts, do: count)

    eventually(
      fn ->
        assert {events, dropped, _missing} = heard(a)
        assert length(events) + dropped == sum
      end,
      within: 20_000
    )

    {events, dropped, _missing} = heard(a)
    in_order(events)

    if dropped == 0 do
      for {node, count} <- counts,
          do: assert(Enum.sort(numbers(events, node, :load)) == Enum.to_list(1..count))
    end
  end

  test "one is frozen, one is killed and starts again, and what the others record is all there" do
    [a, b, c] = all = nodes(3, net_ticktime: 4)
    :ok = listen(a, kinds: [:mark, :gap], lateness_ms: 500)
    record(all, :first, 5)
    pass(2)
    freeze(b)
    eventually(fn -> assert {_events, _dropped, [^b]} = heard(a) end, within: 20_000)
    pass(1)
    thaw(b)
    connect(all)
    eventually(fn -> assert {_events, _dropped, []} = heard(a) end, within: 30_000)
    kill(c)
    eventually(fn -> assert {_events, _dropped, [^c]} = heard(a) end, within: 20_000)
    restart(c)
    record([c], :second, 5)
    connect(all)
    eventually(fn -> assert {_events, _dropped, []} = heard(a) end, within: 30_000)
    pass(1)
    counts = [{a, :first}, {b, :first}, {c, :second}]
    counts = for {node, tag} <- counts, do: {node, tag, recorded(node, tag)}

    eventually(
      fn ->
        assert {events, _dropped, _missing} = heard(a)

        for {node, tag, count} <- counts,
            do: assert({node, tag, missed(events, node, tag, count)} == {node, tag, []})
      end,
      within: 30_000
    )

    assert {events, 0, _missing} = heard(a)
    in_order(events)
    # Of the one that was killed: from the first on, and not one is left out before the last.
    last = numbers(events, c, :first)
    assert Enum.sort(last) == Enum.to_list(1..length(last))

    assert [_gap] = for({:gap, {_, _, ^c}, nil, _, %{restarted: _} = data} <- events, do: data)
  end

  test "who does not look loses events, and its queue stays short" do
    [a, b] = all = nodes(2)

    on(a, fn ->
      test = self()

      slow =
        spawn(fn ->
          {:ok, ref} = Scope.subscribe(kinds: [:mark], queue_limit: 10)
          send(test, :subscribed)
          receive do: (:look -> hear(ref, [], 0, []))
        end)

      Process.register(slow, :listener)
      receive do: (:subscribed -> :ok)
    end)

    record(all, :load, 20)

    for _ <- 1..5 do
      pass(1)

      assert on(a, fn -> Process.info(Process.whereis(:listener), :message_queue_len) end) <=
               {:message_queue_len, 11}
    end

    sum = recorded(a, :load) + recorded(b, :load)
    on(a, fn -> send(:listener, :look) end)

    eventually(fn ->
      assert {events, dropped, _missing} = heard(a)
      assert length(events) + dropped == sum
      assert dropped > 0 and events != []
    end)
  end

  test "with its process, or its node, nothing of it is left anywhere" do
    [a, b, c] = all = nodes(3)
    :ok = listen(a, kinds: [:mark])
    for node <- [b, c], do: eventually(fn -> assert bounds(node).held == 1 end)
    on(a, fn -> Process.exit(Process.whereis(:listener), :kill) end)
    eventually(fn -> assert on(a, fn -> Live.status(Scope).subscriptions end) == [] end)

    for node <- all,
        do: eventually(fn -> assert %{held: 0, asked: 0, waiting: 0} = bounds(node) end)

    :ok = listen(a, kinds: [:mark])
    for node <- [b, c], do: eventually(fn -> assert bounds(node).held == 1 end)
    kill(a)
    for node <- [b, c], do: eventually(fn -> assert bounds(node).held == 0 end, within: 20_000)
  end

  defp bounds(node), do: on(node, Host, :bounds, [Scope])
end
