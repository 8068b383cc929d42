defmodule ElixirScope.Distributed.NodeCoordinatorTest do
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{GlobalClock, NodeCoordinator}

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])
  defp subjects({:ok, events}), do: Enum.map(events, & &1.subject)

  test "one call on one node makes one cluster of nodes that did not know each other" do
    [a, b, c] = nodes = start_nodes(3, connect: false)
    assert members(a) == {:ok, [a]}
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b, c]])
    for node <- nodes, do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end)
  end

  test "nodes that are connected by other means find each other" do
    nodes = start_nodes(2)
    for node <- nodes, do: eventually(fn -> assert members(node) == {:ok, Enum.sort(nodes)} end)
  end

  test "nodes of the configuration are tried until they are there" do
    [a, b] = start_nodes(2, connect: false)
    stop(b)
    on(a, NodeCoordinator, :register_node, [b])
    assert {:ok, %{missing: missing}} = on(a, NodeCoordinator, :get_distributed_status, [])
    assert missing in [[], [b]]
    restart(b)
    eventually(fn -> assert members(a) == {:ok, Enum.sort([a, b])} end, within: 10_000)
  end

  test "any node answers with the events of all, in one order" do
    [a, b, c] = nodes = start_nodes(3)
    for node <- nodes, do: eventually(fn -> assert {:ok, [_, _, _]} = members(node) end)

    # One after the other: what happened later on another node is later for all.
    for {node, n} <- Enum.zip(Stream.cycle([a, b, c]), 1..30) do
      stamp = on(node, fn -> Scope.record(:step, n) && GlobalClock.now() end)
      for other <- nodes, do: :ok = on(other, GlobalClock, :update, [stamp])
    end

    for node <- nodes do
      {:ok, events} = on(node, Scope, :events, [[kinds: [:mark]]])
      assert Enum.map(events, & &1.data) == Enum.to_list(1..30)
      assert Enum.map(events, & &1.node) == Enum.take(Stream.cycle([a, b, c]), 30)

      assert on(node, NodeCoordinator, :query_distributed_events, [%{kinds: [:mark]}]) ==
               {:ok, events}
    end
  end

  test "a node that is gone is named in what is missing, and what it sent is still there" do
    [a, b] = start_nodes(2)
    eventually(fn -> assert {:ok, [_, _]} = members(a) end)
    on(b, Scope, :record, [:before, 1])
    assert subjects(on(a, Scope, :events, [[kinds: [:mark]]])) == [:before]
    assert {:ok, %{^b => %{}}} = on(a, NodeCoordinator, :force_event_sync, [])
    kill(b)

    eventually(fn ->
      assert {:ok, result} = on(a, Scope, :query, [[kinds: [:mark]]])
      assert result.missing == %{b => {:node_unavailable, b}}
      assert Enum.map(result.events, & &1.subject) == [:before]
    end)

    assert {:error, %{reason: :nodes_missing}} = on(a, Scope, :query, [[], [require: :all]])
    assert {:ok, %{missing: [^b]}} = on(a, NodeCoordinator, :get_distributed_status, [])
  end

  test "both sides of a partition go on, and are equal after it" do
    [a, b, c] = nodes = start_nodes(3)
    for node <- nodes, do: eventually(fn -> assert {:ok, [_, _, _]} = members(node) end)
    partition([a], [b, c])
    eventually(fn -> assert members(a) == {:ok, [a]} end)
    for {node, n} <- [{a, 1}, {b, 2}, {c, 3}], do: on(node, Scope, :record, [:apart, n])
    assert {:ok, [%{data: 1}]} = on(a, Scope, :events, [[kinds: [:mark]]])

    eventually(fn ->
      {:ok, events} = on(b, Scope, :events, [[kinds: [:mark]]])
      assert Enum.sort(for e <- events, do: e.data) == [2, 3]
    end)

    heal(nodes)

    for node <- nodes,
        do: eventually(fn -> assert {:ok, [_, _, _]} = members(node) end, within: 10_000)

    [first | others] =
      for node <- nodes do
        eventually(fn ->
          {:ok, events} = on(node, Scope, :events, [[kinds: [:mark]]])
          assert Enum.sort(for e <- events, do: e.data) == [1, 2, 3]
          Enum.map(events, & &1.id)
        end)
      end

    assert Enum.all?(others, &(&1 == first))
  end

  test "who was unregistered stays out through a reconnect, until registered again" do
    [a, b] = start_nodes(2)
    eventually(fn -> assert {:ok, [_, _]} = members(a) end)
    :ok = on(a, NodeCoordinator, :unregister_node, [b])
    {:error, :not_found} = on(a, NodeCoordinator, :unregister_node, [b])
    partition(a, b)
    heal([a, b])
    eventually(fn -> assert on(a, fn -> Node.list() end) == [b] end)
    assert members(a) == {:ok, [a]}
    :ok = on(a, NodeCoordinator, :register_node, [b])
    eventually(fn -> assert members(a) == {:ok, Enum.sort([a, b])} end)
    {:error, :already_exists} = on(a, NodeCoordinator, :register_node, [b])
  end

  test "a restarted node is the same member in another incarnation" do
    [a, b] = start_nodes(2)
    eventually(fn -> assert {:ok, [_, _]} = members(a) end)
    on(b, Scope, :record, [:first_life, 1])
    {:ok, _} = on(a, NodeCoordinator, :force_event_sync, [])
    kill(b)
    restart(b)
    eventually(fn -> assert members(b) == {:ok, Enum.sort([a, b])} end, within: 10_000)

    # What it did in its first life comes back to it from the others.
    eventually(fn ->
      assert subjects(on(b, Scope, :events, [[kinds: [:mark]]])) == [:first_life]
    end)

    {:ok, %{nodes: %{^b => info}}} = on(a, NodeCoordinator, :get_distributed_status, [])
    assert info.reason == :restarted
  end

  test "force_event_sync says what was exchanged with each" do
    [a, b] = start_nodes(2)
    eventually(fn -> assert {:ok, [_, _]} = members(a) end)
    for n <- 1..10, do: on(b, Scope, :record, [:n, n])

    assert {:ok, %{^b => %{received: received, sent: _, already: 0, bytes: bytes, ms: ms}}} =
             on(a, NodeCoordinator, :force_event_sync, [])

    # With them it has what the node says of the cluster.
    assert received <= 12 and bytes > 0 and ms >= 0
    assert {:ok, events} = on(a, Scope, :events, [[kinds: [:mark]]])
    assert length(events) == 10
  end

  test "a connected node without the library is visible as such, and nobody waits for it" do
    [a] = start_nodes([:with])
    [b] = start_nodes([:without], apps: [])
    connect([a, b])

    eventually(fn ->
      assert {:ok, %{nodes: %{^b => info}}} = on(a, NodeCoordinator, :get_distributed_status, [])
      assert info.reason == :no_library
    end)

    assert members(a) == {:ok, [a]}
    assert {:ok, %{missing: missing}} = on(a, Scope, :query, [[], [require: :all]])
    assert missing == %{}
  end

  test "what is no name of a node is refused, and nothing happens" do
    assert {:error, %{reason: :bad_node} = error} = NodeCoordinator.setup_cluster([:a@h, "b@h"])
    assert Exception.message(error) =~ ~s("b@h" is no name)
    assert {:error, %{reason: :bad_node}} = NodeCoordinator.setup_cluster([nil])
    many = for n <- 1..256, do: :"n#{n}@h"
    assert {:error, %{reason: :too_many_nodes}} = NodeCoordinator.setup_cluster(many)
    assert {:error, :not_found} = NodeCoordinator.unregister_node(:a@h)
  end

  test "start_link joins the default scope where it runs" do
    assert {:ok, pid} = NodeCoordinator.start_link([])
    assert {:ok, ^pid} = NodeCoordinator.start_link(flush_ms: 500)
  end
end
