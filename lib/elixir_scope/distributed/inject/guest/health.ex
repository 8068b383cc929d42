defmodule ElixirScope.Distributed.Inject.Guest.Health do
  @moduledoc false
  # Whether the node can afford to be traced, by the thresholds of `Capture.Health`: memory is looked
  # at as it is, all else over half a second, so that a burst is no trip.

  alias ElixirScope.Distributed.Inject.Guest.Budget

  @lasting_ns 500_000_000

  # In this order, as the first that is reached is named.
  @names [:run_queue, :memory, :available, :scheduler, :dist_ports]

  @type t :: %{thresholds: map, readings: [{integer, map}]}

  @doc "Begins to look. While the calling process lives the VM measures its schedulers."
  @spec start(map, integer) :: t
  def start(thresholds, now_ns) do
    :erlang.system_flag(:scheduler_wall_time, true)
    %{thresholds: thresholds, readings: [{now_ns, reading()}]}
  end

  @doc "Looks again: the threshold that was reached, if one was."
  @spec check(t, integer) :: {Budget.trip() | nil, t}
  def check(health, now_ns) do
    young? = fn {at, _reading} -> now_ns - at < @lasting_ns end
    {recent, old} = :lists.splitwith(young?, [{now_ns, reading()} | health.readings])
    sample = sample(recent, :lists.sublist(old, 1))

    {judge(@names, sample, health.thresholds),
     %{health | readings: recent ++ :lists.sublist(old, 1)}}
  end

  defp judge([], _sample, _thresholds), do: nil

  defp judge([name | names], sample, thresholds) do
    limit = :maps.get(name, thresholds, :infinity)
    value = :maps.get(name, sample)

    if reached?(name, value, limit),
      do: Budget.of(reason(name), value, limit),
      else: judge(names, sample, thresholds)
  end

  defp reached?(_name, value, limit) when value == nil or limit == :infinity, do: false
  defp reached?(:available, value, limit), do: value < limit
  defp reached?(_name, value, limit), do: value >= limit

  defp reason(:available), do: :memory
  defp reason(name), do: name

  defp sample(recent, old) do
    %{
      run_queue: least(recent, old, :run_queue),
      memory: :erlang.memory(:total),
      available: available(),
      scheduler: scheduler(recent, old),
      dist_ports: least(recent, old, :dist_ports)
    }
  end

  defp least(_recent, [], _key), do: nil

  defp least(recent, old, key),
    do: :lists.min(:lists.map(fn {_at, reading} -> :maps.get(key, reading) end, old ++ recent))

  defp scheduler(_recent, []), do: nil

  defp scheduler([{_now, now} | _], [{_at, since}]),
    do: busy(:lists.sort(since.busy), :lists.sort(now.busy), 0, 0)

  defp busy([{id, active, total} | since], [{id, active_now, total_now} | now], worked, passed),
    do: busy(since, now, worked + active_now - active, passed + total_now - total)

  defp busy(_since, _now, _worked, 0), do: nil
  defp busy(_since, _now, worked, passed), do: 100 * worked / passed

  defp reading do
    online = :erlang.system_info(:schedulers_online)
    queued = :erlang.statistics(:total_run_queue_lengths)
    %{run_queue: queued / online, busy: schedulers(online), dist_ports: connections()}
  end

  defp schedulers(online) do
    case :erlang.statistics(:scheduler_wall_time) do
      :undefined -> []
      all -> :lists.filter(fn {id, _active, _total} -> id <= online end, all)
    end
  end

  defp connections do
    sizes = :lists.map(&queue/1, :erlang.system_info(:dist_ctrl))
    :lists.max([0 | sizes])
  end

  defp queue({_node, port}) when is_port(port) do
    case :erlang.port_info(port, :queue_size) do
      {:queue_size, size} -> size
      :undefined -> 0
    end
  end

  defp queue(_process), do: 0

  # As Linux says it; elsewhere nothing is known.
  defp available do
    case :file.open("/proc/meminfo", [:raw, :read, :binary]) do
      {:ok, file} -> closing(file)
      {:error, _none} -> nil
    end
  end

  defp closing(file) do
    read = :file.read(file, 8_192)
    :file.close(file)
    entry(read)
  end

  defp entry({:ok, text}) do
    case :re.run(text, "MemAvailable:\\s+(\\d+) kB", [{:capture, [1], :binary}]) do
      {:match, [kib]} -> :erlang.binary_to_integer(kib) * 1024
      :nomatch -> nil
    end
  end

  defp entry(_unreadable), do: nil
end
