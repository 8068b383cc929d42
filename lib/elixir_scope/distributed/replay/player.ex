defmodule ElixirScope.Distributed.Replay.Player do
  @moduledoc false
  # The process in which the callbacks of a replay run: one for all of them, as it was.

  alias ElixirScope.Distributed.Replay.Others

  @enforce_keys [:pid, :monitor]
  defstruct [:pid, :monitor]

  @type t :: %__MODULE__{pid: pid, monitor: reference}

  # Bytes of a text that says how a callback failed.
  @words 4_000

  @doc "Starts it; what it sends is told to `others`."
  @spec start(pid, Others.t()) :: t
  def start(runner, others) do
    {pid, monitor} = spawn_monitor(fn -> play(runner) end)
    Process.group_leader(pid, others.sink)
    :erlang.trace(pid, true, [:send, :set_on_spawn, {:tracer, others.collector}])
    %__MODULE__{pid: pid, monitor: monitor}
  end

  defp play(runner) do
    receive do
      {:play, ref, {module, function, arguments}} ->
        send(runner, {ref, outcome(module, function, arguments)})
        play(runner)
    end
  end

  defp outcome(module, function, arguments) do
    {:return, apply(module, function, arguments)}
  catch
    class, reason -> {:exception, class, reason}
  end

  @doc "Has it call a function."
  @spec begin(t, {module, atom, [term]}) :: reference
  def begin(%{pid: pid}, function) do
    ref = make_ref()
    send(pid, {:play, ref, function})
    ref
  end

  @doc "How that ended, or what it waits for, or why it is not waited for any longer."
  @spec await(t, reference, deadline :: integer) ::
          {:return, term}
          | {:exception, atom, term}
          | {:asked, there :: term, GenServer.from(), request :: term}
          | {:stopped, atom, term}
  def await(%{monitor: monitor}, ref, deadline) do
    receive do
      {^ref, outcome} -> outcome
      {:asked, _there, _from, _request} = asked -> asked
      {:DOWN, ^monitor, :process, _pid, reason} -> {:stopped, :ended, words({:exit, reason})}
      :too_large -> {:stopped, :memory, nil}
    after
      max(deadline - System.monotonic_time(:millisecond), 0) -> {:stopped, :deadline, nil}
    end
  end

  @doc "How something failed, in words."
  @spec words({atom, term}) :: String.t()
  def words({class, reason}) do
    class |> Exception.format_banner(reason) |> String.slice(0, @words)
  rescue
    # Some errors of the VM are more than Elixir can tell of.
    _no_words -> inspect({class, reason}, limit: 20)
  end
end
