defmodule ElixirScope.Distributed.Query.PairsTest do
  # Messages between real nodes, and what the events of both ends say of each other. Of each
  # node one process is traced: the server, which also does what it is told.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, Export, NodeCoordinator, OtherOtp}
  alias ElixirScope.Distributed.Query.{Find, Pairs, Survey}
  alias ElixirScope.Distributed.Scope, as: Instance

  @behaviour GenServer

  @server PairsShop

  # A busy machine is another test's.
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  @impl GenServer
  def init(nil), do: {:ok, nil}

  @impl GenServer
  def handle_call({:run, fun}, _from, state), do: {:reply, fun.(), state}
  def handle_call({:order, item}, _from, state), do: {:reply, {:ordered, item}, state}

  @impl GenServer
  def handle_cast(_message, state), do: {:noreply, state}

  @impl GenServer
  def handle_info(_message, state), do: {:noreply, state}

  defp shops(names) do
    nodes = start_nodes(names)
    together(nodes)
    nodes
  end

  defp together([a | others] = nodes) do
    :ok = on(a, NodeCoordinator, :setup_cluster, [others])
    for node <- nodes, do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end)

    for node <- nodes,
        do: on(node, fn -> {:ok, _} = GenServer.start(__MODULE__, nil, name: @server) end)

    trace(a)
  end

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node, options \\ []) do
    options = Keyword.merge([processes: [@server], messages: true, health: @calm], options)

    {:ok, %{refused: refused}} =
      on(node, fn ->
        asking = self()

        spawn(fn ->
          send(asking, {:trace, Scope.trace([], options)})
          receive do: (:never -> :ok)
        end)

        receive do: ({:trace, result} -> result)
      end)

    assert refused == %{}
  end

  # What `fun` returns in the server of that node; it has handled everything it was sent before.
  defp run(node, fun), do: on(node, fn -> GenServer.call(@server, {:run, fun}) end)

  defp settle(nodes), do: for(node <- nodes, do: run(node, fn -> :ok end))

  # The events whose message `wanted` knows, by what it makes of it: the sends and the receives.
  defp events(node, wanted) do
    {:ok, events} = on(node, fn -> Scope.events(kinds: [:message]) end)

    for event <- events, key = wanted.(event.data), reduce: %{} do
      all -> Map.update(all, {key, event.kind}, [event], &(&1 ++ [event]))
    end
  end

  # Each message of which there is one is a pair of that kind, and nothing else is.
  defp assert_pairs(events, keys, how) do
    assert Enum.sort(Map.keys(events)) ==
             Enum.sort(for key <- keys, kind <- [:send, :receive], do: {key, kind})

    for key <- keys do
      [sent] = events[{key, :send}]
      [received] = events[{key, :receive}]

      assert {sent.meta.pairing, sent.meta.pair} == {how, received.id},
             inspect({key, sent, received})

      assert {received.meta.pairing, received.meta.pair} == {how, sent.id}
    end
  end

  defp ordered({:"$gen_call", _from, {:order, n}}), do: {:request, n}
  defp ordered({_ref, {:ordered, n}}), do: {:reply, n}
  defp ordered(_other), do: nil

  defp said({:say, what}), do: what
  defp said({:"$gen_cast", {:say, what}}), do: what
  defp said(_other), do: nil

  defp calls(from, to) do
    run(from, fn ->
      for n <- 1..5, do: GenServer.call({@server, to}, {:order, {to, :name, n}})
      pid = :erpc.call(to, Process, :whereis, [@server])
      for n <- 1..5, do: GenServer.call(pid, {:order, {to, :pid, n}})
    end)

    for way <- [:name, :pid], n <- 1..5, half <- [:request, :reply], do: {half, {to, way, n}}
  end

  test "every call and its reply are exact, within the answer and out of it" do
    [a, b] = shops([:a, :b])
    keys = calls(a, b)
    assert_pairs(events(b, &ordered/1), keys, :exact)

    # The other half need not be in the answer.
    {:ok, [send]} =
      on(a, fn -> Scope.events(kinds: [:send], contains: "ordered", nodes: [], limit: 1) end)

    assert %{pairing: :exact, pair: {{^a, _}, _}} = send.meta

    # Nor of the nodes that are asked about. Of one that does not answer something may be missing.
    {:ok, events} = on(a, fn -> Scope.events(kinds: [:message], nodes: [a]) end)
    assert for(%{meta: %{pairing: :exact}} = event <- events, do: event) != []
    freeze(b)
    {:ok, events} = on(a, fn -> Scope.events(kinds: [:message], nodes: [a], timeout_ms: 200) end)
    thaw(b)
    assert for(%{meta: %{pairing: :exact}} = event <- events, do: event) == []
  end

  test "casts are likely, also of maps whose keys come in another order elsewhere" do
    [a, b] = shops([:a, :b])
    maps = for n <- 1..3, do: Map.new(1..8, &{:"key_#{&1}", n})
    large = Map.new(1..40, &{:"key_#{&1}", &1})
    run(a, fn -> for what <- maps, do: GenServer.cast({@server, b}, {:say, what}) end)
    run(a, fn -> GenServer.cast({@server, b}, {:say, large}) end)
    settle([a, b])
    assert_pairs(events(a, &which(said(&1))), [1, 2, 3, :large], :likely)
  end

  # Of a map that was cut each side kept other keys.
  defp which(%{} = map) when map_size(map) > 8, do: :large
  defp which(%{key_1: n}), do: n
  defp which(_other), do: nil

  test "ten equal messages of one sender are likely, in their order" do
    [a, b] = shops([:a, :b])
    run(a, fn -> for _ <- 1..10, do: send({@server, b}, {:say, :same}) end)
    settle([b])
    %{{:same, :send} => sent, {:same, :receive} => received} = events(a, &said/1)
    assert length(sent) == 10

    assert for(event <- sent, do: {event.meta.pairing, event.meta.pair}) ==
             for(event <- received, do: {:likely, event.id})

    assert for(event <- received, do: event.meta.pair) == for(event <- sent, do: event.id)
  end

  test "names, names of nodes and aliases are receivers" do
    [a, b] = shops([:a, :b])
    here = run(a, fn -> {self(), :erlang.alias()} end)
    there = run(b, fn -> {self(), :erlang.alias()} end)

    run(a, fn ->
      for {where, {pid, name}} <- [here: here, there: there] do
        send(pid, {:say, {where, :pid}})
        send(name, {:say, {where, :alias}})
      end

      send(@server, {:say, {:here, :name}})
      send({@server, node()}, {:say, {:here, :node}})
      send({@server, b}, {:say, {:there, :node}})
    end)

    settle([a, b])
    here = for way <- [:pid, :alias, :name, :node], do: {:here, way}
    there = for way <- [:pid, :alias, :node], do: {:there, way}
    assert_pairs(events(b, &said/1), here ++ there, :likely)
  end

  test "a reference that is sent once is exact, one that is sent twice is not" do
    [a, b] = shops([:a, :b])

    run(a, fn ->
      send({@server, b}, {:say, {:once, make_ref()}})
      twice = {:say, {:twice, make_ref()}}
      for _ <- 1..2, do: send({@server, b}, twice)
    end)

    settle([b])
    events = events(a, &with({times, _ref} <- said(&1), do: times))
    assert_pairs(Map.take(events, [{:once, :send}, {:once, :receive}]), [:once], :exact)
    sent = events[{:twice, :send}]
    received = events[{:twice, :receive}]

    assert for(%{meta: meta} <- sent, do: {meta.pairing, meta.pair}) ==
             for(event <- received, do: {:likely, event.id})
  end

  test "what was never received has no pair, or leaves what is alike ambiguous" do
    [a, b] = shops([:a, :b])

    run(a, fn ->
      send({PairsNobody, b}, {:say, :alone})
      send({PairsNobody, b}, {:say, :alike})
      for _ <- 1..2, do: send({@server, b}, {:say, :alike})
    end)

    settle([b])
    events = events(a, &said/1)
    assert [%{meta: meta}] = events[{:alone, :send}]
    refute Map.has_key?(meta, :pairing)
    sent = for event <- events[{:alike, :send}], do: event.id
    received = for event <- events[{:alike, :receive}], do: event.id

    pairs =
      for {{:alike, _}, events} <- events, event <- events, into: %{}, do: {event.id, event.meta}

    [lost, one, other] = sent
    [first, second] = received
    assert %{pairing: :ambiguous, pair: [^lost, ^one]} = pairs[first]
    assert %{pairing: :ambiguous, pair: [^one, ^other]} = pairs[second]
    assert %{pairing: :ambiguous, pair: [^first]} = pairs[lost]
  end

  test "a task and its result are exact" do
    [a] = shops([:a])
    trace(a, processes: :new)
    assert run(a, fn -> Task.await(Task.async(fn -> {:say, :done} end)) end) == {:say, :done}
    settle([a])
    wanted = &with({ref, {:say, what}} when is_reference(ref) <- &1, do: what, else: (_ -> nil))
    assert_pairs(events(a, wanted), [:done], :exact)
  end

  test "an export says it, and what was captured without content has no pair" do
    [a, b] = shops([:a, :b])
    run(a, fn -> Enum.each([1], &GenServer.call({@server, b}, {:order, &1})) end)

    lines =
      on(a, fn ->
        {:ok, lines} = Export.json_lines(kinds: [:message], contains: "ordered")
        IO.iodata_to_binary(lines)
      end)

    assert [sent, received] = String.split(lines, "\n", trim: true)
    [_, id] = Regex.run(~r/^{"id":({[^}]*})/, received)
    assert sent =~ ~s("pairing":"exact","pair":#{id}}})
    assert received =~ ~s("pairing":"exact","pair":{"node":"#{b}")

    on(a, Scope, :stop_trace, [])
    trace(a, capture: :calls)
    run(a, fn -> for _ <- 1..3, do: GenServer.call({@server, b}, {:order, 2}) end)
    {:ok, events} = on(a, fn -> Scope.events(kinds: [:message]) end)
    bare = for %{data: nil} = event <- events, do: event
    assert length(bare) >= 12
    refute Enum.any?(bare, &Map.has_key?(&1.meta, :pairing))
  end

  test "where the bound cuts, or a node may have more, nothing is called exact" do
    [a, b] = shops([:a, :b])
    run(a, fn -> for n <- 1..20, do: GenServer.call({@server, b}, {:order, n}) end)

    found = fn options ->
      on(a, fn ->
        {:ok, scope} = Instance.fetch(Scope.Options.default_scope())
        {:ok, events} = Scope.events(kinds: [:message])
        times = for %Event{at: {_logical, ns, _node}} <- events, do: ns
        terms = %{unsure: options[:unsure] || [], clocks_ms: 500}
        {:ok, survey} = Survey.take(scope, [], [])
        source = &Find.each(survey, &1, &2)
        limit = options[:limit] || 1_000
        reading = Pairs.read(scope.store, Enum.min_max(times), terms, limit, source)
        Enum.frequencies(for {_id, {how, _}} <- Pairs.found(events, reading), do: how)
      end)
    end

    assert %{exact: 80} = found.([])
    assert %{likely: likely} = cut = found.(limit: 50)
    assert likely > 20 and not Map.has_key?(cut, :exact)
    assert %{likely: 80} = found.(unsure: [b])
    assert {:ok, %{pairing: limits}} = on(a, Scope, :status, [])
    assert limits == %{limit: 100_000, picture: 1_000_000, slack_ms: 5_000, candidates: 8}
  end

  test "of a node that lost events nothing is exact, of the others all that can be" do
    config = [elixir_scope_distributed: [ring_bytes: 4 * 1024 * 1024]]
    [a, b] = nodes = start_nodes([:a, :b], config: config)
    together(nodes)
    keys = calls(a, b)
    run(a, fn -> send(self(), {:say, {:once, make_ref()}}) end)
    settle([a])
    on(b, fn -> for n <- 1..300_000, do: Scope.record(:flood, n) end)
    assert on(b, fn -> elem(Scope.status(), 1).rings.lost end) > 0
    assert_pairs(events(b, &ordered/1), keys, :likely)
    assert_pairs(events(b, &with({times, _ref} <- said(&1), do: times)), [:once], :exact)
  end

  test "an answer without messages asks for nothing" do
    events = [%Event{kind: :mark, subject: :it}, %Event{kind: :call}]
    assert Pairs.show(events, :no_survey, :no_terms) == events
    assert Pairs.read(:no_survey, nil, :no_terms) == nil
  end

  @tag :other_otp
  test "calls between two versions of Erlang are exact, casts likely" do
    [a] = start_nodes([:a])
    [c] = start_nodes([:c], [connect: false] ++ OtherOtp.options())
    assert on(c, fn -> System.otp_release() end) != System.otp_release()
    connect([a, c])
    together([a, c])

    keys = calls(a, c) ++ calls(c, a)
    for node <- [a, c], do: assert_pairs(events(node, &ordered/1), keys, :exact)

    for {from, to, ns} <- [{a, c, 1..3}, {c, a, 4..6}] do
      maps = for n <- ns, do: Map.new(1..8, &{:"key_#{&1}", n})
      run(from, fn -> for what <- maps, do: GenServer.cast({@server, to}, {:say, what}) end)
    end

    settle([a, c])
    assert_pairs(events(a, &which(said(&1))), Enum.to_list(1..6), :likely)
  end
end
