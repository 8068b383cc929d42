defmodule ElixirScope.Distributed.Asking do
  @moduledoc false
  # Asks a service again and again, some processes at a time, and counts how each call ended: by who
  # answered it, or why nobody did, and whether that was in time.

  use GenServer

  alias ElixirScope.Distributed.Debug.Services

  @grace_ms 250

  @doc "Begins, not linked to the caller. `every_ms` is the pause of each of `callers` processes."
  def start(call, options),
    do: GenServer.start(__MODULE__, {call, Map.new(options)}, name: __MODULE__)

  @doc "How the calls ended until now."
  def counts, do: Map.new(:ets.tab2list(__MODULE__))

  @doc "Ends, once every call has."
  def stop, do: GenServer.call(__MODULE__, :stop, :infinity)

  @impl true
  def init({call, options}) do
    :ets.new(__MODULE__, [:named_table, :public, write_concurrency: true])
    callers = for _ <- 1..options.callers, do: spawn_link(fn -> ask(call, options) end)
    {:ok, callers}
  end

  @impl true
  def handle_call(:stop, _from, callers) do
    Process.flag(:trap_exit, true)
    for pid <- callers, do: send(pid, :stop)
    for pid <- callers, do: receive(do: ({:EXIT, ^pid, _reason} -> :ok))
    {:reply, counts(), []}
  end

  defp ask(call, options) do
    Process.send_after(self(), :again, options.every_ms)
    count(call, options)

    receive do
      :again -> ask(call, options)
      :stop -> :ok
    end
  end

  defp count({service, operation, args}, %{timeout_ms: timeout_ms}) do
    began = System.monotonic_time(:millisecond)
    result = Services.call(service, operation, args, timeout_ms: timeout_ms)
    took = System.monotonic_time(:millisecond) - began
    how = if took <= timeout_ms + @grace_ms, do: ended(result), else: :too_long
    :ets.update_counter(__MODULE__, how, 1, {how, 0})
  end

  defp ended({:ok, _value, %{source: source}}), do: source
  defp ended({:error, %{reason: reason}}), do: {:error, reason}
  defp ended({:error, reason}) when is_tuple(reason), do: {:error, elem(reason, 0)}
  defp ended({:error, reason}), do: {:error, reason}
end
