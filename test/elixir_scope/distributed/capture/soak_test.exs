defmodule ElixirScope.Distributed.Capture.SoakTest do
  # Traces that come and go over a load that goes on: seconds in the suite, half an hour with
  # SCOPE_LONG=1, or SOAK_SECONDS. It prints what the node's memory was before the load, when the
  # store had filled, and at the end: resident, and what the VM counts as its own.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope

  alias ElixirScope.Distributed.Capture.Offered

  @compile {:no_warn_undefined, ScopeTraced}
  @kinds Enum.filter([:process, :memory, :scheduling], &(Offered.families([&1]) == :ok))
  @moduletag timeout: :infinity
  @seconds String.to_integer(
             System.get_env("SOAK_SECONDS") ||
               if(System.get_env("SCOPE_LONG"), do: "1800", else: "6")
           )
  @mib 1024 * 1024
  @config [elixir_scope_distributed: [retention_bytes: 8 * @mib, ring_bytes: 16 * @mib]]

  @traced Path.expand("../../../shared/traced.exs", __DIR__)
  @store """
  defmodule SoakStore do
    use GenServer
    def init(nil), do: {:ok, %{}}
    def handle_call({:put, key, value}, _from, store), do: {:reply, :ok, Map.put(store, key, value)}
    def handle_call({:get, key}, _from, store), do: {:reply, store[key], store}
  end
  """

  test "memory is at the end what it was when the store was full" do
    [node] = start_nodes([:soaked], config: @config)
    on(node, fn -> Code.require_file(@traced) && Code.compile_string(@store) end)
    started = on(node, &memory/0)
    on(node, fn -> for n <- 1..3, do: spawn(fn -> load(n) end) end)

    filled = soak(node, div(@seconds, 3))
    ended = soak(node, @seconds - div(@seconds, 3))
    IO.puts("\nsoak of #{@seconds} s")
    for {at, memory} <- [start: started, full: filled, end: ended], do: say(at, memory)
    assert ended.events > filled.events
    assert ended.resident_mib - filled.resident_mib < 48
    assert ended.total_mib - filled.total_mib < 16
  end

  defp say(at, memory) do
    said = "resident #{memory.resident_mib} MiB, VM #{memory.total_mib} MiB"
    IO.puts("  #{at}: #{said}, stored #{memory.stored_mib} MiB, #{memory.events} events")
  end

  defp soak(node, seconds) do
    until = System.monotonic_time(:second) + seconds
    fn -> on(node, &round/0) end |> Stream.repeatedly() |> Enum.find(&over?(&1, until))
    on(node, &memory/0)
  end

  defp over?(_round, until), do: System.monotonic_time(:second) >= until

  # Half a second of everything that can be traced, by two traces at once.
  defp round do
    bounds = [events: 1_000_000, events_per_s: 1_000_000, cpu_percent: 1_000, bytes: 512 * @mib]
    bounds = bounds ++ [health: [run_queue: :infinity, scheduler: :infinity]]
    {:ok, one} = Scope.trace([ScopeTraced, SoakStore], [return: true, state: true] ++ bounds)
    more = [processes: :new, messages: true, kinds: @kinds]
    {:ok, other} = Scope.trace({ScopeTraced, :id}, more ++ bounds)
    pause(500)
    for trace <- [one, other], do: {:ok, _} = Scope.stop_trace(trace)
  end

  defp load(n) do
    {:ok, store} = GenServer.start_link(SoakStore, nil)
    Enum.each(Stream.cycle(1..500), &step(store, n, &1))
  end

  defp step(store, n, i) do
    Scope.with_correlation({n, i}, fn ->
      GenServer.call(store, {:put, rem(i, 50), %{id: i, name: "ada", items: [n, i]}})
      ScopeTraced.outer(GenServer.call(store, {:get, rem(i, 50)}))
      Task.await(Task.async(fn -> ScopeTraced.id(i) end))
    end)

    if rem(i, 10) == 0, do: pause(1)
  end

  # The time that a load takes is part of it.
  defp pause(ms), do: receive(do: (:never -> :ok), after: (ms -> :ok))

  defp memory do
    :erlang.garbage_collect()
    {:ok, %{store: store, rings: rings}} = Scope.status()
    [_, resident | _] = "/proc/self/statm" |> File.read!() |> String.split()

    %{
      resident_mib: div(String.to_integer(resident) * 4096, @mib),
      total_mib: div(:erlang.memory(:total), @mib),
      stored_mib: div(store.bytes, @mib),
      events: rings.recorded,
      lost: rings.lost
    }
  end
end
