defmodule ElixirScope.Distributed.Storages.FolderTest do
  # Scopes with a data folder: what survives, and what a folder that fails does not take along.
  use ElixirScope.Distributed.Case

  import ExUnit.CaptureLog

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.GlobalClock

  @moduletag :tmp_dir

  test "events and the order of stamps survive a restart", %{test: name, tmp_dir: folder} do
    start_scope(name, folder)
    for n <- 1..3, do: Scope.record(:n, n, scope: name)
    last = GlobalClock.now(name)

    assert {:ok, %{incarnation: old, store: %{folder: :saving}, clock: clock}} =
             Scope.status(name)

    assert {_logical, bound_ns} = clock.bound
    assert bound_ns > elem(last, 1)
    :ok = stop_supervised(name)

    start_scope(name, folder)
    assert GlobalClock.compare(GlobalClock.now(name), last) == :gt
    Scope.record(:n, 4, scope: name)
    {:ok, events} = Scope.events(scope: name)
    assert Enum.map(events, & &1.data) == [1, 2, 3, 4]
    assert [{{:me@test, ^old}, 1} | _] = Enum.map(events, & &1.id)
    assert {{:me@test, new}, 1} = List.last(events).id
    assert new != old
  end

  test "a folder that cannot be used stops nothing, and is told once", context do
    %{test: name, tmp_dir: folder} = context
    File.write!(Path.join(folder, "in_the_way"), "")

    log =
      capture_log(fn ->
        start_scope(name, Path.join(folder, "in_the_way"))

        for n <- 1..3 do
          Scope.record(:n, n, scope: name)

          eventually(fn ->
            assert {:ok, %{store: %{open_events: 0, events: ^n, folder: folder}}} =
                     Scope.status(name)

            assert {:degraded, %{reason: _, since_ms: _}} = folder
          end)
        end

        eventually(fn -> assert {:ok, [_, _, _]} = Scope.events(scope: name) end)
      end)

    assert [_before, _after] = String.split(log, "the data folder cannot be written")
  end

  test "a folder has one owner; the next one waits for it in memory", context do
    %{test: first, tmp_dir: folder} = context
    start_scope(first, folder)

    capture_log(fn ->
      start_scope(:second_owner, folder)
      Scope.record(:kept, 1, scope: :second_owner)
      assert {:ok, %{store: %{folder: {:degraded, _}}}} = Scope.status(:second_owner)
      assert {:ok, %{clock: %{bound: nil}}} = Scope.status(:second_owner)
      :ok = stop_supervised(first)

      eventually(
        fn -> assert {:ok, %{store: %{folder: :saving}}} = Scope.status(:second_owner) end,
        within: 15_000
      )
    end)

    :ok = stop_supervised(:second_owner)
    start_scope(first, folder)
    assert {:ok, [%{subject: :kept}]} = Scope.events(scope: first)
  end

  test "after kill -9, whatever had reached the folder is there", %{tmp_dir: folder} do
    config = [elixir_scope_distributed: [data_dir: folder]]
    [web] = start_nodes([:web], config: config, log: :none)

    acknowledged =
      for _burst <- 1..10, reduce: 0 do
        _before -> on(web, fn -> record_burst() end)
      end

    eventually(fn -> assert {0, 0} = on(web, fn -> not_saved() end) end)
    for _burst <- 1..3, do: on(web, fn -> record_burst() end)
    {:ok, %{incarnation: old}} = on(web, &Scope.status/0)
    kill(web)
    restart(web)

    numbers = on(web, fn -> numbers(old) end)
    assert numbers == Enum.to_list(1..length(numbers))
    assert length(numbers) >= acknowledged
  end

  defp record_burst do
    from = :persistent_term.get(__MODULE__, 0)
    for n <- (from + 1)..(from + 2_000), do: Scope.record(:n, n)
    :persistent_term.put(__MODULE__, from + 2_000)
    from + 2_000
  end

  defp not_saved do
    {:ok, %{store: store}} = Scope.status()
    {store.open_events, store.unsaved_bytes}
  end

  defp numbers(incarnation) do
    {:ok, events} = Scope.events(kinds: [:mark], limit: 100_000)
    for %{id: {{_node, ^incarnation}, _seq}, data: n} <- events, do: n
  end

  defp start_scope(name, folder) do
    options = [name: name, node: :me@test, data_dir: folder, flush_ms: 20]
    start_supervised!(Supervisor.child_spec({Scope, options}, id: name))
  end
end
