defmodule ElixirScope.Distributed.Cluster.Reach do
  @moduledoc false
  # What takes its time when others are to be reached: setting up a connection can take
  # seconds, and so can asking after a node. Each runs in a worker of its own, and what it
  # found is told to the scope's coordinator.

  require Logger

  alias ElixirScope.Distributed.{GlobalClock, NodeCoordinator, Scope, Transport}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  @doc "Tries to connect to `node`, the `attempt`-th time; the outcome comes in any case."
  @spec connect(Scope.t(), node, non_neg_integer) :: :ok
  def connect(%{transport: {transport, name}} = scope, node, attempt) do
    work(scope, fn ->
      case attempt(fn -> transport.connect(name, node) end) do
        :ok -> tell(scope, {:reached, node})
        {:error, reason} -> tell(scope, {:found, node, reason, attempt})
      end
    end)
  end

  @doc "Finds out why `node` is gone."
  @spec diagnose(Scope.t(), node) :: :ok
  def diagnose(scope, node),
    do: work(scope, fn -> tell(scope, {:found, node, Transport.diagnose(scope, node), nil}) end)

  @doc "What runs above the store starts again, under the name that this VM has now."
  @spec rename(Scope.t(), node) :: true
  def rename(scope, node) do
    Logger.info("this node is #{node} from now on; a new incarnation begins",
      domain: [:elixir_scope]
    )

    :ok = Storage.renew(%{scope | node: node})
    Process.exit(Scope.whereis(scope.name, GlobalClock), :renamed)
  end

  # A transport that fails has not reached anybody.
  defp attempt(fun) do
    fun.()
  catch
    _kind, _reason -> {:error, :unreachable}
  end

  defp tell(scope, what), do: Scope.cast(scope.name, NodeCoordinator, what)

  defp work(scope, fun) do
    {:ok, _worker} =
      Task.Supervisor.start_child(Scope.via(scope.name, Task.Supervisor), fn ->
        Scope.hide()
        fun.()
      end)

    :ok
  end
end
