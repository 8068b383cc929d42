defmodule ElixirScope.Distributed.Cluster.JoiningTest do
  # How real nodes come together, and stay so.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{GlobalClock, NodeCoordinator, Transport, Transports}
  alias ElixirScope.Distributed.Types.ClusterMessage

  @app :elixir_scope_distributed

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  defp joined(nodes, options \\ []) do
    for node <- nodes,
        do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end, options)
  end

  defp info(node, other) do
    {:ok, %{nodes: nodes}} = on(node, NodeCoordinator, :get_distributed_status, [])
    nodes[other]
  end

  defp coordinator(node),
    do: on(node, fn -> ElixirScope.Distributed.Scope.whereis(Scope, NodeCoordinator) end)

  # As a fault would: without a last word.
  defp crash_coordinator(node) do
    old = coordinator(node)
    on(node, Process, :exit, [old, :kill])
    eventually(fn -> assert coordinator(node) not in [nil, old] end)
  end

  test "two nodes with the same list are one scope, also when one is late" do
    [a, b] = start_nodes(2, connect: false)
    stop(b)
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b]])
    eventually(fn -> assert %{status: :down, reason: :not_running} = info(a, b) end)
    restart(b)
    joined([a, b], within: 2_000)
  end

  test "a list in the configuration is enough" do
    [a] = start_nodes([:first])
    [b] = start_nodes([:second], config: [{@app, cluster_nodes_init: [a]}])
    joined([a, b], within: 2_000)
  end

  test "members, and who was put out, outlive a crash of who keeps them" do
    [a, b, c] = start_nodes(3)
    joined([a, b, c])
    :ok = on(a, NodeCoordinator, :register_node, [:"later@127.0.0.1"])
    :ok = on(a, NodeCoordinator, :unregister_node, [c])
    for node <- [a, b], do: eventually(fn -> assert members(node) == {:ok, Enum.sort([a, b])} end)
    crash_coordinator(a)
    for node <- [a, b], do: eventually(fn -> assert members(node) == {:ok, Enum.sort([a, b])} end)
    assert %{status: :unregistered, reason: :unregistered} = info(a, c)
    assert %{status: status} = info(a, :"later@127.0.0.1")
    assert status in [:joining, :down]
    assert on(a, NodeCoordinator, :unregister_node, [:"later@127.0.0.1"]) == :ok
  end

  test "who is put out by one member is out for all, through reconnects and restarts" do
    [a, b, c] = start_nodes(3)
    joined([a, b, c])
    :ok = on(a, NodeCoordinator, :unregister_node, [c])
    eventually(fn -> assert %{status: :unregistered} = info(b, c) end)
    eventually(fn -> assert members(c) == {:ok, [c]} end)

    assert %{status: :down, reason: :unregistered, message: message, remedy: remedy} = info(c, a)
    assert message =~ "by hand" and remedy =~ "register_node"

    partition(b, c)
    heal([a, b, c])
    kill(b)
    restart(b)
    eventually(fn -> assert members(b) == {:ok, Enum.sort([a, b])} end, within: 10_000)
    eventually(fn -> assert %{status: :unregistered} = info(b, c) end)
    assert members(c) == {:ok, [c]}

    :ok = on(b, NodeCoordinator, :register_node, [c])
    joined([a, b, c], within: 10_000)
  end

  test "a VM that becomes distributed later gets its name, and joins" do
    [a] = start_nodes([:web])
    vm = nameless()
    :peer.call(vm, Scope, :record, [:alone])
    late = :"late-#{System.unique_integer([:positive])}-#{System.pid()}@127.0.0.1"
    {:ok, %{node: :nonode@nohost}} = :peer.call(vm, Scope, :status, [])

    :ok = :peer.call(vm, NodeCoordinator, :setup_cluster, [[a]])

    reasons = fn ->
      elem(:peer.call(vm, NodeCoordinator, :get_distributed_status, []), 1).nodes
    end

    eventually(fn -> assert %{^a => %{status: :down, reason: :not_distributed}} = reasons.() end)

    {:ok, _pid} = :peer.call(vm, Node, :start, [late, :longnames])
    true = :peer.call(vm, Node, :set_cookie, [on(a, &Node.get_cookie/0)])
    eventually(fn -> assert {:ok, %{node: ^late}} = :peer.call(vm, Scope, :status, []) end)

    # It still wants whom it wanted before it had a name.
    eventually(fn -> assert members(a) == {:ok, Enum.sort([a, late])} end, within: 15_000)
    :peer.call(vm, Scope, :record, [:named])

    eventually(fn ->
      {:ok, events} = on(a, Scope, :events, [[kinds: [:mark]]])

      assert [nonode@nohost: :alone] ++ [{late, :named}] ==
               for(e <- events, do: {e.node, e.subject})
    end)
  end

  defp nameless do
    root = to_string(:code.lib_dir())
    paths = for path <- :code.get_path(), not String.starts_with?("#{path}", root), do: path
    port = ElixirScope.Distributed.Case.Epmd.port()
    options = %{connection: :standard_io, args: [~c"-pa" | paths]}
    env = %{env: [{~c"ERL_EPMD_PORT", ~c"#{port}"}]}
    {:ok, vm, _node} = :peer.start_link(Map.merge(options, env))
    {:ok, _apps} = :peer.call(vm, :application, :ensure_all_started, [@app], 30_000)
    vm
  end

  test "hidden nodes are left alone, also where somebody names one" do
    [a] = start_nodes([:web])
    [hidden] = start_nodes([:shell], args: ["-hidden"])
    connect([a, hidden])
    eventually(fn -> assert on(a, Node, :list, [:hidden]) == [hidden] end)
    assert info(a, hidden) == nil and info(hidden, a) == nil
    on(a, NodeCoordinator, :register_node, [hidden])
    eventually(fn -> assert %{status: :down, reason: :hidden} = info(a, hidden) end)
    assert members(a) == {:ok, [a]}
  end

  test "a node with another cookie is told from one that is not there" do
    [a] = start_nodes([:web])
    [b] = start_nodes([:orders], cookie: "another", connect: false)
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b, :"nobody@127.0.0.1"]])
    eventually(fn -> assert %{status: :down, reason: :cookie} = info(a, b) end)
    eventually(fn -> assert %{reason: :not_running} = info(a, :"nobody@127.0.0.1") end)

    on(b, Node, :set_cookie, [on(a, &Node.get_cookie/0)])
    on(b, NodeCoordinator, :setup_cluster, [[a]])
    joined_but_nobody = fn -> assert members(a) == {:ok, Enum.sort([a, b])} end
    eventually(joined_but_nobody, within: 10_000)
  end

  test "a node that cannot be connected, one that stopped and one that was killed" do
    [a, b, c, d] = start_nodes(4)
    joined([a, b, c, d])
    partition(a, b)
    stop(c)
    kill(d)

    eventually(fn -> assert %{status: :down, reason: :unreachable} = info(a, b) end)
    assert info(a, b).nodedown_reason != nil
    eventually(fn -> assert %{reason: :left} = info(a, c) end)
    eventually(fn -> assert %{reason: :not_running, status: :down} = info(a, d) end)

    {:ok, events} = on(a, Scope, :events, [[kinds: [:node_down], nodes: [a]]])
    downs = Map.new(events, &{&1.data.node, &1.data})
    # At that moment no more was known of it.
    assert %{nodedown_reason: :connection_closed, reason: :lost} = downs[d]
    {:ok, ups} = on(a, Scope, :events, [[kinds: [:node_up], nodes: [a]]])
    assert Enum.sort(for e <- ups, uniq: true, do: e.data.node) == Enum.sort([b, c, d])
  end

  test "a node whose host does not answer at first is asked after again" do
    [a, b] = start_nodes(2)
    joined([a, b])
    partition(a, b)
    eventually(fn -> assert %{status: :down, reason: :unreachable} = info(a, b) end)
    kill(b)
    heal([a, b], connect: false)
    eventually(fn -> assert %{reason: :not_running} = info(a, b) end, within: 15_000)
  end

  test "a scope that begins again while its node stays is another incarnation" do
    [a, b] = start_nodes(2)
    joined([a, b])
    on(b, fn -> Scope.stop() && Scope.start() end)
    eventually(fn -> assert %{status: :up, reason: :other_incarnation} = info(a, b) end)
  end

  test "who is gone for long enough is forgotten, unless somebody registered it" do
    [a] = start_nodes([:web], config: [{@app, forget_node_after_ms: 1}])
    [b, c] = start_nodes(2)
    :ok = on(a, NodeCoordinator, :register_node, [b])
    connect([a, b, c])
    joined([a, b, c])
    kill(b)
    kill(c)

    eventually(fn ->
      on(a, Process, :send, [coordinator(a), :forget, []])
      assert info(a, c) == nil
      assert %{status: :down} = info(a, b)
      {:ok, %{partition: %{known: known}}} = on(a, &Scope.status/0)
      assert known == Enum.sort([a, b])
    end)
  end

  test "a node that takes its time is being connected" do
    [a, b] = start_nodes(2, connect: false)
    freeze(b)
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b]])
    assert %{status: :joining, reason: :connecting} = info(a, b)
    # Erlang gives up after seven seconds: that is no cookie.
    eventually(fn -> assert %{status: :down, reason: :unreachable} = info(a, b) end,
      within: 15_000
    )
  end

  test "a node that says what cannot be understood, or no for a reason of its own" do
    [a] = start_nodes([:web])
    [strange, newer] = start_nodes([:strange, :newer], apps: [], connect: false)
    connect([a, strange])
    connect([a, newer])

    for b <- [strange, newer],
        do: eventually(fn -> assert %{reason: :no_library} = info(a, b) end)

    hello = %ClusterMessage{source_node: strange, kind: :hello, protocol: "one"}
    say(strange, a, hello)
    eventually(fn -> assert %{status: :down, reason: :malformed} = info(a, strange) end)

    no = %ClusterMessage{source_node: newer, kind: :refused, reason: :too_old, protocol: {1, 9}}
    say(newer, a, %{no | sent_at: on(a, GlobalClock, :now, [])})
    eventually(fn -> assert %{status: :down, reason: :refused} = info(a, newer) end)
  end

  defp say(from, to, message) do
    {_module, name} = Transport.address(Transports.ErlDist, Scope)
    on(from, Kernel, :send, [{name, to}, {:elixir_scope_1, from, message}])
  end
end
