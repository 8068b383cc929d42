defmodule ElixirScope.Distributed.Query.FanoutTest do
  # Whoever is asked answers as one store would that had the events of all: what is known of all stores
  # together, in one list, is the oracle. SCOPE_SEED repeats a run.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 2]
  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Virtual

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, EventSynchronizer}
  alias ElixirScope.Distributed.Query.Cursor
  alias ElixirScope.Distributed.Transports.Isolated

  @moduletag :capture_log
  @runs if System.get_env("SCOPE_LONG"), do: 1_000, else: 60
  @texts ["alpha", "beta", "gamma"]
  @modes [:full, {:collectors, 1}, {:collectors, [:n3@sim]}, :on_demand]

  defp record(scopes, count) do
    for n <- 1..count do
      text = Enum.at(@texts, rem(n * 7, 3))
      name = if rem(n, 5) == 0, do: :rare, else: :often
      Scope.record(name, {n, text}, scope: Enum.at(scopes, rem(n * n, length(scopes))))
    end
  end

  # A question, as options of ours and as a function of the list of all events.
  defp question(nodes) do
    map(
      tuple([
        one_of([constant([]), list(one_of(Enum.map(nodes, &constant/1)))]),
        one_of(Enum.map([nil | @texts], &constant/1)),
        one_of([constant(nil), integer(0..100)]),
        one_of([constant(nil), integer(0..100)]),
        one_of([constant(nil), constant(nil), integer(0..100)]),
        one_of([integer(1..40), constant(10_000)]),
        one_of([constant(:asc), constant(:desc)])
      ]),
      fn {nodes, text, from, to, behind, limit, order} ->
        %{nodes: Enum.uniq(nodes), contains: text, from: from, to: to, after: behind}
        |> Map.merge(%{limit: limit, order: order})
      end
    )
  end

  # Percents become the stamps that stand there.
  defp options(question, all) do
    at = fn percent -> percent && Enum.at(all, div(percent * (length(all) - 1), 100)) end
    stamp = fn percent -> with %Event{at: at} <- at.(percent), do: at end

    question
    |> Map.update!(:from, stamp)
    |> Map.update!(:to, stamp)
    |> Map.update!(:after, at)
    |> Map.put(:kinds, [:mark])
    |> Enum.to_list()
  end

  defp expected(all, options) do
    moment = fn {logical, ns, _node} -> {ns, logical} end
    behind = options[:after] && place(options[:after])
    all = if options[:order] == :desc, do: Enum.reverse(all), else: all

    further = fn event ->
      if options[:order] == :desc, do: place(event) < behind, else: place(event) > behind
    end

    Enum.filter(all, fn event ->
      (options[:nodes] == [] or event.node in options[:nodes]) and
        (options[:contains] == nil or elem(event.data, 1) =~ options[:contains]) and
        (options[:from] == nil or moment.(event.at) >= moment.(options[:from])) and
        (options[:to] == nil or moment.(event.at) <= moment.(options[:to])) and
        (behind == nil or further.(event))
    end)
  end

  defp assert_same(scope, options, all, missing) do
    found = expected(all, options)
    assert {:ok, result} = Scope.query(options, scope: scope)
    assert result.missing == missing

    assert Enum.map(result.events, & &1.id) ==
             found |> Enum.take(options[:limit]) |> Enum.map(& &1.id)

    assert result.more? == length(found) > options[:limit]
    assert {result.dropped, result.expired} == {0, 0}
    last = List.last(result.events)
    assert result.cursor == if(last, do: Cursor.of(last), else: Cursor.read(options[:after]))
  end

  for mode <- @modes do
    test "every node answers as one store of all events would: #{inspect(mode)}", context do
      {_network, scopes, nodes} = cluster(context.test, 3, sync: unquote(Macro.escape(mode)))
      record(scopes, 200)
      all = oracle(scopes, kinds: [:mark])
      assert length(all) == 200

      property(question(nodes), [runs: @runs], fn question ->
        options = options(question, all)
        for scope <- scopes, do: assert_same(scope, options, all, %{})
      end)
    end
  end

  test "a page after the other, and one stream, are the same as all at once", context do
    {_network, scopes, _nodes} = cluster(context.test, 3, sync: :on_demand)
    record(scopes, 200)
    all = Enum.map(oracle(scopes, kinds: [:mark]), & &1.id)

    property(
      tuple([integer(1..60), one_of([constant(:asc), constant(:desc)])]),
      [runs: 10],
      fn {limit, order} ->
        ids = if order == :desc, do: Enum.reverse(all), else: all
        assert pages(scopes, [kinds: [:mark], limit: limit, order: order], nil, []) == ids
        assert streams(scopes, [kinds: [:mark], order: order], limit) == ids
      end
    )
  end

  test "who goes on behind what came last misses nothing of what is recorded meanwhile",
       context do
    {_network, scopes, _nodes} = cluster(context.test, 3, sync: :on_demand)
    recorders = for scope <- scopes, do: Task.async(fn -> record([scope], 2_000) end)
    ids = tail(scopes, nil, [], 6_000)
    Task.await_many(recorders, 60_000)
    assert ids == Enum.map(oracle(scopes, kinds: [:mark]), & &1.id)
  end

  # Streams from one node after the other, each behind what the one before ended with.
  defp tail([scope | others], last, found, wanted) when length(found) < wanted do
    events = Enum.to_list(Scope.stream(kinds: [:mark], scope: scope, after: last))
    assert Enum.all?(events, &(&1.id != nil))
    found = found ++ Enum.map(events, & &1.id)
    tail(others ++ [scope], List.last(events) || last, found, wanted)
  end

  defp tail(_scopes, _last, found, _wanted), do: found

  # Each page is asked of another node than the one before.
  defp pages([scope | others], options, cursor, found) do
    {:ok, result} = Scope.query(options, scope: scope, after: cursor)
    found = found ++ Enum.map(result.events, & &1.id)
    if result.more?, do: pages(others ++ [scope], options, result.cursor, found), else: found
  end

  # Each part is streamed from another node, behind the last event.
  defp streams(scopes, options, number, last \\ nil) do
    part = Enum.take(Scope.stream([scope: hd(scopes), after: last] ++ options), number)
    ids = Enum.map(part, & &1.id)
    others = tl(scopes) ++ [hd(scopes)]

    if length(part) < number,
      do: ids,
      else: ids ++ streams(others, options, number, List.last(part))
  end

  test "loss, delay and a narrow way only take time", context do
    faults = [loss: 0.2, latency_ms: 0..5, capacity: 2]
    {_network, scopes, nodes} = cluster(context.test, 3, [sync: :on_demand], faults)
    record(scopes, 100)
    all = oracle(scopes, kinds: [:mark])

    property(question(nodes), [runs: 10], fn question ->
      options = [timeout_ms: 30_000] ++ options(question, all)
      assert_same(Enum.random(scopes), options, all, %{})
    end)
  end

  test "while members are cut off, each side tells what it has, and who is missing", context do
    {network, scopes, nodes} = cluster(context.test, 4, sync: {:collectors, 1})
    record(scopes, 200)
    for scope <- scopes, do: {:ok, _} = EventSynchronizer.sync_with_cluster(scope)

    property(integer(1..3), [runs: 3], fn number ->
      {left, right} = Enum.split(Enum.zip(scopes, nodes), number)
      sides = [Enum.unzip(left), Enum.unzip(right)]
      Isolated.Network.partition(network, Enum.map(sides, &elem(&1, 1)))
      for {scopes, nodes} <- sides, scope <- scopes, do: together(scope, nodes)
      for {scopes, mine} <- sides, do: assert_side(scopes, mine, nodes)
      Isolated.Network.heal(network)
      for scope <- scopes, do: together(scope, nodes)
      all = oracle(scopes, kinds: [:mark])
      for scope <- scopes, do: assert_same(scope, all_marks(), all, %{})
    end)
  end

  defp all_marks, do: [kinds: [:mark], limit: 10_000, nodes: [], contains: nil, order: :asc]

  defp assert_side(scopes, mine, nodes) do
    record(scopes, 10)
    all = oracle(scopes, kinds: [:mark])
    missing = for node <- nodes -- mine, into: %{}, do: {node, {:node_unavailable, node}}

    for scope <- scopes do
      options = Keyword.put(all_marks(), :contains, "a")
      assert_same(scope, options, all, missing)
      assert_same(scope, [nodes: mine] ++ Keyword.delete(options, :nodes), all, %{})

      gaps =
        for %{id: nil} = gap <- Scope.stream(kinds: [:mark], scope: scope),
            do: {gap.node, gap.data}

      assert Map.new(gaps, fn {node, %{missing: reason}} -> {node, reason} end) == missing
    end
  end

  test "what all members have to give at once is asked of all, and not only of one", context do
    {_network, [a, b, c], [_na, nb, nc]} = cluster(context.test, 3, sync: :full)
    for n <- 1..100, do: Scope.record(:n, n, scope: b)
    eventually(fn -> assert length(held(c, kinds: [:mark])) == 100 end, within: 30_000)
    stop_supervised!(b)
    together(c, [:n1@sim, nc])
    together(a, [:n1@sim, nc])
    assert {:ok, result} = Scope.query([kinds: [:mark]], scope: a)
    assert {length(result.events), result.missing} == {100, %{nb => {:node_unavailable, nb}}}
    assert {:error, %{reason: :nodes_missing}} = Scope.query([], scope: a, require: :all)
  end

  test "a member that does not allow questions is missing, and what others have of it is not",
       context do
    more = fn node ->
      [sync: {:collectors, [:n3@sim]}] ++ if(node == :n2@sim, do: [allow: [:record]], else: [])
    end

    {_network, [a, b, c], [_na, nb, _nc]} = cluster(context.test, 3, more)
    Scope.record(:n, 1, scope: b)
    eventually(fn -> assert [_] = held(c, kinds: [:mark]) end, within: 30_000)
    Scope.record(:n, 2, scope: c)
    assert {:ok, result} = Scope.query([kinds: [:mark]], scope: a)
    assert Enum.map(result.events, & &1.data) == [1, 2]
    assert result.missing == %{nb => {:distributed_exit, :not_allowed}}
    # It may ask others.
    assert {:ok, %{missing: missing, events: [_, _]}} = Scope.query([kinds: [:mark]], scope: b)
    assert missing == %{}
  end

  test "who stops while it is read is replaced by who has the same", context do
    {_network, [a, b, c], [_na, nb, _nc]} =
      cluster(context.test, 3, sync: {:collectors, [:n3@sim]}, sync_bytes_per_s: 64 * 1024 * 1024)

    for n <- 1..30_000, do: Scope.record(:n, {n, :rand.bytes(100)}, scope: b)
    eventually(fn -> assert length(held(c, kinds: [:mark])) == 30_000 end, within: 30_000)
    numbers = for event <- stopping(a, b), event.id != nil, do: elem(event.data, 0)
    assert numbers == Enum.to_list(1..30_000)
    assert {:ok, %{missing: %{^nb => _}}} = Scope.query([limit: 1], scope: a)
  end

  test "who stops while it is read, and alone had it, is a gap in the stream", context do
    {_network, [a, b, _c], [_na, nb, _nc]} = cluster(context.test, 3, sync: :on_demand)
    for n <- 1..30_000, do: Scope.record(:n, {n, :rand.bytes(100)}, scope: b)
    events = stopping(a, b)

    assert [%{kind: :gap, node: ^nb, data: %{missing: {:node_unavailable, ^nb}}} = gap] =
             for(%{id: nil} = event <- events, do: event)

    numbers = for event <- events, event.id != nil, do: elem(event.data, 0)
    assert numbers == Enum.to_list(1..length(numbers)//1)
    assert length(numbers) < 30_000
    # It says where it went missing.
    {before, _behind} = Enum.split_while(events, &(&1.id != nil))
    assert gap.meta.cursor == Cursor.of(List.last(before))
  end

  # A member stops when the first thousand of its events have been taken.
  defp stopping(scope, stopped) do
    Scope.stream(kinds: [:mark], scope: scope)
    |> Stream.with_index()
    |> Enum.map(fn {event, n} ->
      if n == 1_000, do: stop_supervised!(stopped)
      event
    end)
  end

  test "a deadline is one of each node", context do
    {network, [a, b, c], [na, nb, nc]} =
      cluster(context.test, 3, [sync: :on_demand], detect_ms: 60_000)

    for scope <- [a, b, c], do: Scope.record(:n, 1, scope: scope)
    Isolated.Network.partition(network, [[na, nc], [nb]])
    assert {:ok, result} = Scope.query([kinds: [:mark]], scope: a, timeout_ms: 200)
    assert result.missing[nb] in [:distributed_timeout, {:node_unavailable, nb}]
    assert {length(result.events), map_size(result.missing)} == {2, 1}
    assert [%{kind: :gap, node: ^nb} | _] = Enum.to_list(Scope.stream(scope: a, timeout_ms: 200))
  end

  test "the nodes that a correlation touched are counted over everything", context do
    {_network, [a, b, c], [na, nb, _nc]} = cluster(context.test, 3, sync: :on_demand)
    for n <- 1..11_000, do: Scope.record(:n, n, scope: b, correlation_id: "r")
    Scope.record(:n, 1, scope: a, correlation_id: "r")
    Scope.record(:n, 1, scope: c, correlation_id: "other")

    assert {:ok, [%{node: ^nb, events: 11_000} = of_b, %{node: ^na, events: 1}]} =
             Scope.nodes_of("r", c)

    assert Scope.GlobalClock.compare(of_b.first, of_b.last) == :lt
  end
end
