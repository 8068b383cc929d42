defmodule ElixirScope.Distributed.ServeNodesTest do
  # What a real node shows to others, what it lets them do, and what it makes of one that floods it
  # or speaks in another's name.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Hostile, NodeCoordinator, Transport, Transports}
  alias ElixirScope.Distributed.Types.{ClusterMessage, GlobalClockUpdate}

  @app :elixir_scope_distributed
  @flood 5_000

  defp pair(options) do
    [a] = start_nodes([:open])
    [b] = start_nodes([:closed], config: [{@app, options}])
    connect([a, b])

    for node <- [a, b],
        do:
          eventually(fn ->
            assert on(node, NodeCoordinator, :get_cluster_nodes, []) == {:ok, Enum.sort([a, b])}
          end)

    [a, b]
  end

  defp query(node, options \\ []) do
    {:ok, result} = on(node, Scope, :query, [[kinds: [:mark]], options])
    {Enum.map(result.events, & &1.data), result.missing}
  end

  defp incoming(node) do
    {:ok, %{incoming: incoming}} = on(node, Scope, :status, [])
    incoming
  end

  defp info(node, other) do
    {:ok, %{nodes: nodes}} = on(node, NodeCoordinator, :get_distributed_status, [])
    nodes[other]
  end

  test "serve: :none shows nothing and sees all" do
    [a, b] = pair(serve: :none)
    on(a, Scope, :record, [:n, 1])
    on(b, Scope, :record, [:n, 2])
    assert query(a) == {[1], %{b => {:distributed_exit, :not_allowed}}}
    assert query(b) == {[1, 2], %{}}
    assert info(a, b).capabilities == []
    assert %{serve: :none, grants: []} = incoming(b)
    {:ok, %{^b => %{received: 0}}} = on(a, NodeCoordinator, :force_event_sync, [])
  end

  test "serve: :queries shows all and takes no orders" do
    [a, b] = pair(serve: :queries)
    on(b, Scope, :record, [:n, 2])
    assert query(a) == {[2], %{}}
    assert info(a, b).capabilities == [:record, :query]
    {:error, error} = on(a, Scope, :trace, [Scratch, [nodes: [b]]])
    assert Exception.message(error) =~ "does not allow :trace: see its options :allow and :serve"
    assert %{trace_arm: 1} = incoming(b).peers[a].refused
  end

  defp name, do: Transport.address(Transports.ErlDist, Scope) |> elem(1)

  defp processes(node) do
    on(node, fn ->
      {:ok, scope} = ElixirScope.Distributed.Scope.fetch(Scope)
      {_module, transport} = scope.transport
      [Process.whereis(transport) | Enum.sort(ElixirScope.Distributed.Scope.processes())]
    end)
  end

  test "a flood of everything: nothing ends, all is counted, and others are heard" do
    [a, b] = pair([])
    [evil] = start_nodes([:evil], apps: [], connect: false)
    connect([evil, a])
    before = processes(a)
    {before_bytes, name} = {on(a, :erlang, :memory, [:total]), name()}

    on(evil, fn ->
      messages = List.to_tuple(Hostile.messages(node()))

      for n <- 1..@flood do
        message = elem(messages, rem(n, tuple_size(messages)))
        send({name, a}, {:elixir_scope_1, node(), message})
        send({name, a}, {:elixir_scope_1, node(), {:x, n}})
        send({name, a}, {:neither, n})
      end
    end)

    eventually(
      fn ->
        peers = incoming(a).peers
        assert peers[:others].malformed == @flood
        assert peers[evil].malformed >= @flood
        assert count(peers[evil]) == 2 * @flood
      end,
      within: 30_000
    )

    assert processes(a) == before
    assert on(a, :erlang, :memory, [:total]) - before_bytes < 100_000_000
    assert incoming(a).peers[b].limited == %{}
    on(b, Scope, :record, [:n, 2])
    assert {[2], _missing} = query(a, [])
  end

  # Its own hello is not answered: it comes as it is sent above.
  defp count(account) do
    sum = &Enum.sum(Map.values(&1))
    %{accepted: taken, malformed: broken, unknown: unknown} = account
    taken + broken + unknown + sum.(account.limited) + sum.(account.refused)
  end

  test "a message in the name of a node that is not there, or of another, is none" do
    [a, b] = pair([])
    name = name()
    ping = %GlobalClockUpdate{source_node: :"no@127.0.0.1", kind: :ping, sent_at: {0, 1, b}}
    on(b, Kernel, :send, [{name, a}, {:elixir_scope_1, :"no@127.0.0.1", ping}])
    eventually(fn -> assert incoming(a).peers[:others].malformed == 1 end)

    bye = %ClusterMessage{source_node: a, kind: :bye}
    on(b, Kernel, :send, [{name, a}, {:elixir_scope_1, b, bye}])
    eventually(fn -> assert incoming(a).peers[b].malformed == 1 end)
    assert info(a, b).status in [:up, :joining]
  end
end
