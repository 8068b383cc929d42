defmodule ElixirScope.Distributed.Capture.SlowCallsNodesTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Tracer
  alias ElixirScope.Distributed.NodeCoordinator

  @compile {:no_warn_undefined, ScopeSlowShop}

  # No node finds it on its disk: it is where it was given.
  @shop ScopeSlowShop

  defp shops(which, options \\ []) do
    nodes = start_nodes(which, options)
    for node <- nodes, do: eventually(fn -> all?(node, nodes) end)

    on(nodes, fn ->
      body =
        quote do
          def sell(item), do: {:sold, item}
          def order(from), do: receive(do: ({^from, item} -> {:ordered, item}))
        end

      Module.create(@shop, body, Macro.Env.location(__ENV__))
    end)

    nodes
  end

  defp all?(node, nodes),
    do: on(node, NodeCoordinator, :get_cluster_nodes, []) == {:ok, Enum.sort(nodes)}

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node, ms) do
    on(node, fn ->
      asking = self()

      spawn(fn ->
        send(asking, {:trace, Scope.trace(@shop, only: Scope.slower_than(ms))})
        receive do: (:never -> :ok)
      end)

      receive do
        {:trace, {:ok, trace}} -> trace
      end
    end)
  end

  # A process that waits for its order, and one that sells meanwhile.
  defp begin(node) do
    on(node, fn ->
      spawn(fn -> @shop.order(:market) end) |> Process.register(@shop)
      Enum.each(1..100, &@shop.sell/1)
    end)
  end

  defp deliver(node), do: on(node, fn -> send(@shop, {:market, 7}) end)

  defp events(node, kinds) do
    {:ok, %{events: events, missing: missing}} = on(node, Scope, :query, [[kinds: kinds]])
    assert missing == %{}
    events
  end

  defp told(node), do: for(e <- events(node, [:call, :return]), do: {e.node, e.kind, e.data})

  test "slow calls of all nodes are found on each, also where newer events went ahead" do
    [a, b] = nodes = shops(2)
    # Longer than a block is open, so that marks are shipped that are newer than what is held.
    trace = trace(a, 1_500)
    Enum.each(nodes, &begin/1)

    eventually(
      fn ->
        for node <- nodes, do: :ok = on(node, Scope, :record, [:meanwhile])
        assert length(told(b)) == 2
      end,
      within: 10_000
    )

    Enum.each(nodes, &deliver/1)
    expected = for node <- nodes, do: [{node, :call, [:market]}, {node, :return, {:ordered, 7}}]

    eventually(fn ->
      for node <- nodes, do: assert(Enum.sort(told(node)) == Enum.sort(Enum.concat(expected)))
    end)

    kinds = [:call, :return, :exception, :mark]
    assert events(a, kinds) == events(b, kinds)
    calls = events(a, [:call])
    assert Enum.all?(calls, &(&1.meta.traces == [trace.id]))
    # They stand where they happened, before marks that everybody had long before them.
    assert [:call, :call, :mark | _] = for(e <- events(b, kinds), do: e.kind)

    assert {:ok, stopped} = on(b, Scope, :stop_trace, [trace.id])
    for node <- nodes, do: assert(%{events: 2, looked_at: 101} = stopped[node])
  end

  test "where events are lost nobody guesses, and what comes then is judged again" do
    config = [elixir_scope_distributed: [ring_bytes: 4 * 1024 * 1024]]
    [node] = shops([:small], config: config)
    trace = trace(node, 30_000)
    begin(node)
    eventually(fn -> assert %{held_calls: 1} = tables(node) end)
    assert flood(node) > 0
    eventually(fn -> assert %{held_calls: 0, held_bytes: 0} = tables(node) end)
    deliver(node)
    {:ok, %{^node => %{events: 0}}} = on(node, Scope, :stop_trace, [trace.id])
    assert told(node) == []

    trace(node, 50)
    eventually(fn -> assert begin(node) == :ok end)
    eventually(fn -> assert told(node) == [{node, :call, [:market]}] end)
    deliver(node)
    eventually(fn -> assert [{^node, :return, {:ordered, 7}}] = tl(told(node)) end)
  end

  defp tables(node), do: on(node, Tracer, :status, []).tables

  defp flood(node) do
    on(node, fn ->
      for n <- 1..300_000, do: Scope.record(:flood, n)
      {:ok, status} = Scope.status()
      status.rings.lost
    end)
  end
end
