defmodule ElixirScope.Distributed.ScopeTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Error, GlobalClock, NodeCoordinator, Scope}

  test "scopes of one VM have specifications of their own, and stay stopped when stopped" do
    assert %{id: id, restart: :transient} = Scope.child_spec(name: :one)
    assert %{id: other} = Scope.child_spec(name: :other)
    assert id != other
  end

  test "its processes are found by their role while it runs", %{test: name} do
    refute Scope.whereis(name, GlobalClock)
    assert :ok = Scope.cast(name, GlobalClock, :nobody_hears_this)
    tree = start_supervised!({ElixirScope.Distributed, name: name})
    assert Scope.whereis(name, Scope) == tree
    for role <- [GlobalClock, NodeCoordinator], do: assert(is_pid(Scope.whereis(name, role)))
    assert {:ok, %Scope{name: ^name, index: index}} = Scope.fetch(name)
    assert index > 0
  end

  test "a process that is too busy to answer is an error, and no exit", %{test: name} do
    start_supervised!({ElixirScope.Distributed, name: name})
    busy = Scope.whereis(name, NodeCoordinator)
    :sys.suspend(busy)

    assert {:error, %Error{reason: :no_time} = error} =
             Scope.call(name, NodeCoordinator, :members, 10)

    assert Exception.message(error) =~ "did not answer within 10 ms"
    :sys.resume(busy)
    assert {:ok, [_]} = Scope.call(name, NodeCoordinator, :members)
    refute_receive _
  end
end

defmodule ElixirScope.Distributed.ScopeLimitTest do
  # On a node of its own: it takes every place there is.
  use ElixirScope.Distributed.Case, nodes: 1

  alias ElixirScope.Distributed.Scope

  test "there is a limit to the scopes of one VM, and it is an error", %{nodes: [node]} do
    on(node, fn ->
      results = for n <- 1..70, do: Scope.start(name: :"scope#{n}")
      assert {:ok, _pid} = hd(results)
      assert {:error, _reason} = List.last(results)
      assert {:ok, _status} = ElixirScope.Distributed.status()
    end)
  end
end
