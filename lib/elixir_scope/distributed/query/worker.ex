defmodule ElixirScope.Distributed.Query.Worker do
  @moduledoc false
  # A process that reads for another one, and ends with it. No process of the application enters a
  # dirty scheduler for us, and nobody reads on for who is gone.

  alias ElixirScope.Distributed.Scope

  @doc "Starts a worker of the calling process; it is monitored by it."
  @spec start(Scope.t(), (pid -> term)) :: {pid, monitor :: reference}
  def start(scope, fun) do
    asker = self()
    {:ok, worker} = child(scope, fn -> fun.(asker) end)
    {:ok, _guard} = child(scope, fn -> guard(asker, worker) end)
    {worker, Process.monitor(worker)}
  end

  @doc "What `fun` returns, worked out in a worker."
  @spec run(Scope.t(), (... -> result)) :: {:ok, result} | {:exit, term} when result: term
  def run(scope, fun) do
    ref = make_ref()
    {_worker, monitor} = start(scope, fn asker -> send(asker, {ref, fun.()}) end)

    receive do
      {^ref, result} ->
        Process.demonitor(monitor, [:flush])
        {:ok, result}

      {:DOWN, ^monitor, :process, _pid, reason} ->
        {:exit, reason}
    end
  end

  @doc "Ends a worker before it is done."
  @spec stop({pid, reference}) :: :ok
  def stop({worker, monitor}) do
    Process.demonitor(monitor, [:flush])
    Process.exit(worker, :kill)
    :ok
  end

  defp child(scope, fun) do
    Task.Supervisor.start_child(Scope.via(scope.name, Task.Supervisor), fn ->
      Scope.hide()
      fun.()
    end)
  end

  defp guard(asker, worker) do
    {asking, working} = {Process.monitor(asker), Process.monitor(worker)}

    receive do
      {:DOWN, ^asking, :process, _pid, _reason} -> Process.exit(worker, :kill)
      {:DOWN, ^working, :process, _pid, _reason} -> :ok
    end
  end
end
