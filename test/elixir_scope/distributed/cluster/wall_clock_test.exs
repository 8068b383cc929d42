defmodule ElixirScope.Distributed.Cluster.WallClockTest do
  # Nodes whose wall clocks are wrong, or are set while they run.
  use ElixirScope.Distributed.Case

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

  defp assert_renewed(node, old) do
    assert {:ok, %{incarnation: new, clock: %{phase: :running}}} = on(node, &Scope.status/0)
    assert new != old
    new
  end

  defp marks, do: Scope.query(kinds: [:mark])
end
