defmodule ElixirScope.Distributed.Capture.Sources.Vitals do
  @moduledoc false
  # Looks at the node and at some of its processes now and then.

  use GenServer

  alias ElixirScope.Distributed.Capture.Recorder
  alias ElixirScope.Distributed.Capture.Sources.Top

  # Looking at a process takes a microsecond or two.
  @looked_at 10_000

  @items [:reductions, :memory, :message_queue_len, :registered_name]
  @memory [:total, :processes, :system, :atom, :binary, :code, :ets]

  @doc false
  def start_link(options), do: GenServer.start_link(__MODULE__, options)

  @impl true
  def init(options) do
    # Counted by the VM, and off again when this process ends.
    :erlang.system_flag(:scheduler_wall_time, true)
    state = %{options: options, walls: walls(), reductions: %{}, next: 0}
    {:ok, state, {:continue, :wait}}
  end

  @impl true
  def handle_continue(:wait, state) do
    Process.send_after(self(), :sample, state.options[:interval_ms])
    {:noreply, state}
  end

  @impl true
  def handle_info(:sample, state), do: {:noreply, sample(state), {:continue, :wait}}
  def handle_info(_other, state), do: {:noreply, state}

  defp sample(state) do
    walls = walls()
    Recorder.vitals(nil, node(state.walls, walls))
    processes(state.options[:processes], %{state | walls: walls})
  end

  defp node(before, now) do
    {schedulers, dirty} = now |> busy(before) |> Enum.split(:erlang.system_info(:schedulers))

    %{
      schedulers: schedulers,
      dirty_cpu: mean(dirty),
      run_queue: :erlang.statistics(:total_run_queue_lengths),
      memory: Map.new(:erlang.memory(@memory)),
      processes: :erlang.system_info(:process_count)
    }
  end

  defp walls, do: Enum.sort(:erlang.statistics(:scheduler_wall_time))

  defp busy(now, before) do
    for {{id, active, total}, {id, active_before, total_before}} <- Enum.zip(now, before),
        do: share(active - active_before, total - total_before)
  end

  defp share(_active, 0), do: 0.0
  defp share(active, total), do: Float.round(active / total, 3)

  defp mean([]), do: 0.0
  defp mean(shares), do: Float.round(Enum.sum(shares) / length(shares), 3)

  defp processes(0, state), do: state

  defp processes(count, state) do
    {pids, next} = window(Process.list(), state.next)
    looked = for pid <- pids, pid != self(), info = Process.info(pid, @items), do: {pid, info}
    for {pid, data} <- Top.of(looked, state.reductions, count), do: Recorder.vitals(pid, data)

    %{
      state
      | next: next,
        reductions: Map.new(looked, fn {pid, info} -> {pid, info[:reductions]} end)
    }
  end

  defp window(pids, next) do
    case Enum.slice(pids, next, @looked_at) do
      [] when next > 0 -> window(pids, 0)
      slice when length(slice) < @looked_at -> {slice, 0}
      slice -> {slice, next + @looked_at}
    end
  end
end
