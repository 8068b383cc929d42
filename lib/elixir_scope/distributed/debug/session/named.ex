defmodule ElixirScope.Distributed.Debug.Session.Named do
  @moduledoc false
  # The name of the VM that debugs. One that has none takes one for its first session, as a tool that joins a
  # cluster does, and gives it back after its last; a name that it had is left as it is.

  use GenServer

  alias ElixirScope.Distributed.CLI.Join

  @doc "The VM has a name as long as the process `session` lives, or as it had one before."
  @spec hold(pid) :: {:ok, :longnames | :shortnames} | {:error, String.t()}
  def hold(session) do
    with {:error, {:already_started, _pid}} <- GenServer.start(__MODULE__, :ok, name: __MODULE__),
         do: :ok

    GenServer.call(__MODULE__, {:hold, session}, :infinity)
  catch
    # It was giving the name back that very moment.
    :exit, {reason, _call} when reason in [:normal, :noproc] -> hold(session)
  end

  @impl true
  def init(:ok), do: {:ok, %{ours: not Node.alive?(), held: %{}}}

  @impl true
  def handle_call({:hold, session}, _from, state) do
    case name(Node.alive?()) do
      {:ok, domain} -> {:reply, {:ok, domain}, held(state, session)}
      {:error, failure} -> {:stop, :normal, {:error, failure.message}, state}
    end
  end

  defp name(true = _alive), do: {:ok, Join.named()}
  defp name(false), do: with(:ok <- Join.be_named(:longnames), do: {:ok, :longnames})

  defp held(state, session), do: put_in(state.held[Process.monitor(session)], session)

  @impl true
  def handle_info({:DOWN, monitor, :process, _session, _reason}, state),
    do: given_back(%{state | held: Map.delete(state.held, monitor)})

  defp given_back(%{held: held} = state) when held != %{}, do: {:noreply, state}

  defp given_back(state) do
    if state.ours, do: Join.leave()
    {:stop, :normal, state}
  end
end
