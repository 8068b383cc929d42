Code.require_file("../../../shared/thinned.exs", __DIR__)

defmodule ElixirScope.Distributed.Capture.ThinningNodesTest do
  # Two nodes, each with a level of its own for one trace.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Tracer
  alias ElixirScope.Distributed.NodeCoordinator

  @requests 3_000

  # Calls and returns where a request begins, and where it is served.
  @here 6
  @there 2
  @whole @here + @there

  setup do
    [a, b] = nodes = start_nodes([:a, :b])
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b]])
    {module, code} = ScopeThinned.Code.code()

    for node <- nodes do
      {:module, ^module} = on(node, :code, :load_binary, [module, [], code])
      {:ok, _} = on(node, ScopeThinned, :start, [ScopeThinned])
    end

    {:ok, nodes: nodes}
  end

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node, options) do
    on(node, fn ->
      asking = self()

      spawn(fn ->
        send(asking, {:trace, Scope.trace(ScopeThinned.functions(), options)})
        receive do: (:never -> :ok)
      end)

      receive do
        {:trace, {:ok, trace}} -> trace.id
      end
    end)
  end

  defp options(more) do
    calm = [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
    roomy = [events: 10_000_000, bytes: 1_000_000_000, cpu_percent: 10_000, duration_ms: 600_000]
    roomy ++ [health: calm ++ [dist_ports: :infinity], return: true] ++ more
  end

  defp load(node, peer, requests) do
    name = node

    on(node, fn ->
      ScopeThinned.load(requests, &ScopeThinned.remote({name, &1}, peer))
    end)
  end

  # Which node a request began on, its events on either, and how many there are.
  defp shown(node, id) do
    {:ok, found} = on(node, fn -> Scope.query(limit: 1_000_000) end)
    assert found.missing == %{}
    events = for e <- found.events, id in Map.get(e.meta, :traces, []), do: e
    {events |> Enum.group_by(& &1.correlation_id, & &1.node) |> Enum.map(&counted/1), found}
  end

  defp counted({id, nodes}), do: {id, Enum.frequencies(nodes)}

  defp stopped(node, id) do
    {:ok, stopped} = on(node, Scope, :stop_trace, [id])
    Map.new(stopped, fn {node, %{traces: [summary]}} -> {node, summary} end)
  end

  test "what one node leaves out is on no node, and what it keeps is whole on both", context do
    [a, b] = nodes = context.nodes
    id = trace(a, options(events_per_s: 800))

    [{a, b}, {b, a}]
    |> Enum.map(fn {node, peer} -> Task.async(fn -> load(node, peer, 1..@requests) end) end)
    |> Task.await_many(60_000)

    summaries = stopped(a, id)
    {requests, found} = shown(a, id)

    for node <- nodes do
      began = for {{^node, _n}, there} <- requests, do: there
      other = if node == a, do: b, else: a
      assert Enum.uniq(began) == [%{node => @here, other => @there}]
      assert length(began) < @requests
      %{events: events, thinned: thinned, refused: 0} = summaries[node]
      assert events + thinned == @requests * @whole
    end

    assert length(requests) * @whole == summaries[a].events + summaries[b].events
    assert found.dropped == summaries[a].thinned + summaries[b].thinned
  end

  test "a node that has no level drops what another one dropped, and keeps its own", context do
    [a, b] = context.nodes
    id = trace(a, options(events_per_s: 800))

    on(a, fn ->
      ScopeThinned.load(1..@requests, fn
        n when rem(n, 30) == 0 -> ScopeThinned.remote(n, b)
        n -> ScopeThinned.local(n, ScopeThinned)
      end)
    end)

    assert %{running: [%{level: 0, id: ^id}]} = on(b, Tracer, :status, [])
    on(b, ScopeThinned, :local, [:own, ScopeThinned])
    summaries = stopped(a, id)
    {requests, _found} = shown(b, id)

    assert {[{:own, own}], requests} = Enum.split_with(requests, fn {id, _} -> id == :own end)
    assert own == %{b => @whole}
    {remote, local} = Enum.split_with(requests, fn {n, _} -> rem(n, 30) == 0 end)
    assert Enum.all?(remote, fn {_n, there} -> there == %{a => @here, b => @there} end)
    assert Enum.all?(local, fn {_n, there} -> there == %{a => @whole} end)

    sent = div(@requests, 30)
    assert length(remote) < sent and local != []
    assert summaries[b].thinned == (sent - length(remote)) * @there
    assert summaries[b].events == length(remote) * @there + @whole
  end
end
