defmodule ElixirScope.Distributed.Storages.NativeTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Scope, as: Tree
  alias ElixirScope.Distributed.Storages.Native

  setup context do
    start_supervised!({Scope, name: context.test, node: :me@test, flush_ms: 20})
    {:ok, %{store: store}} = Tree.fetch(context.test)
    {:ok, scope: context.test, store: store}
  end

  test "blocks close by themselves, and their events stay readable", %{scope: scope} do
    for n <- 1..3 do
      Scope.record(:n, n, scope: scope)

      eventually(fn ->
        assert {:ok, %{store: %{events: ^n, open_events: 0}}} = Scope.status(scope)
      end)
    end

    assert {:ok, [%{data: 1}, %{data: 2}, %{data: 3}]} = Scope.events(scope: scope)
  end

  test "the first event after a silence is announced, the next ones are not", context do
    %{scope: scope, store: store} = context
    Native.watch(store, self())
    Scope.record(:n, 1, scope: scope)
    assert_receive :events
    Scope.record(:n, 2, scope: scope)
    eventually(fn -> assert {:ok, %{store: %{events: 2}}} = Scope.status(scope) end)
    refute_received :events
  end

  test "when its owner is killed, the scope begins anew", %{scope: scope} do
    Scope.record(:n, 1, scope: scope)
    Process.exit(Tree.whereis(scope, Native), :kill)

    eventually(fn ->
      Scope.record(:n, 2, scope: scope)
      assert {:ok, [%{data: 2} | _]} = Scope.events(scope: scope)
    end)
  end
end
