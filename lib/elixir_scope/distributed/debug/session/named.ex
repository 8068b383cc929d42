defmodule ElixirScope.Distributed.Debug.Session.Named do
  @moduledoc false
  # What sessions of one VM share: its name, and connections. A VM that has no name takes one for its first
  # session, as a tool that joins a cluster does, and gives it back after its last. A connection that a session
  # has opened is closed when no session needs it. What was there before is left as it is.

  use GenServer

  alias ElixirScope.Distributed.CLI.Join
  alias ElixirScope.Distributed.Debug.Session.Distribution

  @doc "The VM has a name, and may connect to these nodes, as long as the process `session` lives."
  @spec hold(pid, [node]) :: {:ok, :longnames | :shortnames} | {:error, String.t()}
  def hold(session, nodes \\ []) do
    with {:error, {:already_started, _pid}} <- GenServer.start(__MODULE__, :ok, name: __MODULE__),
         do: :ok

    GenServer.call(__MODULE__, {:hold, session, nodes}, :infinity)
  catch
    # It was giving the name back that very moment.
    :exit, {reason, _call} when reason in [:normal, :noproc] -> hold(session, nodes)
  end

  @doc "It does not need it any more."
  @spec release(pid) :: :ok
  def release(session), do: GenServer.cast(__MODULE__, {:release, session})

  @impl true
  def init(:ok), do: {:ok, %{ours: not Node.alive?(), held: %{}, before: []}}

  @impl true
  def handle_call({:hold, session, nodes}, _from, state) do
    case name(Node.alive?()) do
      {:ok, domain} -> {:reply, {:ok, domain}, held(state, session, nodes)}
      {:error, failure} -> {:stop, :normal, {:error, failure.message}, state}
    end
  end

  defp name(true = _alive), do: {:ok, Join.named()}
  defp name(false), do: with(:ok <- Join.be_named(:longnames), do: {:ok, :longnames})

  defp held(state, session, nodes) do
    known = state.before ++ used(state)
    before = for node <- nodes, node not in known, node in Node.list(:connected), do: node
    held = Map.put(state.held, Process.monitor(session), {session, nodes})
    %{state | held: held, before: before ++ state.before}
  end

  defp used(state), do: Enum.flat_map(state.held, fn {_monitor, {_pid, nodes}} -> nodes end)

  @impl true
  def handle_cast({:release, session}, state) do
    case Enum.find(state.held, &match?({_monitor, {^session, _nodes}}, &1)) do
      nil -> {:noreply, state}
      {monitor, _held} -> Process.demonitor(monitor, [:flush]) && let_go(state, monitor)
    end
  end

  @impl true
  def handle_info({:DOWN, monitor, :process, _session, _reason}, state),
    do: let_go(state, monitor)

  defp let_go(state, monitor) do
    {{_session, nodes}, held} = Map.pop!(state.held, monitor)
    state = %{state | held: held}
    for node <- nodes -- (used(state) ++ state.before), do: Distribution.disconnect(node)
    given_back(state)
  end

  defp given_back(%{held: held} = state) when held != %{}, do: {:noreply, state}

  defp given_back(state) do
    if state.ours, do: Join.leave()
    {:stop, :normal, state}
  end
end
