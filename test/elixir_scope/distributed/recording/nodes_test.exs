defmodule ElixirScope.Distributed.Recording.NodesTest do
  # Three nodes that send each other messages under a trace, saved from one of them, and opened by all of
  # them and by one that never heard of them.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.NodeCoordinator
  alias ElixirScope.Distributed.Query.{Find, Survey}

  @behaviour GenServer
  @server RecordedShop
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @moduletag :tmp_dir

  @impl GenServer
  def init(nil), do: {:ok, 0}

  @impl GenServer
  def handle_call({:run, fun}, _from, state), do: {:reply, fun.(), state}
  def handle_call({:order, item}, _from, state), do: {:reply, {:ordered, item}, state + 1}

  defp together([a | others] = nodes) do
    :ok = on(a, NodeCoordinator, :setup_cluster, [others])
    for node <- nodes, do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end)

    for node <- nodes,
        do: on(node, fn -> {:ok, _} = GenServer.start(__MODULE__, nil, name: @server) end)
  end

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  # It ends with who began it: here that is a process which stays.
  defp trace(node, options) do
    on(node, fn ->
      asking = self()

      spawn(fn ->
        send(asking, {:trace, Scope.trace({__MODULE__, :handle_call, 3}, options)})
        receive do: (:never -> :ok)
      end)

      receive do: ({:trace, {:ok, %{refused: refused}}} -> assert(refused == %{}))
    end)
  end

  defp orders(from, to, id) do
    on(from, fn ->
      GenServer.call(
        @server,
        {:run,
         fn ->
           Scope.with_correlation(id, fn ->
             for n <- 1..5, do: GenServer.call({@server, to}, {:order, {to, n}})
             Scope.record(:ordered, %{at: to})
           end)
         end}
      )
    end)
  end

  defp busy(nodes) do
    [a, b, c] = nodes
    options = [processes: [@server], messages: true, health: @calm]
    trace(a, options)
    # A second one, so that events are of a set of traces.
    trace(b, Keyword.put(options, :kinds, [:process]))
    for {from, to} <- [{a, b}, {b, c}, {c, a}], do: orders(from, to, "from #{from}")
  end

  defp events(node, filters), do: on(node, fn -> Scope.events(filters) end)

  # What nobody knew yet when it was asked before, as vitals of the trace, is nobody's question.
  defp settled(node, filters) do
    {:ok, before} = events(node, filters)

    eventually(fn ->
      {:ok, now} = events(node, filters)
      Process.put(:settled, now)
      assert now == before
    end)

    Process.get(:settled)
  end

  test "what one node saved is the same on every node, and where nobody knows them", context do
    nodes = [a, b, c] = start_nodes(3)
    together(nodes)
    busy(nodes)
    on(a, fn -> {:ok, _} = Scope.stop_trace() end)
    [fresh] = start_nodes(1, connect: false)

    for {filters, number} <-
          Enum.with_index([
            [],
            [kinds: [:call]],
            [correlation_id: "from #{a}"],
            [kinds: [:message], correlation_id: "from #{b}"],
            [nodes: [c]],
            [kinds: [:message], nodes: [b]]
          ]) do
      live = settled(a, filters)
      assert live != []
      path = Path.join(context.tmp_dir, "#{number}.scope")
      {:ok, saved} = on(b, fn -> Scope.save(path, filters) end)
      assert {saved.missing, saved.nodes} == {%{}, Enum.sort(nodes)}
      assert saved.events == length(live)

      for node <- [fresh | nodes] do
        {:ok, scope} = on(node, fn -> Scope.open(path) end)

        assert {node, filters, differences(events(node, scope: scope), live)} ==
                 {node, filters, []}

        asked = events(node, [scope: scope] ++ filters)
        assert {node, filters, differences(asked, live)} == {node, filters, []}
        assert differences({:ok, streamed(node, scope)}, live) == []
        :ok = on(node, fn -> Scope.close(scope) end)
      end
    end
  end

  # Of events that are not the same, the first ones.
  defp differences({:ok, events}, live) do
    pairs = Enum.zip(events ++ [:end], live ++ [:end])
    pairs |> Enum.reject(fn {one, other} -> one == other end) |> Enum.take(2)
  end

  defp streamed(node, scope), do: on(node, fn -> Enum.to_list(Scope.stream(scope: scope)) end)

  test "ids of calls are theirs, of which the recording says no more than that they were",
       context do
    nodes = [a, b] = start_nodes(2)
    together(nodes)

    for node <- nodes do
      on(node, fn ->
        body = quote(do: def(within(fun), do: {:within, fun.()}))
        Module.create(RecordedEntry, body, Macro.Env.location(__ENV__))
      end)
    end

    on(a, fn ->
      asking = self()

      spawn(fn ->
        options = [correlate: :each_call, health: @calm]
        send(asking, Scope.trace({RecordedEntry, :within}, options))
        receive do: (:never -> :ok)
      end)

      receive do: ({:ok, _trace} -> :ok)
    end)

    on(a, fn ->
      for n <- 1..5 do
        apply(RecordedEntry, :within, [
          fn ->
            Scope.record(:act_own, n)
            GenServer.call({@server, b}, {:run, fn -> Scope.record(:act_there, n) end})
          end
        ])
      end
    end)

    [fresh] = start_nodes(1, connect: false)

    for {filters, number} <-
          Enum.with_index([[contains: "act_there", nodes: [b]], [contains: "act_own"]]) do
      live = settled(a, filters)
      ids = for event <- live, do: event.correlation_id
      assert [{^a, _, _, 1}, _, _, _, {^a, _, _, 5}] = ids
      path = Path.join(context.tmp_dir, "calls-#{number}.scope")
      {:ok, %{events: 5, beside: beside}} = on(b, fn -> Scope.save(path, filters) end)
      assert beside >= 5

      for node <- [fresh, a, b] do
        {:ok, scope} = on(node, fn -> Scope.open(path) end)
        assert {node, differences(events(node, scope: scope), live)} == {node, []}
        third = Enum.at(ids, 2)
        assert events(node, scope: scope, correlation_id: third) == {:ok, [Enum.at(live, 2)]}
        :ok = on(node, fn -> Scope.close(scope) end)
      end
    end
  end

  test "of messages the other halves are there to be looked up, without what they carried",
       context do
    nodes = [a, b, c] = start_nodes(3)
    together(nodes)
    busy(nodes)
    settled(a, [])
    filters = [kinds: [:send], correlation_id: "from #{a}", nodes: [a]]
    live = settled(a, filters)
    pairs = for %{meta: %{pairing: :exact, pair: other}} <- live, do: other
    assert length(pairs) == 5
    path = Path.join(context.tmp_dir, "halves.scope")
    {:ok, _saved} = on(c, fn -> Scope.save(path, filters) end)
    [fresh] = start_nodes(1, connect: false)
    {:ok, scope} = on(fresh, fn -> Scope.open(path) end)
    assert differences(events(fresh, scope: scope), live) == []

    halves =
      on(fresh, fn ->
        {:ok, running} = Scope.Scope.fetch(scope)
        {:ok, survey} = Survey.take(running, [], [])
        Find.all(survey, kinds: [:receive])
      end)

    assert Enum.sort(for half <- halves, do: half.id) == Enum.sort(pairs)
    assert for(%{node: ^b, data: nil, pid: pid} <- halves, is_pid(pid), do: 1) == [1, 1, 1, 1, 1]
  end

  test "who did not answer is missing when it is opened, too", context do
    nodes = [a, b, c] = start_nodes(3)
    together(nodes)
    for node <- nodes, do: on(node, fn -> Scope.record(:here, node) end)

    for node <- nodes,
        do: eventually(fn -> assert {:ok, [_, _, _]} = events(node, contains: "here") end)

    path = Path.join(context.tmp_dir, "partial.scope")
    kill(c)

    eventually(fn ->
      {:ok, saved} = on(a, fn -> Scope.save(path, [contains: "here"], overwrite: true) end)
      assert Map.has_key?(saved.missing, c)
    end)

    [fresh] = start_nodes(1, connect: false)
    {:ok, scope} = on(fresh, fn -> Scope.open(path) end)
    {:ok, live} = on(a, fn -> Scope.query(contains: "here") end)
    {:ok, result} = on(fresh, fn -> Scope.query(scope: scope) end)
    assert {result.events, result.missing} == {live.events, live.missing}

    assert {:error, %{reason: :nodes_missing}} =
             on(fresh, fn -> Scope.query([scope: scope], require: :all) end)

    assert {:ok, _enough} = on(fresh, fn -> Scope.query([scope: scope], require: :majority) end)
    assert {:ok, %{missing: none}} = on(fresh, fn -> Scope.query(scope: scope, nodes: [b]) end)
    assert none == %{}
    {:ok, status} = on(fresh, fn -> Scope.status(scope) end)
    assert {status.missing, status.nodes[a].status} == {[c], :up}
  end
end
