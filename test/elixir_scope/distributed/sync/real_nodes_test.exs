defmodule ElixirScope.Distributed.Sync.RealNodesTest do
  # What can happen to two nodes while one of them lacks what the other has.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope

  # So slow that something can be done to it while it goes on.
  @slow [elixir_scope_distributed: [sync_bytes_per_s: 400 * 1024, sync_interval_ms: 100]]
  @events 20_000

  # About 120 bytes an event that nothing can compress.
  defp record_much, do: Enum.each(1..@events, &Scope.record(:n, {&1, :rand.bytes(100)}))

  defp held(node) do
    {:ok, %{store: %{events: events}}} = on(node, &Scope.status/0)
    events
  end

  # The numbers of a node's marks as another one shows them, and who is missing.
  defp numbers(node, of) do
    on(node, fn ->
      {:ok, result} = Scope.query(kinds: [:mark], nodes: [of], limit: 2 * @events)
      {Enum.map(result.events, &elem(&1.data, 0)), result.missing}
    end)
  end

  defp assert_all(node, of) do
    eventually(fn -> assert numbers(node, of) == {Enum.to_list(1..@events), %{}} end,
      within: 60_000
    )
  end

  defp assert_under_way(node) do
    eventually(
      fn ->
        some = held(node)
        assert some > 100 and some < @events
      end,
      within: 20_000
    )
  end

  test "a transfer that is cut goes on where it was" do
    [a, b] = start_nodes(2, config: @slow, connect: false)
    on(b, fn -> record_much() end)
    connect([a, b])
    assert_under_way(a)
    partition(a, b)
    some = held(a)
    heal([a, b])
    assert_all(a, b)
    eventually(fn -> assert held(a) > @events end, within: 60_000)
    {:ok, %{sync: %{^b => exchanged}}} = on(a, &Scope.status/0)
    assert exchanged.received >= @events - some
    # What was on its way when it was cut is sent again, and no more than that.
    assert exchanged.received + exchanged.already < 2 * @events
  end

  test "a node that is killed while it sends leaves the rest to whoever has it" do
    [a, b, c] = start_nodes(3, config: @slow, connect: false)
    on(b, fn -> record_much() end)
    connect([b, c])
    eventually(fn -> assert held(c) >= @events end, within: 60_000)
    connect([a, b, c])
    assert_under_way(a)
    kill(b)
    eventually(fn -> assert held(a) >= @events end, within: 60_000)
    assert {numbers, %{^b => {:node_unavailable, ^b}}} = numbers(a, b)
    assert numbers == Enum.to_list(1..@events)
  end

  test "a node that is killed while it receives begins again" do
    [a, b] = start_nodes(2, config: @slow, connect: false)
    on(b, fn -> record_much() end)
    connect([a, b])
    assert_under_way(a)
    kill(a)
    restart(a)
    connect([a, b])
    eventually(fn -> assert held(a) >= @events end, within: 60_000)
    assert_all(a, b)
    assert_all(b, b)
  end

  test "a connection that others fill takes events when it can" do
    narrow = [elixir_scope_distributed: [sync_interval_ms: 100]]
    [a, b] = start_nodes(2, config: narrow, connect: false, args: ["+zdbbl", "64"])
    connect([a, b])
    on(a, fn -> Process.register(spawn(&swallow/0), :sink) end)
    on(b, fn -> spawn(fn -> flood(a, :binary.copy(<<7>>, 4_000_000)) end) end)
    on(b, fn -> record_much() end)

    # It takes nothing for a moment: what was to be sent waits, and nobody else for it.
    freeze(a)
    on(b, fn -> Scope.record(:n, {0, ""}) end)

    eventually(
      fn ->
        assert {:ok, %{waiting: %{bytes: bytes}}} = exchange(b)
        assert bytes > 0
      end,
      within: 20_000
    )

    assert {:ok, [_ | _]} =
             on(b, fn -> Scope.events(kinds: [:mark], limit: 1, timeout_ms: 200) end)

    thaw(a)
    eventually(fn -> assert held(a) > @events end, within: 60_000)
    {:ok, %{events: events}} = on(a, fn -> Scope.query(kinds: [:mark], limit: 2 * @events) end)
    assert events |> Enum.map(&elem(&1.data, 0)) |> Enum.sort() == Enum.to_list(0..@events)
    assert {:ok, %{waiting: %{dropped: 0}}} = exchange(b)
  end

  defp exchange(node) do
    with {:ok, status} <- on(node, &Scope.status/0), do: {:ok, status.exchange}
  end

  defp swallow do
    receive do: (_large -> swallow())
  end

  defp flood(node, large) do
    send({:sink, node}, large)
    flood(node, large)
  end
end
