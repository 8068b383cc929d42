defmodule ElixirScope.Distributed.Case.Run do
  @moduledoc false
  # What all nodes of one test run share: the epmd, the cookie and the register in
  # which a node's name finds the process that controls it. Started by the first
  # node and tied to no test, so that the next test finds it warm.

  use Supervisor

  alias ElixirScope.Distributed.Case.Epmd

  @nodes Module.concat(__MODULE__, Nodes)

  @doc "Starts what the nodes share, once."
  @spec ensure_started :: :ok
  def ensure_started do
    case Supervisor.start_link(__MODULE__, :ok, name: __MODULE__) do
      {:ok, run} -> detach(run)
      {:error, {:already_started, _run}} -> :ok
      {:error, reason} -> raise "test nodes cannot be started: #{inspect(reason)}"
    end
  end

  @doc "The name under which the control of `node` is registered."
  @spec via(node) :: {:via, module, term}
  def via(node), do: {:via, Registry, {@nodes, node}}

  @doc "Whether `node` was started by this run and not yet given up."
  @spec known?(node) :: boolean
  def known?(node) do
    Process.whereis(@nodes) != nil and Registry.lookup(@nodes, node) != []
  end

  @doc "The cookie of this run: nodes of another run that find ours cannot join."
  @spec cookie :: atom
  def cookie, do: :persistent_term.get({__MODULE__, :cookie})

  @impl true
  def init(:ok) do
    :persistent_term.put({__MODULE__, :cookie}, random_cookie())
    Supervisor.init([{Registry, keys: :unique, name: @nodes}, Epmd], strategy: :one_for_one)
  end

  defp detach(run) do
    Process.unlink(run)
    :ok
  end

  # The first letter is always one: an argument that begins with a dash is another flag.
  defp random_cookie do
    String.to_atom("c" <> (18 |> :rand.bytes() |> Base.url_encode64(padding: false)))
  end
end
