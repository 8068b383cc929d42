defmodule ElixirScope.Distributed.ApplicationTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, GlobalClock, NodeCoordinator}

  defp node_with(config),
    do: start_nodes([:configured], config: [elixir_scope_distributed: config])

  test "disabled, nothing starts and every call returns at once" do
    [node] = node_with(enabled: false)

    on(node, fn ->
      assert Supervisor.which_children(Scope.Application) == []
      assert :ok = Scope.record(:step, 1)
      assert :ok = Scope.record(:step, 1, correlation_id: "r", scope: :other)
      carried = "es1.AAAA"

      assert :ran =
               Scope.with_correlation("r-17", fn ->
                 assert {nil, nil, []} =
                          {Scope.correlation(), Scope.context(), :seq_trace.get_token()}

                 for context <- [nil, carried, [tenant: 3]], do: :ok = Scope.put_context(context)
                 Scope.with_context(carried, fn -> :ran end)
               end)

      assert {:error, %Error{reason: :not_running}} = Scope.events()
      assert {:error, %Error{reason: :not_running}} = Scope.status()
      assert {:error, %Error{reason: :not_running}} = GlobalClock.now()
      assert {:error, %Error{reason: :not_running}} = NodeCoordinator.get_cluster_nodes()
      assert {:error, %Error{reason: :disabled} = error} = Scope.start()
      assert Exception.message(error) =~ "enabled"
    end)
  end

  test "without autostart the scope is the application's own" do
    [node] = node_with(autostart: false)

    on(node, fn ->
      assert {:error, %Error{reason: :not_running}} = Scope.events()
      {:ok, tree} = Supervisor.start_link([{Scope, flush_ms: 100}], strategy: :one_for_one)
      assert :ok = Scope.record(:step, 1)
      assert {:ok, [%{data: 1}]} = Scope.events()
      Supervisor.stop(tree)
      assert {:error, %Error{reason: :not_running}} = Scope.events()
    end)
  end

  test "the configuration reaches the default scope" do
    [node] = node_with(retention_bytes: 123_456, ring_bytes: 8 * 1024 * 1024)

    on(node, fn ->
      {:ok, status} = Scope.status()
      assert status.store.limit == 123_456
      assert status.rings.limit <= 8 * 1024 * 1024
    end)
  end

  test "a node that does nothing costs little and sleeps" do
    [with_it] = start_nodes([:with])
    [without] = start_nodes([:without], apps: [])
    memory = fn -> :erlang.memory(:total) end
    assert on(with_it, memory) - on(without, memory) < 10 * 1024 * 1024

    # A scope that has nobody to talk to wakes less and less, and does next to nothing then.
    on(with_it, fn ->
      before = reductions()
      eventually(fn -> assert interval() > 1_000 end)
      assert reductions() - before < 20_000
    end)
  end

  test "the processes of a scope come back when they crash, and the node goes on" do
    [node] = start_nodes([:crash])

    on(node, fn ->
      for {_id, pid, _type, _modules} <- Supervisor.which_children(scope()) do
        Process.exit(pid, :kill)

        eventually(fn ->
          assert :ok = Scope.record(:after_crash, 1)
          assert {:ok, [_ | _]} = Scope.events(contains: "after_crash")
        end)
      end
    end)
  end

  def interval do
    synchronizer = Scope.Scope.whereis(ElixirScope.Distributed, Scope.EventSynchronizer)
    :sys.get_state(synchronizer).interval_ms
  end

  def scope, do: Scope.Scope.whereis(ElixirScope.Distributed, Scope.Scope)

  def reductions do
    for {_id, pid, _type, _modules} <- Supervisor.which_children(scope()),
        is_pid(pid),
        reduce: 0 do
      sum -> sum + elem(Process.info(pid, :reductions), 1)
    end
  end
end
