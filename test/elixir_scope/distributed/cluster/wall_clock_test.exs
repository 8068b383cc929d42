defmodule ElixirScope.Distributed.Cluster.WallClockTest do
  # Nodes whose wall clocks are wrong, or are set while they run.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{GlobalClock, WallClock}

  @moduletag :tmp_dir

  test "a wall clock that is set far back ends the incarnation, and nothing is lost", context do
    [web, orders] = start_nodes([:web, :orders], env: WallClock.env!(context.tmp_dir), log: :none)
    on(web, fn -> Scope.record(:before, 1) end)
    {:ok, %{incarnation: old, clock: %{phase: :running}}} = on(web, &Scope.status/0)

    WallClock.step!(context.tmp_dir, -60_000)
    new = eventually(fn -> assert_renewed(web, old) end, within: 15_000)
    assert new != old
    on(web, fn -> Scope.record(:after, 2) end)

    eventually(
      fn ->
        assert {:ok, %{missing: missing, events: events}} = on(orders, fn -> marks() end)
        assert missing == %{}
        assert [%{id: {{^web, ^new}, _}}, %{id: {{^web, ^old}, _}}] = events
      end,
      within: 15_000
    )

    # The clocks agree again: stamps of the new incarnation are the wall clock's.
    {_logical, physical_ns, ^web} = on(web, &GlobalClock.now/0)
    assert_in_delta physical_ns, on(web, System, :os_time, [:nanosecond]), 1_000_000_000
  end

  test "a small step back is absorbed: stamps go on in order", context do
    [web] = start_nodes([:web], env: WallClock.env!(context.tmp_dir))
    {:ok, %{incarnation: old}} = on(web, &Scope.status/0)
    before = on(web, &GlobalClock.now/0)
    WallClock.step!(context.tmp_dir, -300)

    eventually(
      fn ->
        assert {:ok, %{clock: %{wall_steps: 1, phase: :running}}} = on(web, &Scope.status/0)
      end,
      within: 15_000
    )

    assert GlobalClock.compare(on(web, &GlobalClock.now/0), before) == :gt
    assert {:ok, %{incarnation: ^old, clock: %{slew_ppb: slower}}} = on(web, &Scope.status/0)
    assert slower < 0
  end

  test "a clock that runs ahead is not followed, and its node is back once it is right",
       context do
    [web] = start_nodes([:web], env: WallClock.env!(context.tmp_dir), log: :none)
    [orders] = start_nodes([:orders], log: :none)
    connect([web, orders])
    on(web, fn -> Scope.record(:before, 1) end)
    eventually(fn -> assert orders |> found(1) |> believed?() end)
    {offset_ns, uncertainty_ns} = eventually(fn -> offset(orders, web) end)
    assert abs(offset_ns) <= uncertainty_ns + 10_000_000

    WallClock.step!(context.tmp_dir, 60_000)
    eventually(fn -> assert quarantined(orders) == [web] end, within: 15_000)
    assert {:ok, %{nodes: %{^web => info}}} = on(orders, &Scope.status/0)
    assert {info.status, info.reason} == {:up, :clock_quarantined}
    assert quarantined(web) == []
    on(web, fn -> Scope.record(:ahead, 2) end)

    # Its events keep their stamps; when they came is said beside them, and only here.
    event = eventually(fn -> found(orders, 2) end)
    own = found(web, 2)
    assert event.at == own.at
    assert believed?(own)
    assert {_logical, received_ns, ^orders} = event.meta.received_at
    wall_ns = on(orders, System, :os_time, [:nanosecond])
    assert_in_delta received_ns, wall_ns, 30_000_000_000
    assert elem(own.at, 1) - received_ns > 30_000_000_000
    assert_in_delta elem(on(orders, &GlobalClock.now/0), 1), wall_ns, 30_000_000_000

    eventually(fn ->
      {offset_ns, uncertainty_ns} = offset(orders, web)
      assert abs(offset_ns - 60_000_000_000) < 1_000_000_000 + uncertainty_ns
    end)

    WallClock.step!(context.tmp_dir, 0)
    eventually(fn -> assert quarantined(orders) == [] end, within: 20_000)
    eventually(fn -> assert {:up, :other_incarnation} = standing(orders, web) end)

    assert [%{status: :quarantined, node: ^web, ahead_ns: ahead_ns}, %{status: :back, node: ^web}] =
             on(orders, fn -> clock_events() end)

    assert ahead_ns > 30_000_000_000
    on(web, fn -> Scope.record(:after, 3) end)
    assert fn -> found(orders, 3) end |> eventually() |> believed?()
  end

  defp offset(node, peer) do
    assert {:ok, offset} = on(node, GlobalClock, :offset, [peer])
    offset
  end

  defp believed?(event), do: not is_map_key(event.meta, :received_at)

  defp quarantined(node) do
    {:ok, %{clock: %{quarantined: nodes}}} = on(node, &Scope.status/0)
    nodes
  end

  defp standing(node, peer) do
    {:ok, %{nodes: %{^peer => info}}} = on(node, &Scope.status/0)
    {info.status, info.reason}
  end

  # The mark with that data, as a node shows it.
  defp found(node, data) do
    {:ok, %{events: events}} = on(node, fn -> marks() end)
    Enum.find(events, &(&1.data == data))
  end

  defp clock_events do
    {:ok, events} = Scope.events(kinds: [:clock], nodes: [Node.self()])
    Enum.map(events, & &1.data)
  end

  defp assert_renewed(node, old) do
    assert {:ok, %{incarnation: new, clock: %{phase: :running}}} = on(node, &Scope.status/0)
    assert new != old
    new
  end

  defp marks, do: Scope.query(kinds: [:mark])
end
