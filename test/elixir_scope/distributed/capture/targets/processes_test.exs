defmodule ElixirScope.Distributed.Capture.Targets.ProcessesTest do
  use ExUnit.Case

  alias ElixirScope.Distributed.Capture.Targets.{Family, ProcessBans, Processes}
  alias ElixirScope.Distributed.Error

  defp worker(n), do: Supervisor.child_spec({Agent, fn -> n end}, id: n)

  defp tree(_context) do
    nested = %{
      id: :nested,
      start: {Supervisor, :start_link, [[worker(2)], [strategy: :one_for_one]]},
      type: :supervisor
    }

    dynamic = {DynamicSupervisor, name: :scope_test_dynamic}
    tasks = {Task.Supervisor, name: :scope_test_tasks}
    children = [worker(1), nested, dynamic, tasks]
    options = [strategy: :one_for_one, name: :scope_test_tree]
    start = {Supervisor, :start_link, [children, options]}
    [tree: start_supervised!(%{id: :tree, start: start, type: :supervisor})]
  end

  describe "processes" do
    setup :tree

    test "all, and those to come" do
      assert Processes.resolve(:all) == {:ok, %Processes{existing: :all, new: true}}
      assert Processes.resolve(:new) == {:ok, %Processes{new: true}}
      assert Processes.resolve([:all, self()]) == {:ok, %Processes{existing: :all, new: true}}
    end

    test "by pid and by name, once", %{tree: tree} do
      me = self()
      assert Processes.resolve(me) == {:ok, %Processes{existing: [me]}}
      {:ok, found} = Processes.resolve([:scope_test_tree, me, tree, :new])
      assert found == %Processes{existing: [tree, me], new: true}
    end

    test "of other nodes are nothing here" do
      # The external term format of a pid of node a@b.
      there = :erlang.binary_to_term(<<131, 88, 119, 3, "a@b", 1::32, 0::32, 1::32>>)
      assert Processes.resolve(there) == {:ok, %Processes{}}
    end

    test "that there are not" do
      {dead, monitor} = spawn_monitor(fn -> :ok end)
      assert_receive {:DOWN, ^monitor, :process, ^dead, :normal}
      assert {:error, %Error{reason: :no_match} = error} = Processes.resolve([self(), dead])
      assert Exception.message(error) == "there is no process #{inspect(dead)}"
      {:error, error} = Processes.resolve({:supervised_by, :scope_test_tre})
      assert Exception.message(error) =~ "did you mean :scope_test_tree"
    end

    test "that are never traced" do
      for never <- [:code_server, Process.whereis(:init), {:supervised_by, :kernel_sup}] do
        assert {:error, %Error{reason: :banned}} = Processes.resolve(never)
      end
    end
  end

  describe "a supervisor's" do
    setup :tree

    test "are those at every depth, and what is started later", %{tree: tree} do
      {:ok, dynamic} = DynamicSupervisor.start_child(:scope_test_dynamic, worker(3))
      {:ok, found} = Processes.resolve({:supervised_by, :scope_test_tree})
      assert dynamic in found.existing and length(found.existing) == 3
      assert Enum.sort(found.existing) == Enum.sort(agents(tree))
      assert tree in found.parents and Process.whereis(:scope_test_tasks) in found.parents
      assert length(found.parents) == 4
    end

    test "are traced from their first call, when they are started later" do
      {:ok, found} = Processes.resolve({:supervised_by, :scope_test_tree})
      for pid <- found.parents, do: 1 = :erlang.trace(pid, true, [:call, :set_on_spawn])
      1 = :erlang.trace_pattern({:erlang, :put, 2}, true, [])

      {:ok, task} =
        Task.Supervisor.start_child(:scope_test_tasks, fn -> Process.put(:scope_test, 1) end)

      assert_receive {:trace, ^task, :call, {:erlang, :put, [:scope_test, 1]}}

      {:ok, _} =
        DynamicSupervisor.start_child(
          :scope_test_dynamic,
          {Agent, fn -> Process.put(:scope_test, 2) end}
        )

      assert_receive {:trace, _agent, :call, {:erlang, :put, [:scope_test, 2]}}
      :erlang.trace_pattern({:erlang, :put, 2}, false, [])
      :erlang.trace(:all, false, [:all])
    end

    test "are not those of a scope among them", %{tree: tree} do
      scope = {ElixirScope.Distributed, name: :scope_test_scope}
      {:ok, _scope} = DynamicSupervisor.start_child(:scope_test_dynamic, scope)
      {:ok, found} = Processes.resolve({:supervised_by, tree})
      assert Enum.sort(found.existing) == Enum.sort(agents(tree) -- ProcessBans.pids())
      assert length(found.parents) == 4
    end

    test "are found without asking it", %{tree: tree} do
      :sys.suspend(tree)
      assert {[^tree | _], [_ | _]} = Family.supervised(tree)
      :sys.resume(tree)
    end

    defp agents(supervisor) do
      for {_id, pid, type, _} <- Supervisor.which_children(supervisor),
          agent <- if(type == :supervisor, do: agents(pid), else: [pid]),
          do: agent
    end
  end

  test "those that are never traced, all at once" do
    never = ProcessBans.pids()
    assert Process.whereis(ElixirScope.Distributed.Application) in never
    assert Process.whereis(:code_server) in never
    refute self() in never
  end
end
