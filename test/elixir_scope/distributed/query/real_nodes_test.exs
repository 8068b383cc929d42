defmodule ElixirScope.Distributed.Query.RealNodesTest do
  # The same questions on real nodes: one is killed while it is read, one is frozen, one does not allow
  # to be asked. SCOPE_LONG=1 streams ten million events.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope

  @on_demand [elixir_scope_distributed: [sync: :on_demand, retention_bytes: 512 * 1024 * 1024]]
  @collected [
    elixir_scope_distributed: [
      sync_interval_ms: 100,
      sync_bytes_per_s: 64 * 1024 * 1024,
      retention_bytes: 512 * 1024 * 1024
    ]
  ]
  @events 20_000

  defp record(node, count) do
    on(node, fn ->
      for from <- 1..count//10_000 do
        for n <- from..min(from + 9_999, count), do: Scope.record(:n, {n, :rand.bytes(100)})
        {:ok, _} = Scope.events(kinds: [:exit], limit: 1, nodes: [node()])
      end

      :ok
    end)
  end

  defp together(nodes) do
    for node <- nodes do
      eventually(fn ->
        assert {:ok, members} = on(node, &Scope.NodeCoordinator.get_cluster_nodes/0)
        assert members == Enum.sort(nodes)
      end)
    end
  end

  # A stream on `node`, of which the numbers of each node's marks and the gaps are told. After the first
  # thousand it waits to be told to go on.
  defp start_stream(node, options \\ []) do
    on(node, fn ->
      starter = self()

      pid =
        spawn(fn ->
          Process.put(:starter, starter)
          events = Enum.with_index(Scope.stream([kinds: [:mark]] ++ options), &stopping/2)
          {marks, gaps} = Enum.split_with(events, &(&1.id != nil))
          numbers = Enum.group_by(marks, & &1.node, &elem(&1.data, 0))

          gaps = for gap <- gaps, do: {gap.node, gap.data}
          receive do: ({:tell, to} -> send(to, {:told, numbers, gaps}))
        end)

      Process.register(pid, :reader)
      receive do: (:reading -> :ok)
    end)
  end

  defp stopping(event, 1_000) do
    send(Process.get(:starter), :reading)
    receive do: (:go_on -> event)
  end

  defp stopping(event, _n), do: event

  defp go_on(node) do
    on(node, fn ->
      send(:reader, :go_on)
      send(:reader, {:tell, self()})
      receive do: ({:told, numbers, gaps} -> {numbers, gaps})
    end)
  end

  test "three nodes give the same answers, in the same order" do
    nodes = [_a, b, c] = start_nodes(3, config: @on_demand)
    together(nodes)
    for node <- nodes, do: record(node, 1_000)

    [first | others] =
      on(nodes, fn ->
        {:ok, result} = Scope.query(kinds: [:mark])
        streamed = for event <- Scope.stream(kinds: [:mark]), do: event.id
        assert streamed == Enum.map(result.events, & &1.id)
        {streamed, result.missing, result.cursor}
      end)

    assert {ids, missing, _cursor} = first
    assert {length(ids), missing} == {3_000, %{}}
    assert Enum.all?(others, &(&1 == first))

    # A page of one node goes on at another, also from an event.
    {:ok, page} = on(b, fn -> Scope.query(kinds: [:mark], limit: 1_234) end)
    rest = on(c, fn -> Enum.map(Scope.stream(kinds: [:mark], after: page.cursor), & &1.id) end)
    assert Enum.map(page.events, & &1.id) ++ rest == ids

    assert on(c, fn ->
             Enum.map(Scope.stream(kinds: [:mark], after: List.last(page.events)), & &1.id)
           end) == rest
  end

  test "who is killed while it is read leaves the rest to others, and is a gap where it alone had it" do
    nodes = [a, b, _c] = start_nodes(3, config: @collected)
    together(nodes)
    record(b, @events)

    eventually(fn -> assert on(a, fn -> held() end) >= @events end, within: 30_000)
    start_stream(a)
    kill(b)
    assert {numbers, []} = go_on(a)
    assert numbers == %{b => Enum.to_list(1..@events)}
  end

  # Of all nodes, in the store of this one.
  defp held do
    {:ok, %{store: store}} = Scope.status()
    store.events
  end

  test "who is killed while it alone is read is a gap in the stream, and missing in an answer" do
    nodes = [a, b, c] = start_nodes(3, config: @on_demand)
    together(nodes)
    record(b, @events)
    record(c, 10)
    start_stream(a)
    kill(b)
    assert {%{^b => numbers, ^c => [_ | _] = others}, [{^b, %{missing: reason}}]} = go_on(a)
    assert reason == {:node_unavailable, b}
    assert length(numbers) < @events
    assert numbers == Enum.to_list(1..length(numbers))
    assert others == Enum.to_list(1..10)
    {:ok, result} = on(a, fn -> Scope.query(kinds: [:mark]) end)
    assert {length(result.events), result.missing} == {10, %{b => reason}}
  end

  test "who is frozen costs its time and no more, and is back when it is" do
    nodes = [a, b, c] = start_nodes(3, config: @on_demand)
    together(nodes)
    for node <- nodes, do: record(node, 10)
    freeze(b)
    {:ok, result} = on(a, fn -> Scope.query(kinds: [:mark], timeout_ms: 500) end)
    assert {length(result.events), result.missing} == {20, %{b => :distributed_timeout}}

    assert {:error, %{reason: :nodes_missing}} =
             on(a, fn -> Scope.query(kinds: [:mark], timeout_ms: 200, require: :all) end)

    {:ok, result} = on(a, fn -> Scope.query(kinds: [:mark], nodes: [c], timeout_ms: 200) end)
    assert {length(result.events), result.missing} == {10, %{}}

    gaps =
      on(a, fn ->
        for(
          %{id: nil} = gap <- Scope.stream(kinds: [:mark], timeout_ms: 200),
          do: {gap.node, gap.data}
        )
      end)

    assert gaps == [{b, %{missing: :distributed_timeout}}]
    thaw(b)

    eventually(
      fn ->
        {:ok, result} = on(a, fn -> Scope.query(kinds: [:mark], timeout_ms: 1_000) end)
        assert {length(result.events), result.missing} == {30, %{}}
      end,
      within: 20_000
    )
  end

  test "who is frozen while it is read is given up at the deadline" do
    nodes = [a, b, _c] = start_nodes(3, config: @on_demand)
    together(nodes)
    record(b, @events)
    start_stream(a, timeout_ms: 500)
    freeze(b)
    assert {%{^b => numbers}, [{^b, %{missing: :distributed_timeout}}]} = go_on(a)
    assert numbers == Enum.to_list(1..length(numbers))
    thaw(b)
  end

  test "who does not allow to be asked is missing, and may ask" do
    [a, b] = start_nodes([:a, :b], config: @on_demand)
    refusing = Keyword.update!(@on_demand, :elixir_scope_distributed, &([allow: [:record]] ++ &1))
    [c] = start_nodes([:c], config: refusing)
    connect([a, b, c])
    together([a, b, c])
    for node <- [a, b, c], do: record(node, 10)
    {:ok, result} = on(a, fn -> Scope.query(kinds: [:mark]) end)

    assert {length(result.events), result.missing} ==
             {20, %{c => {:distributed_exit, :not_allowed}}}

    assert {:ok, [_ | _]} = on(c, fn -> Scope.events(kinds: [:mark]) end)
    assert {:ok, %{missing: missing}} = on(c, fn -> Scope.query(kinds: [:mark]) end)
    assert missing == %{}
  end

  @long? System.get_env("SCOPE_LONG") != nil
  @many if @long?, do: 10_000_000, else: 200_000
  @growth_mb 64

  @tag :slow
  @tag timeout: if(@long?, do: 3_600_000, else: 120_000)
  test "a stream of many events takes little memory on any node" do
    nodes = [a, b, c] = start_nodes(3, config: @on_demand)
    together(nodes)
    each = div(@many, 2)

    for node <- [b, c] do
      on(node, fn ->
        for from <- 1..each//10_000 do
          for n <- from..(from + 9_999), do: Scope.record(:n, n)
          {:ok, _} = Scope.events(kinds: [:exit], limit: 1, nodes: [node()])
        end
      end)
    end

    # What a node uses that has streamed before.
    for node <- nodes,
        do: on(node, fn -> Scope.stream(kinds: [:mark], limit: 50_000) |> Enum.count() end)

    for node <- nodes,
        do: on(node, fn -> Enum.each(Process.list(), &:erlang.garbage_collect/1) end)

    before = Map.new(nodes, &{&1, resident(&1)})
    peaks = watch(nodes)

    {count, sorted?} =
      on(a, fn ->
        Enum.reduce(Scope.stream(kinds: [:mark]), {0, {0, 0}}, fn %{at: {logical, ns, _}},
                                                                  {n, last} ->
          {n + 1, if(last != false and {ns, logical} >= last, do: {ns, logical}, else: false)}
        end)
      end)

    assert {count, sorted? != false} == {2 * each, true}
    peaks = peaks(peaks)
    growth = for node <- nodes, do: div(max(peaks[node] - before[node], 0), 1024)
    IO.puts("\n#{count} events streamed, growth in MB: #{inspect(growth)}")
    for mb <- growth, do: assert(mb < @growth_mb)
  end

  # The largest resident size of each, in KiB.
  defp watch(nodes) do
    pids = Map.new(nodes, &{&1, os_pid(&1)})
    spawn_link(fn -> look(pids, %{}) end)
  end

  defp look(pids, peaks) do
    peaks =
      Map.merge(peaks, Map.new(pids, fn {node, pid} -> {node, resident_of(pid)} end), fn _,
                                                                                         a,
                                                                                         b ->
        max(a, b)
      end)

    receive do
      {:stop, to} -> send(to, {:peaks, peaks})
    after
      50 -> look(pids, peaks)
    end
  end

  defp peaks(watcher) do
    send(watcher, {:stop, self()})
    receive do: ({:peaks, peaks} -> peaks)
  end

  defp resident(node), do: node |> os_pid() |> resident_of()
  defp os_pid(node), do: on(node, System, :pid, [])

  defp resident_of(pid) do
    [_, kib] = Regex.run(~r/VmRSS:\s+(\d+)/, File.read!("/proc/#{pid}/status"))
    String.to_integer(kib)
  end
end
