defmodule ElixirScope.Distributed.Capture.ConductorTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Conductor, Tracer, Vm}
  alias ElixirScope.Distributed.{DiskModules, Error, NodeCoordinator, Options, Trace}

  @compile {:no_warn_undefined, :trace}

  # No node finds it on its disk: it is where it was given.
  @shop Shop

  defp cluster(number) do
    nodes = start_nodes(number)
    together(nodes)
    nodes
  end

  defp shops(number) do
    nodes = cluster(number)
    give(nodes)
    nodes
  end

  defp together(nodes), do: for(node <- nodes, do: eventually(fn -> all?(node, nodes) end))

  defp all?(node, nodes),
    do: on(node, NodeCoordinator, :get_cluster_nodes, []) == {:ok, Enum.sort(nodes)}

  defp give(nodes) do
    on(nodes, fn ->
      body = quote(do: def(sell(item), do: {:sold, item}))
      Module.create(@shop, body, Macro.Env.location(__ENV__))
    end)
  end

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node, what \\ @shop, options \\ []) do
    on(node, fn ->
      asking = self()

      spawn(fn ->
        send(asking, {:trace, Scope.trace(what, options)})
        receive do: (:never -> :ok)
      end)

      receive do
        {:trace, result} -> result
      end
    end)
  end

  defp sell(nodes, item), do: on(nodes, @shop, :sell, [item])
  defp events(node, kinds \\ [:call]), do: elem(on(node, Scope, :events, [[kinds: kinds]]), 1)
  defp sold(node), do: for(event <- events(node), do: {event.node, event.data})
  defp stop_trace(node, arguments \\ []), do: on(node, Scope, :stop_trace, arguments)

  # For what is not to happen.
  defp wait(ms), do: refute_receive(_anything, ms)

  defp standing(node, id, other) do
    conductor = ElixirScope.Distributed.Scope.via(Options.default_scope(), Conductor)
    on(node, :sys, :get_state, [conductor]).traces[id].nodes[other]
  end

  defp running(node), do: for(trace <- traces(node).running, do: trace.id)
  defp ended(node), do: for(trace <- traces(node).ended, do: {trace.id, trace.reason})

  defp traces(node) do
    {:ok, status} = on(node, Scope, :status, [])
    status.traces
  end

  defp watched?(node),
    do: on(node, fn -> if Vm.sessions?(), do: in_session?(), else: traced?() end)

  defp traced?, do: :erlang.trace_info({@shop, :sell, 1}, :traced) == {:traced, :local}

  defp in_session? do
    for {:elixir_scope, _} = session <- :trace.session_info(:all), reduce: false do
      found? -> found? or :trace.info(session, {@shop, :sell, 1}, :traced) == {:traced, :local}
    end
  end

  describe "a trace" do
    test "that is begun on one node records on all, and each tells all of it in one order" do
      [a, b, c] = nodes = shops(3)
      assert {:ok, %Trace{refused: refused} = trace} = trace(a)
      assert {trace.nodes, refused} == {Enum.sort(nodes), %{}}
      assert trace.matched == Map.new(nodes, &{&1, 1})
      assert Enum.all?(nodes, &watched?/1)
      for {node, n} <- [{c, 1}, {a, 2}, {b, 3}], do: assert(sell(node, n) == {:sold, n})

      for node <- nodes do
        assert Enum.sort(sold(node)) == Enum.sort([{c, [1]}, {a, [2]}, {b, [3]}])
        assert Enum.all?(events(node), &(&1.meta.traces == [trace.id]))
        assert events(node) == events(a)
      end
    end

    test "runs on the nodes that are named" do
      [a, b] = shops(2)
      assert {:ok, %{nodes: [^b]}} = trace(a, @shop, nodes: [b, b])
      sell([a, b], 1)
      assert sold(a) == [{b, [1]}]
      assert running(a) == []
    end

    test "is refused by a node that lacks the module, while the others trace" do
      [a, b, c] = cluster(3)
      give([a, b])
      assert {:ok, trace} = trace(a)
      assert trace.nodes == Enum.sort([a, b])
      assert %{^c => %Error{reason: :no_match} = error} = trace.refused
      assert Exception.message(error) == "there is no module Shop"
      sell([a, b], 1)
      assert length(sold(c)) == 2
    end

    test "that no node takes is none" do
      [a, b] = cluster(2)
      assert {:error, %Error{reason: :no_match}} = trace(a)
      assert {:error, %Error{reason: :no_trace}} = stop_trace(b, [1])
      assert {:ok, totals} = stop_trace(b)
      none = %{traces: [], events: 0, refused: 0, thinned: 0, looked_at: 0, bytes: 0}
      assert totals == Map.new([a, b], &{&1, none})
    end

    test "is not begun on a node that is not there, or on none" do
      [a] = shops(1)
      assert {:error, error} = trace(a, @shop, nodes: [:nobody@nowhere])

      assert Exception.message(error) =~
               "[:nobody@nowhere] are no members; those are [#{inspect(a)}]"

      assert {:error, %Error{reason: :no_node}} = trace(a, @shop, nodes: [])
    end

    test "is refused by a node that does not allow it" do
      [a] = shops(1)
      config = [elixir_scope_distributed: [allow: [:record, :query]]]
      [b] = start_nodes([:closed], config: config)
      connect([a, b])
      together([a, b])
      give([b])
      assert {:ok, %{nodes: [^a], refused: %{^b => error}}} = trace(a)
      assert Exception.message(error) =~ "does not allow :trace"
      sell(b, 1)
      assert sold(a) == []
      assert {:error, %Error{reason: :not_allowed}} = trace(b, @shop, nodes: [b])
    end

    test "says who wanted it, on every node" do
      [a, b] = shops(2)
      {:ok, %{id: id}} = trace(a)
      [%{by: {^a, owner}}] = traces(a).running
      owner = on(a, Kernel, :inspect, [owner])
      stop_trace(b)

      for event <- events(b, [:trace_started]) do
        assert %{trace: ^id, node: ^a, by: ^owner, patterns: ["Shop"], functions: 1} = event.data
      end

      for event <- events(b, [:trace_stopped]) do
        assert %{trace: ^id, node: ^a, by: ^owner, reason: :stopped, events: 0} = event.data
      end
    end
  end

  test "a tracer that is killed takes its traces with it, and everybody hears of it" do
    [a, b] = shops(2)
    {:ok, %{id: id} = trace} = trace(a, @shop)
    on(b, fn -> Process.exit(Process.whereis(Tracer), :kill) end)
    eventually(fn -> assert [%{id: ^id, reason: :tracer_failed}] = traces(b).ended end)
    assert running(a) == [id]

    assert {:ok, stopped} = on(a, Scope, :stop_trace, [trace])
    assert %{traces: [%{reason: :stopped}]} = stopped[a]
    assert %{traces: [%{reason: :tracer_failed, message: message}]} = stopped[b]
    assert message =~ "its traces went with it"
  end

  @tag :slow
  test "a node that does not answer is named, and traces as soon as it can" do
    [a, b, c] = nodes = shops(3)
    freeze(c)
    assert {:ok, %{id: id, refused: %{^c => error}} = trace} = trace(a, @shop, lease_ms: 1_000)
    assert Exception.message(error) == "#{c} did not answer in time"
    assert trace.nodes == Enum.sort([a, b])
    thaw(c)
    eventually(fn -> assert running(c) == [id] end)
    wait(1_500)
    assert {:ok, %{^c => %{traces: [%{reason: :stopped}]}}} = stop_trace(b, [id])
    for node <- nodes, do: assert(running(node) == [])
  end

  describe "stop_trace" do
    test "ends one trace from a node that did not begin it, and says what each recorded" do
      [a, b, c] = nodes = shops(3)
      {:ok, trace} = trace(a)
      sell([a, b, b], 1)
      assert {:ok, totals} = stop_trace(c, [trace])

      assert Map.new(totals, fn {node, total} -> {node, total.events} end) == %{
               a => 1,
               b => 2,
               c => 0
             }

      assert [%{id: id, reason: :stopped, by: {^a, _owner}}] = totals[b].traces
      assert id == trace.id
      for node <- nodes, do: assert({running(node), watched?(node)} == {[], false})
      # It can be asked again what there was.
      assert {:ok, %{^b => %{events: 2}}} = stop_trace(b, [trace.id])
    end

    test "ends all traces of all nodes" do
      [a, b] = shops(2)
      {:ok, one} = trace(a)
      {:ok, two} = trace(b, @shop, nodes: [b])
      assert {:ok, totals} = stop_trace(a)
      assert [%{id: id}] = totals[a].traces
      assert id == one.id
      assert Enum.sort(for t <- totals[b].traces, do: t.id) == Enum.sort([one.id, two.id])
      assert [running(a), running(b)] == [[], []]
    end

    test "tells for which reason a trace ended on one node, while it goes on elsewhere" do
      [a, b] = shops(2)
      {:ok, %{id: id}} = trace(a, @shop, events: 5)
      for n <- 1..9, do: sell(b, n)
      eventually(fn -> assert ended(b) == [{id, :events}] end)
      assert running(a) == [id]
      assert [%{message: "it has recorded the events" <> _}] = traces(b).ended
      assert [%{data: %{trace: ^id, reason: :events}}] = events(a, [:trace_stopped])
      assert {:ok, %{^a => %{traces: [at_a]}, ^b => %{traces: [at_b]}}} = stop_trace(a, [id])
      assert {at_a.reason, at_b.reason, at_b.events} == {:stopped, :events, 5}
    end
  end

  describe "a trace ends by itself" do
    test "on all nodes with the process that began it" do
      [a, _b] = nodes = shops(2)
      {:ok, %{id: id}} = trace(a)
      [%{by: {^a, owner}}] = traces(a).running
      on(a, Process, :exit, [owner, :kill])
      for node <- nodes, do: eventually(fn -> assert ended(node) == [{id, :owner_down}] end)
      refute Enum.any?(nodes, &watched?/1)
    end

    test "by its lease where the node that began it was killed" do
      [a, b, c] = shops(3)
      {:ok, %{id: id}} = trace(a, @shop, lease_ms: 1_000)
      kill(a)

      for node <- [b, c] do
        eventually(fn -> assert ended(node) == [{id, :lease}] end, within: 2_000)
        refute watched?(node)
      end
    end

    test "by its lease where the node that began it is cut off, and is not begun again there" do
      [a, b] = nodes = shops(2)
      {:ok, %{id: id}} = trace(a, @shop, lease_ms: 600, duration_ms: 60_000)
      partition(a, b)
      eventually(fn -> assert ended(b) == [{id, :lease}] end, within: 1_600)
      refute watched?(b)
      heal(nodes)
      for node <- nodes, do: eventually(fn -> all?(node, nodes) end, within: 10_000)
      wait(300)
      assert {running(a), running(b)} == {[id], []}
    end

    test "with the scope that began it" do
      [a, b] = shops(2)
      {:ok, %{id: id}} = trace(a)
      on(a, Scope, :stop, [])
      eventually(fn -> assert ended(b) == [{id, :owner_down}] end)
    end
  end

  describe "a trace goes on" do
    test "for longer than its lease while the node that began it is there" do
      [a, _b] = nodes = shops(2)
      {:ok, %{id: id}} = trace(a, @shop, lease_ms: 400)
      wait(1_000)
      for node <- nodes, do: assert(running(node) == [id])
    end

    test "through a partition that is shorter than its lease" do
      [a, b] = nodes = shops(2)
      {:ok, %{id: id}} = trace(a, @shop, lease_ms: 2_500, duration_ms: 60_000)
      partition(a, b)
      eventually(fn -> assert on(a, NodeCoordinator, :get_cluster_nodes, []) == {:ok, [a]} end)
      sell(b, :apart)
      heal(nodes)
      for node <- nodes, do: eventually(fn -> all?(node, nodes) end, within: 3_000)
      sell(b, :together)
      assert running(b) == [id]
      assert eventually(fn -> match?([_, _], sold(a)) end)
      wait(2_500)
      assert running(b) == [id]
    end
  end

  describe "a node that comes later" do
    test "traces, too, for the rest of the time" do
      [a] = shops(1)
      {:ok, %{id: id}} = trace(a, @shop, duration_ms: 3_000)
      [b] = start_nodes([:later])
      give([b])
      connect([a, b])
      eventually(fn -> assert running(b) == [id] end)
      sell(b, 1)
      eventually(fn -> assert sold(a) == [{b, [1]}] end)
      for node <- [a, b], do: eventually(fn -> assert ended(node) == [{id, :duration}] end)
      assert [at_a, at_b] = for(e <- events(a, [:trace_stopped]), do: e.at |> elem(1))
      assert abs(at_a - at_b) < 1_000_000_000
    end

    test "and lacks the module is no reason to end" do
      [a] = shops(1)
      {:ok, %{id: id}} = trace(a)
      [b] = start_nodes([:later])
      connect([a, b])
      together([a, b])
      sell(a, 1)
      assert {running(a), running(b)} == {[id], []}
    end

    test "because it was started again traces again, as soon as the module is there" do
      DiskModules.on_path!("defmodule OnDisk, do: def(hello(to), do: to)")
      [a, b] = nodes = cluster(2)
      {:ok, %{id: id}} = trace(a, OnDisk)
      kill(b)
      restart(b)
      for node <- nodes, do: eventually(fn -> all?(node, nodes) end, within: 10_000)
      eventually(fn -> assert [%{id: ^id, functions: 0, waiting: 1}] = traces(b).running end)

      eventually(fn ->
        on(b, OnDisk, :hello, [:b])
        assert [%{node: ^b, data: [:b]} | _] = events(a)
      end)
    end

    test "has what it had not used before it was started again" do
      DiskModules.on_path!("defmodule OnDisk, do: def(hello(to), do: to)")
      [a, b] = nodes = cluster(2)
      {:ok, %{id: id}} = trace(a, OnDisk, events: 10, lease_ms: 900)
      greet = fn count -> for n <- 1..count, do: on(b, OnDisk, :hello, [n]) end
      # Loading it takes a call, which is not seen.
      on(b, OnDisk, :hello, [0])
      eventually(fn -> assert [%{functions: 1}] = traces(b).running end)
      greet.(6)
      # A node tells with each renewal.
      eventually(fn -> assert {:armed, %{events: 6}} = standing(a, id, b) end)
      kill(b)
      restart(b)
      for node <- nodes, do: eventually(fn -> all?(node, nodes) end, within: 10_000)
      on(b, OnDisk, :hello, [0])
      eventually(fn -> assert [%{id: ^id, events: 6, functions: 1}] = traces(b).running end)
      greet.(9)
      eventually(fn -> assert {id, :events} in ended(b) end)
      assert [%{events: 10}] = for(%{id: ^id} = ended <- traces(b).ended, do: ended)
    end

    test "does not if the trace was stopped, or ended there" do
      [a, b] = nodes = shops(2)
      {:ok, stopped} = trace(a)
      {:ok, _} = stop_trace(b, [stopped])
      {:ok, %{id: id}} = trace(a, @shop, events: 3)
      for n <- 1..5, do: sell(b, n)
      eventually(fn -> assert {id, :events} in ended(b) end)
      partition(a, b)
      eventually(fn -> assert on(a, NodeCoordinator, :get_cluster_nodes, []) == {:ok, [a]} end)
      heal(nodes)
      for node <- nodes, do: eventually(fn -> all?(node, nodes) end, within: 10_000)
      wait(200)
      assert {running(a), running(b)} == {[id], []}
    end
  end

  test "two traces of the same functions record each call once, and end one by one" do
    [a, b] = shops(2)
    {:ok, one} = trace(a)
    {:ok, two} = trace(b, @shop, return: true)
    sell(b, 1)
    assert length(sold(a)) == 1
    {:ok, _} = stop_trace(a, [two])
    sell(b, 2)
    assert [_, %{meta: %{traces: [id]}}] = events(a)
    assert id == one.id
    {:ok, _} = stop_trace(b, [one])
    refute watched?(b)
  end

  test "a trace of one scope is nothing to another" do
    [a, b] = nodes = shops(2)
    on(nodes, Scope, :start, [[name: :shop]])

    for node <- nodes do
      eventually(fn ->
        assert on(node, NodeCoordinator, :get_cluster_nodes, [:shop]) == {:ok, Enum.sort(nodes)}
      end)
    end

    {:ok, %{id: id}} = trace(a, @shop, scope: :shop)
    sell(b, 1)
    assert sold(a) == []

    assert {:ok, [%{data: [1], meta: %{traces: [^id]}}]} =
             on(a, Scope, :events, [[kinds: [:call], scope: :shop]])

    {:ok, totals} = stop_trace(b)
    assert Enum.all?(totals, fn {_node, total} -> total.traces == [] end)
    {:ok, totals} = stop_trace(b, [:shop])
    assert [%{id: ^id}] = totals[a].traces
  end
end
