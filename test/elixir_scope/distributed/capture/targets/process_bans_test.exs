defmodule ElixirScope.Distributed.Capture.Targets.ProcessBansTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Targets.ProcessBans
  alias ElixirScope.Distributed.Error

  test "processes of the kernel, by name and by pid, where they have one" do
    for name <- [:init, :code_server, :global_name_server, :rex, :logger, :user, :kernel_sup] do
      assert {:error, %Error{reason: :banned}} = ProcessBans.check(name)
      pid = Process.whereis(name)
      if pid, do: assert({:error, %Error{reason: :banned}} = ProcessBans.check(pid))
    end
  end

  test "processes without a name that belong to the VM or the kernel" do
    [code_purger] = for pid <- Process.list(), initial(pid) == :erts_code_purger, do: pid
    assert {:error, error} = ProcessBans.check(code_purger)
    assert Exception.message(error) =~ "belongs to the kernel"
  end

  test "processes of ours, also of a scope in somebody else's tree" do
    {:error, error} = ProcessBans.check(ElixirScope.Distributed.Application)
    assert Exception.message(error) =~ "part of what records the trace"

    for {_id, pid, _type, _modules} <-
          Supervisor.which_children(ElixirScope.Distributed.Application) do
      assert {:error, %Error{reason: :banned}} = ProcessBans.check(pid)
    end

    {:ok, scope} = start_supervised({ElixirScope.Distributed, name: :somebody_elses})

    for {_id, pid, _type, _modules} when is_pid(pid) <- Supervisor.which_children(scope) do
      assert {:error, %Error{reason: :banned}} = ProcessBans.check(pid)
    end
  end

  test "no others: dead ones, named ones, names of nothing" do
    {dead, monitor} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^monitor, :process, ^dead, :normal}
    {:ok, agent} = start_supervised({Agent, fn -> 0 end})
    Process.register(agent, :process_bans_test)

    for fine <- [self(), dead, agent, :process_bans_test, :nobody_of_this_name],
        do: assert(ProcessBans.check(fine) == :ok)
  end

  defp initial(pid) do
    with {:initial_call, {module, _, _}} <- Process.info(pid, :initial_call), do: module
  end
end
