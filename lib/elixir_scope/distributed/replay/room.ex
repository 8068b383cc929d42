defmodule ElixirScope.Distributed.Replay.Room do
  @moduledoc false
  # The node of a replay, and the process that owns it: begun for one replay, and ended with it, with
  # whoever asked for it, or at its deadline, by the operating system. Nothing of it stays.
  #
  # It is started without a name, so that it has no distribution, is controlled over its standard input and
  # output, and may open no more files than `@files`, of which `Seal` takes all that are left. Its
  # folder is a new one of its own.

  alias ElixirScope.Distributed.{Error, Scope}
  alias ElixirScope.Distributed.Replay.Runner

  # File descriptors of the node, and ports: the least that the VM takes.
  @files 256
  @ports 1_024

  @boot_ms 30_000

  # How much longer than the replay itself all else may take: code to load, an answer to travel.
  @more_ms 5_000

  @doc "Runs a request in a node of its own."
  @spec run(Scope.t(), map) :: {:ok, Runner.result()} | {:error, Error.t()}
  def run(scope, request) do
    {asker, ref} = {self(), make_ref()}
    workers = Scope.via(scope.name, Task.Supervisor)
    {:ok, owner} = Task.Supervisor.start_child(workers, fn -> own(asker, ref, request) end)
    monitor = Process.monitor(owner)

    receive do
      {^ref, result} ->
        Process.demonitor(monitor, [:flush])
        result

      {:DOWN, ^monitor, :process, _pid, reason} ->
        failed(
          :no_replay_node,
          "the process that owned the replay node failed: #{inspect(reason)}"
        )
    end
  end

  # Who owns the node ends it whatever happens to those who wait for it.
  defp own(asker, ref, request) do
    Scope.hide()
    Process.flag(:trap_exit, true)
    monitor = Process.monitor(asker)
    folder = folder()

    # Whoever has the answer finds nothing of it left.
    result =
      try do
        in_node(folder, monitor, request)
      after
        File.rm_rf(folder)
      end

    send(asker, {ref, result})
  end

  defp folder do
    name = "elixir_scope_replay_#{System.pid()}_#{System.unique_integer([:positive])}"
    folder = Path.join(System.tmp_dir!(), name)
    File.mkdir_p!(folder)
    folder
  end

  defp in_node(folder, asker, request) do
    case :peer.start_link(peer(folder)) do
      {:ok, control, _node} ->
        occupied(control, asker, request)

      {:error, reason} ->
        failed(:no_replay_node, "no node could be started for it: #{inspect(reason)}")
    end
  catch
    :exit, reason ->
      failed(:no_replay_node, "no node could be started for it: #{inspect(reason)}")
  end

  defp peer(folder) do
    %{
      connection: :standard_io,
      wait_boot: @boot_ms,
      env: [{~c"ERL_CRASH_DUMP_SECONDS", ~c"0"}],
      exec: {~c"/bin/sh", [~c"-c", shell(folder), erl()]},
      args: Enum.map(arguments(), &to_charlist/1)
    }
  end

  # The limits hold for what the shell becomes.
  defp shell(folder), do: ~c"cd '#{folder}' && ulimit -n #{@files} && exec \"$0\" \"$@\""

  # Where a release has brought its own Erlang, it stands beside it.
  defp erl do
    root = to_string(:code.root_dir())
    version = to_string(:erlang.system_info(:version))
    own = for folder <- ["bin", "erts-#{version}/bin"], do: Path.join([root, folder, "erl"])
    found = Enum.find(own, &File.regular?/1) || System.find_executable("erl") || "erl"
    to_charlist(found)
  end

  defp arguments do
    ~w(-kernel logger_level none -kernel dist_auto_connect never +Q #{@ports}) ++
      ~w(+sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false) ++
      ["-scope_replay_of", System.pid(), "-pa" | code_paths()]
  end

  defp code_paths do
    root = to_string(:code.lib_dir())
    :code.get_path() |> Enum.map(&Path.expand/1) |> Enum.reject(&String.starts_with?(&1, root))
  end

  defp occupied(control, asker, request) do
    os_pid = control |> :peer.call(:os, :getpid, []) |> to_string()
    control |> prepared(asker, request) |> ended(control, os_pid)
  end

  # What ends it: its result, its deadline, its own end, or that of who asked.
  defp prepared(control, asker, request) do
    {owner, ref} = {self(), make_ref()}
    spawn_link(fn -> send(owner, {ref, call(control, request)}) end)

    receive do
      {^ref, result} ->
        result

      {:EXIT, ^control, reason} ->
        failed(
          :replay_node_ended,
          "the replay node ended (#{inspect(reason)}): a callback has stopped it, or it had no room"
        )

      {:EXIT, supervisor, reason} when supervisor != control and reason != :normal ->
        failed(:no_replay_node, "its scope ends")

      {:DOWN, ^asker, :process, _pid, _reason} ->
        failed(:no_replay_node, "nobody waits for it")
    after
      request.deadline_ms + @boot_ms ->
        failed(:replay_too_long, "the replay node does not answer any more")
    end
  end

  defp call(control, request) do
    with :ok <- loaded(control, request) do
      {:ok, _started} = :peer.call(control, :application, :ensure_all_started, [:logger])
      :peer.call(control, Runner, :run, [request], request.deadline_ms + @more_ms)
    end
  catch
    :exit, reason ->
      failed(:replay_too_long, "the replay node does not answer: #{inspect(reason, limit: 5)}")

    _class, reason ->
      failed(:no_replay_node, "it failed there: #{inspect(reason, limit: 20)}")
  end

  # What is in memory alone cannot be loaded there.
  defp loaded(control, %{module: module}) do
    case :peer.call(control, :code, :ensure_loaded, [module]) do
      {:module, ^module} ->
        :ok

      {:error, reason} ->
        failed(
          :no_code,
          "#{inspect(module)} cannot be loaded from the code paths of this node (#{inspect(reason)}): what was compiled in memory has no file"
        )
    end
  end

  # A callback may have left the VM unable to end by itself. While its control connection is there, the
  # pid is that of no other process.
  defp ended(result, control, os_pid) do
    if Process.alive?(control), do: kill(control, os_pid)
    result
  end

  defp kill(control, os_pid) do
    System.cmd("kill", ["-KILL", os_pid], stderr_to_stdout: true)

    receive do
      {:EXIT, ^control, _reason} -> :ok
    after
      @more_ms -> :ok
    end
  end

  defp failed(reason, message), do: {:error, Error.new(reason, message: message)}
end
