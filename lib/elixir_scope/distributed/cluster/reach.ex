defmodule ElixirScope.Distributed.Cluster.Reach do
  @moduledoc false
  # What takes its time when others are to be reached: setting up a connection can take
  # seconds, and so can asking after a node. Each runs in a worker of its own, and what it
  # found is told to the scope's coordinator.

  require Logger

  alias ElixirScope.Distributed.{GlobalClock, NodeCoordinator, Scope, Transport}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @doc "Tries to connect to `node`."
  @spec connect(Scope.t(), node) :: :ok
  def connect(%{transport: {transport, name}} = scope, node) do
    work(scope, fn ->
      case transport.connect(name, node) do
        :ok -> Scope.cast(scope.name, NodeCoordinator, {:transport, :up, node})
        {:error, reason} -> found(scope, node, reason)
      end
    end)
  end

  @doc "Finds out why `node` is gone."
  @spec diagnose(Scope.t(), node) :: :ok
  def diagnose(scope, node),
    do: work(scope, fn -> found(scope, node, Transport.diagnose(scope, node)) end)

  @doc "What runs above the store starts again, under the name that this VM has now."
  @spec rename(Scope.t(), node) :: true
  def rename(scope, node) do
    Logger.info("this node is #{node} from now on; a new incarnation begins",
      domain: [:elixir_scope]
    )

    :ok = Storage.renew(scope, node)
    Process.exit(Scope.whereis(scope.name, GlobalClock), :renamed)
  end

  defp found(scope, node, reason),
    do: Scope.cast(scope.name, NodeCoordinator, {:found, node, reason})

  defp work(scope, fun) do
    {:ok, _worker} =
      Task.Supervisor.start_child(Scope.via(scope.name, Task.Supervisor), fn ->
        Scope.hide()
        fun.()
      end)

    :ok
  end
end
