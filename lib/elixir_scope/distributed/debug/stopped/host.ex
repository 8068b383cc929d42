defmodule ElixirScope.Distributed.Debug.Stopped.Host do
  @moduledoc false
  # Who wants to hear what stops on this VM, and which processes are driven. One per VM, started when it is
  # first needed. While it runs, whatever stops is attached to: with nobody to tell it goes on at once.
  #
  # It decides nothing about a process: `Driver` and `Course` do. Where a driver falls, or this process did,
  # what stood is let go.

  use GenServer

  alias ElixirScope.Distributed.Debug.{Int.Home, Int.Metas, Owners, Supervisor}
  alias ElixirScope.Distributed.Debug.Stopped.{Driver, Shelf}

  # The interpreter keeps every process that ended until it is told to forget them.
  @sweep_ms 5_000

  defstruct drivers: %{}, owners: nil

  @doc "Sees to it that whatever stops on this node is looked after."
  @spec ensure() :: {:ok, pid} | {:error, term}
  def ensure do
    # Owners first: a process that begins cannot have its own supervisor begin another.
    with true <- Metas.there?(), {:ok, _owners} <- Supervisor.ensure(:target, Owners) do
      Supervisor.ensure(:target, __MODULE__)
    else
      false -> {:error, :no_debugger}
      {:error, reason} -> {:error, reason}
    end
  end

  @doc "An owner wants to be told; `wants` is what else it said before is replaced by."
  @spec attach(pid, map) :: :ok
  def attach(owner, wants), do: GenServer.call(__MODULE__, {:attach, owner, wants})

  @doc "It no longer wants to."
  @spec detach(pid) :: :ok
  def detach(owner), do: GenServer.call(__MODULE__, {:detach, owner})

  @doc false
  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @impl true
  def init(_options) do
    with :ok <- Home.ensure(), {:ok, owners} <- Owners.subscribe() do
      Shelf.new()
      Process.monitor(owners)
      Process.send_after(self(), :sweep, @sweep_ms)
      Metas.attach_all({Driver, :found}, [:break])
      for {pid, :standing} <- Metas.all(), do: Metas.release(pid)
      {:ok, %__MODULE__{owners: owners}}
    else
      {:error, reason} -> {:stop, {:shutdown, reason}}
    end
  end

  @impl true
  def handle_call({:attach, owner, wants}, _from, state) do
    known = with :error <- Shelf.get({:owner, owner}), do: {:ok, %{auto: [], filters: []}}
    Shelf.put({:owner, owner}, Map.merge(elem(known, 1), wants))
    {:reply, :ok, watching(state)}
  end

  def handle_call({:detach, owner}, _from, state), do: {:reply, :ok, without(state, owner)}

  @impl true
  def handle_info({:driver, pid, driver}, state),
    do:
      {:noreply,
       %{state | drivers: Map.put(state.drivers, Process.monitor(driver), {pid, driver})}}

  def handle_info({:owner_gone, owner, _reason}, state), do: {:noreply, without(state, owner)}

  def handle_info(:sweep, state) do
    Process.send_after(self(), :sweep, @sweep_ms)
    Metas.sweep()
    {:noreply, state}
  end

  # Leases are lost: whoever is there comes anew.
  def handle_info({:DOWN, _monitor, :process, owners, _reason}, %{owners: owners} = state),
    do: {:stop, :owners_lost, state}

  def handle_info({:DOWN, monitor, :process, _driver, reason}, state) do
    {known, drivers} = Map.pop(state.drivers, monitor)
    with {pid, driver} <- known, do: driven(pid, driver, reason)
    {:noreply, %{state | drivers: drivers}}
  end

  def handle_info(_other, state), do: {:noreply, state}

  defp driven(pid, driver, reason) do
    if Shelf.get({:driver, pid}) == {:ok, driver} do
      Shelf.take({:driver, pid})
      Shelf.take({:standing, pid})
      Shelf.forget(pid)
      if reason != :normal, do: Metas.release(pid)
    end
  end

  defp without(state, owner) do
    Shelf.take({:owner, owner})

    for {_monitor, {_pid, driver}} <- state.drivers,
        do: GenServer.cast(driver, {:owner_gone, owner})

    watching(state)
  end

  # What ends is looked at only for who wants to see why: each end costs a process.
  defp watching(state) do
    uncaught? = Enum.any?(Shelf.owners(), fn {_owner, wants} -> :uncaught in wants.filters end)
    Metas.attach_all({Driver, :found}, if(uncaught?, do: [:break, :exit], else: [:break]))
    state
  end
end
