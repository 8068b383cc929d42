defmodule ElixirScope.Distributed.Debug.Owners do
  @moduledoc false
  # Who debugs here, and whether it is still there. What is interpreted, set or stopped belongs to an
  # *owner*, a process, mostly of another node. It is gone when it exits, when it says so, and when it did
  # not renew in time: so whatever happens to it or to the connection, nothing of it stays for longer
  # than its lease. Whoever keeps something for owners subscribes, and undoes it then.
  #
  # A cut connection alone says nothing of the owner: its lease decides. What this process knows is lost
  # when it falls; subscribers see that, and take all owners for gone.

  # Started again when it is needed again: those who depend on it end with it.
  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.Debug.{Owners.Leases, Supervisor}

  @lease_ms 10_000
  @longest_lease_ms 600_000
  @most 1_000

  defstruct leases: Leases.new(), since: %{}, monitors: %{}, subscribers: %{}, timer: nil

  @type owner :: pid
  @type gone :: :released | :lease | :lost | {:exited, term}

  @doc "For how long an owner is believed without a word from it, where it does not say."
  @spec lease_ms() :: pos_integer
  def lease_ms, do: @lease_ms

  @doc """
  An owner comes, or says how long it wants to be believed from now on, in milliseconds.

  `:infinity` is for owners of this node, whose end is seen without a lease.
  """
  @spec hold(owner, pos_integer | :infinity) :: :ok | {:error, term}
  def hold(owner, lease \\ @lease_ms)

  def hold(owner, lease) when is_pid(owner) and lease in 1..@longest_lease_ms,
    do: ask({:hold, owner, lease})

  def hold(owner, :infinity) when node(owner) == node(), do: ask({:hold, owner, :infinity})
  def hold(_owner, _lease), do: {:error, :bad_lease}

  @doc "An owner that is not known yet comes: until its end, if it is one of this node."
  @spec admit(owner) :: :ok | {:error, term}
  def admit(owner) when node(owner) == node(), do: ask({:admit, owner, :infinity})
  def admit(owner), do: ask({:admit, owner, @lease_ms})

  @doc "An owner is still there. `:unknown_owner`: what belonged to it is undone, and it may come anew."
  @spec renew(owner) :: :ok | {:error, :unknown_owner | term}
  def renew(owner), do: ask({:renew, owner})

  @doc """
  From when on an owner is known, as a reference: another one, once it was gone in between. Several parts
  speak for one owner; by this one of them sees what was undone, although another one has held it since.
  """
  @spec since(owner) :: {:ok, reference} | {:error, :unknown_owner | term}
  def since(owner), do: ask({:since, owner})

  @doc "An owner goes, and all that belongs to it with it."
  @spec release(owner) :: :ok | {:error, term}
  def release(owner), do: if(running?(), do: ask({:release, owner}), else: :ok)

  @doc "The calling process is told `{:owner_gone, owner, reason}`; the process to be monitored is returned."
  @spec subscribe() :: {:ok, pid} | {:error, term}
  def subscribe do
    with {:ok, pid} <- Supervisor.ensure(:target, __MODULE__),
         :ok <- GenServer.call(pid, {:subscribe, self()}),
         do: {:ok, pid}
  end

  @doc "Starts it, where it does not run: before whatever subscribes is started, as nothing is while that is."
  @spec ensure() :: :ok | {:error, term}
  def ensure, do: with({:ok, _pid} <- Supervisor.ensure(:target, __MODULE__), do: :ok)

  @doc "Who is there."
  @spec list() :: [owner]
  def list, do: if(running?(), do: GenServer.call(__MODULE__, :list), else: [])

  @doc false
  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  defp running?, do: Process.whereis(__MODULE__) != nil

  defp ask(request) do
    with {:ok, pid} <- Supervisor.ensure(:target, __MODULE__), do: GenServer.call(pid, request)
  end

  @impl true
  def init(_options), do: {:ok, %__MODULE__{}}

  @impl true
  def handle_call({:admit, owner, lease}, from, state) do
    if is_map_key(state.leases, owner),
      do: {:reply, :ok, state},
      else: handle_call({:hold, owner, lease}, from, state)
  end

  def handle_call({:hold, owner, lease}, _from, state) do
    if map_size(state.leases) < @most or is_map_key(state.leases, owner),
      do: {:reply, :ok, state |> watch(owner) |> leased(owner, lease) |> timed()},
      else: {:reply, {:error, :too_many_owners}, state}
  end

  def handle_call({:renew, owner}, _from, state) do
    case Leases.renew(state.leases, owner, now()) do
      {:ok, leases} -> {:reply, :ok, %{state | leases: leases} |> watch(owner) |> timed()}
      :error -> {:reply, {:error, :unknown_owner}, expire(state)}
    end
  end

  def handle_call({:release, owner}, _from, state),
    do: {:reply, :ok, gone(state, owner, :released)}

  def handle_call({:since, owner}, _from, state) do
    with :error <- Map.fetch(state.since, owner),
         do: {:reply, {:error, :unknown_owner}, state},
         else: ({:ok, since} -> {:reply, {:ok, since}, state})
  end

  def handle_call({:subscribe, pid}, _from, state) do
    monitor = Map.get_lazy(state.subscribers, pid, fn -> Process.monitor(pid) end)
    {:reply, :ok, %{state | subscribers: Map.put(state.subscribers, pid, monitor)}}
  end

  def handle_call(:list, _from, state), do: {:reply, Leases.owners(state.leases), state}

  @impl true
  def handle_info(:expire, state), do: {:noreply, expire(%{state | timer: nil})}

  def handle_info({:DOWN, monitor, :process, pid, reason}, state) do
    case state do
      %{subscribers: %{^pid => ^monitor}} ->
        {:noreply, lost(%{state | subscribers: Map.delete(state.subscribers, pid)}, reason)}

      %{monitors: %{^pid => ^monitor}} ->
        {:noreply, down(%{state | monitors: Map.delete(state.monitors, pid)}, pid, reason)}

      _other ->
        {:noreply, state}
    end
  end

  # What it kept for owners fell with it: they are told that they are not known, and come again.
  defp lost(state, reason) when reason in [:normal, :shutdown], do: state
  defp lost(state, {:shutdown, _why}), do: state

  defp lost(state, _fell),
    do: Enum.reduce(Leases.owners(state.leases), state, &gone(&2, &1, :lost))

  # It may live on behind the cut, and it may be that it does not.
  defp down(state, _owner, :noconnection), do: state
  defp down(state, owner, reason), do: gone(state, owner, {:exited, reason})

  defp watch(%{monitors: monitors} = state, owner) when is_map_key(monitors, owner), do: state

  defp watch(state, owner),
    do: %{state | monitors: Map.put(state.monitors, owner, Process.monitor(owner))}

  defp leased(state, owner, lease),
    do: %{
      state
      | leases: Leases.hold(state.leases, owner, lease, now()),
        since: Map.put_new_lazy(state.since, owner, &make_ref/0)
    }

  defp expire(state) do
    {gone, leases} = Leases.expire(state.leases, now())
    Enum.each(gone, &tell(state, &1, :lease))
    %{state | leases: leases} |> forget(gone) |> timed()
  end

  defp gone(state, owner, reason) do
    {was_there?, leases} = Leases.release(state.leases, owner)
    if was_there?, do: tell(state, owner, reason)
    %{state | leases: leases} |> forget([owner]) |> timed()
  end

  defp forget(state, owners) do
    {left, monitors} = Map.split(state.monitors, owners)
    Enum.each(left, fn {_owner, monitor} -> Process.demonitor(monitor, [:flush]) end)
    %{state | monitors: monitors, since: Map.drop(state.since, owners)}
  end

  defp tell(state, owner, reason),
    do: Enum.each(state.subscribers, fn {pid, _} -> send(pid, {:owner_gone, owner, reason}) end)

  defp timed(state) do
    if state.timer, do: Process.cancel_timer(state.timer)

    case Leases.next(state.leases, now()) do
      :infinity -> %{state | timer: nil}
      ms -> %{state | timer: Process.send_after(self(), :expire, ms)}
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
