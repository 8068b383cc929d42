defmodule ElixirScope.Distributed.Case.Peer do
  @moduledoc false
  # One test node as a process: it holds the control connection and the operating
  # system's pid, knows which ways are cut, and survives what is done to the node,
  # so that a killed node can be started again under its name. When this process
  # ends, its node ends.

  use GenServer, restart: :temporary, shutdown: 10_000

  alias ElixirScope.Distributed.Case.{Boot, Gate, Run}

  @enforce_keys [:node, :mates, :settings]
  defstruct [:node, :mates, :settings, :control, :os_pid, :failure, closed: [], frozen: false]

  @patience_ms 60_000

  @type spec :: {node, mates :: [node], Boot.settings()}

  @doc "Starts the process of one node; the node itself starts behind it."
  @spec start_link(spec) :: GenServer.on_start()
  def start_link({node, _mates, _settings} = spec) do
    GenServer.start_link(__MODULE__, spec, name: Run.via(node))
  end

  @doc false
  def child_spec({node, _mates, _settings} = spec), do: %{super(spec) | id: node}

  @doc "Waits until the node runs; says why it does not."
  @spec await(node) :: :ok | {:error, term}
  def await(node), do: ask(node, :await)

  @doc "The control connection of a node that can answer."
  @spec control(node) :: {:ok, pid} | {:error, :down | :frozen}
  def control(node), do: ask(node, :control)

  @doc "The operating system's pid of a node that runs."
  @spec os_pid(node) :: String.t() | nil
  def os_pid(node), do: ask(node, :os_pid)

  @doc "The nodes that were started together with this one."
  @spec mates(node) :: [node]
  def mates(node), do: ask(node, :mates)

  @doc "Ends the operating system process, unasked; returns when it is gone."
  @spec kill(node) :: :ok
  def kill(node), do: ask(node, :kill)

  @doc "Ends the node in order; returns when it is gone."
  @spec stop(node) :: :ok
  def stop(node), do: ask(node, :stop)

  @doc "Starts the node again, under its name and with its settings."
  @spec boot(node) :: :ok | {:error, term}
  def boot(node), do: ask(node, :boot)

  @doc "Replaces the list of nodes this one cannot open a connection to."
  @spec close(node, [node], [node]) :: :ok
  def close(node, add, remove \\ []), do: ask(node, {:close, add, remove})

  @doc "Stops the operating system process where it is."
  @spec freeze(node) :: :ok
  def freeze(node), do: ask(node, :freeze)

  @doc "Lets a frozen one go on."
  @spec thaw(node) :: :ok
  def thaw(node), do: ask(node, :thaw)

  defp ask(node, request) do
    Run.known?(node) || raise ArgumentError, "#{node} is not a node of this test"
    GenServer.call(Run.via(node), request, @patience_ms)
  end

  # Callbacks

  @impl true
  def init({node, mates, settings}) do
    Process.flag(:trap_exit, true)
    {:ok, %__MODULE__{node: node, mates: mates, settings: settings}, {:continue, :boot}}
  end

  @impl true
  def handle_continue(:boot, state), do: {:noreply, started(state)}

  @impl true
  def handle_call(:await, _from, state), do: {:reply, outcome(state), state}
  def handle_call(:control, _from, %{control: nil} = state), do: {:reply, {:error, :down}, state}

  def handle_call(:control, _from, %{frozen: true} = state),
    do: {:reply, {:error, :frozen}, state}

  def handle_call(:control, _from, state), do: {:reply, {:ok, state.control}, state}
  def handle_call(:os_pid, _from, state), do: {:reply, state.control && state.os_pid, state}
  def handle_call(:mates, _from, state), do: {:reply, state.mates, state}
  def handle_call(:kill, _from, state), do: {:reply, :ok, killed(state)}
  def handle_call(:stop, _from, state), do: {:reply, :ok, stopped(state)}
  def handle_call(:freeze, _from, state), do: {:reply, :ok, frozen(state)}
  def handle_call(:thaw, _from, state), do: {:reply, :ok, thawed(state)}

  def handle_call(:boot, _from, state) do
    state = state |> killed() |> started()
    {:reply, outcome(state), state}
  end

  def handle_call({:close, add, remove}, _from, state) do
    {:reply, :ok, gate(%{state | closed: Enum.uniq(state.closed ++ add) -- remove})}
  end

  @impl true
  def handle_info({:EXIT, control, _reason}, %{control: control} = state) do
    {:noreply, ended(state)}
  end

  # A node that did not come up, and the port of every `kill`, end here too.
  def handle_info({:EXIT, _ended, _reason}, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state), do: killed(state)

  # Helpers

  defp started(state) do
    case Boot.start(state.node, state.settings) do
      {:ok, control} -> prepared(%{state | control: control, failure: nil})
      {:error, reason} -> %{state | failure: reason}
    end
  end

  defp prepared(state) do
    os_pid = state.control |> :peer.call(:os, :getpid, [], :infinity) |> to_string()
    state = gate(%{state | os_pid: os_pid})

    case Boot.prepare(state.control, state.settings) do
      :ok -> state
      {:error, reason} -> killed(%{state | failure: reason})
    end
  end

  # A node that cannot be told now is told when it starts or thaws.
  defp gate(%{control: control, frozen: frozen} = state) when control == nil or frozen, do: state

  defp gate(state) do
    :ok = :peer.call(state.control, Gate, :close, [state.closed], :infinity)
    state
  end

  defp frozen(state) do
    signalled(state, "STOP")
    %{state | frozen: state.control != nil}
  end

  defp thawed(state) do
    signalled(state, "CONT")
    gate(%{state | frozen: false})
  end

  defp outcome(%{failure: nil}), do: :ok
  defp outcome(%{failure: reason}), do: {:error, reason}

  defp killed(%{control: nil} = state), do: state

  defp killed(state) do
    signalled(state, "KILL")
    gone(state)
  end

  defp stopped(%{control: nil} = state), do: state

  defp stopped(state) do
    :peer.cast(state.control, :init, :stop, [])
    gone(state)
  end

  defp gone(%{control: control} = state) do
    receive do
      {:EXIT, ^control, _reason} -> ended(state)
    end
  end

  defp ended(state), do: %{state | control: nil, frozen: false}

  # The pid is that of a node which is known to run: its control connection is open.
  defp signalled(%{control: nil}, _signal), do: :ok

  defp signalled(state, signal) do
    {_output, 0} = System.cmd("kill", ["-#{signal}", state.os_pid], stderr_to_stdout: true)
    :ok
  end
end
