defmodule ElixirScope.Distributed.Debug.Adapter.Hand do
  @moduledoc false
  # What belongs to a process belongs to this one: sessions, what follows from them. It does what its
  # server asks, one thing after the other, and hands everything on that it is told meanwhile, so that
  # the server never waits. It ends with the server.

  @doc "Starts the hand of the calling process."
  @spec start() :: pid
  def start do
    server = self()
    spawn_link(fn -> begin(server) end)
  end

  # What is linked to it may fall without ending the session.
  defp begin(server) do
    Process.flag(:trap_exit, true)
    loop(server, Process.monitor(server))
  end

  @doc "Has it call a function; `{:did, ref, result}` comes back."
  @spec call(pid, reference, {module, atom, [term]}) :: :ok
  def call(hand, ref, call) do
    send(hand, {:do, ref, call})
    :ok
  end

  defp loop(server, monitor) do
    receive do
      {:do, ref, call} -> send(server, {:did, ref, safely(call)})
      {:DOWN, ^monitor, :process, _server, _reason} -> exit(:shutdown)
      {:EXIT, _linked, _reason} -> :ok
      other -> send(server, other)
    end

    loop(server, monitor)
  end

  @doc "What a function returns; a crash is an answer, and no report in the log."
  @spec safely({module, atom, [term]}) :: term
  def safely({module, function, arguments}) do
    apply(module, function, arguments)
  catch
    :error, reason -> {:error, Exception.normalize(:error, reason, __STACKTRACE__)}
    _kind, reason -> {:error, {:crashed, reason}}
  end
end
