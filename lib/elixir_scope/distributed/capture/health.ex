defmodule ElixirScope.Distributed.Capture.Health do
  @moduledoc """
  Whether a node can afford to be traced. Traces on it end when one of four thresholds is
  reached, named after what it is about:

    * `run_queue` - processes that wait for a scheduler, for each scheduler (25);
    * `memory` - bytes that this VM uses (85 % of the machine's or its container's memory), or
      `available`, below it: bytes that Linux says are left on the machine (5 % of them);
    * `scheduler` - how busy the schedulers are on average, in percent (98);
    * `dist_ports` - bytes that wait in the busiest connection to another node (8,192, which
      is when the VM calls it busy). Connections over TLS cannot be seen.

  All but memory is looked at over half a second, so that a burst is no trip: what counts of the
  queues is the least that waited. `:infinity` switches one off, and 0 `available`.

      health: [scheduler: 90, run_queue: :infinity]
  """

  alias ElixirScope.Distributed.Capture.Health.{Machine, Schedulers}

  @lasting_ms 500

  @limits [run_queue: 25, scheduler: 98, dist_ports: 8_192]
  @memory_percent 85
  @available_percent 5

  @names [:run_queue, :memory, :available, :scheduler, :dist_ports]

  @enforce_keys [:readings]
  defstruct [:readings]

  @typedoc "Readings, newest first: those of the last half second and one before them."
  @opaque t :: %__MODULE__{readings: [{integer, map}]}

  @typedoc "What there is to judge; `nil` is not known, or not yet."
  @type sample :: %{
          run_queue: number | nil,
          memory: non_neg_integer,
          available: non_neg_integer | nil,
          scheduler: float | nil,
          dist_ports: non_neg_integer | nil
        }

  @type thresholds :: %{atom => number | :infinity}
  @type verdict :: :ok | {:trip, atom, number, number}

  @doc """
  The names of thresholds.

      iex> ElixirScope.Distributed.Capture.Health.names()
      [:run_queue, :memory, :available, :scheduler, :dist_ports]
  """
  @spec names() :: [atom]
  def names, do: @names

  @doc """
  Whether a value is what the option `health` takes.

      iex> ElixirScope.Distributed.Capture.Health.valid?(scheduler: 90)
      true
      iex> ElixirScope.Distributed.Capture.Health.valid?(temperature: 90)
      false
  """
  @spec valid?(term) :: boolean
  def valid?(options), do: Keyword.keyword?(options) and Enum.all?(options, &threshold?/1)

  @doc "The thresholds of this node, with those that were given in the place of its own."
  @spec thresholds(keyword) :: thresholds
  def thresholds(given \\ []) do
    memory = Machine.memory()

    @limits
    |> Map.new()
    |> Map.put(:memory, share(memory.limit, @memory_percent) || :infinity)
    |> Map.put(:available, share(memory.total, @available_percent) || 0)
    |> Map.merge(Map.new(given))
  end

  @doc """
  Begins to look, in the process that goes on to look: while it lives, the VM measures how busy
  its schedulers are, as it does for anybody else who asks.
  """
  @spec start(integer) :: t
  def start(now) do
    Schedulers.start()
    %__MODULE__{readings: [{now, reading()}]}
  end

  @doc "Ends it, in the same process."
  @spec stop() :: :ok
  def stop, do: Schedulers.stop()

  @doc "Looks at the node."
  @spec sample(t, integer) :: {sample, t}
  def sample(health, now) do
    readings = [{now, reading()} | health.readings]
    {recent, before} = Enum.split_while(readings, fn {at, _} -> now - at < @lasting_ms end)
    {sampled(recent, before), %{health | readings: recent ++ Enum.take(before, 1)}}
  end

  @doc """
  Whether what was seen is below the thresholds, else which one it reached.

      iex> sample = %{run_queue: 30, memory: 1, available: nil, scheduler: 7.5, dist_ports: 0}
      iex> ElixirScope.Distributed.Capture.Health.judge(sample, %{run_queue: 25})
      {:trip, :run_queue, 30, 25}
      iex> ElixirScope.Distributed.Capture.Health.judge(sample, %{scheduler: 98})
      :ok
  """
  @spec judge(sample, thresholds) :: verdict
  def judge(sample, thresholds) do
    Enum.find_value(@names, :ok, fn name ->
      reached(name, sample[name], Map.get(thresholds, name))
    end)
  end

  defp reached(_name, value, limit) when value == nil or limit in [nil, :infinity], do: nil
  defp reached(:available, value, limit) when value < limit, do: {:trip, :memory, value, limit}
  defp reached(:available, _value, _limit), do: nil
  defp reached(name, value, limit) when value >= limit, do: {:trip, name, value, limit}
  defp reached(_name, _value, _limit), do: nil

  # Readings

  defp reading do
    %{run_queue: Schedulers.waiting(), busy: Schedulers.busy(), dist_ports: queued()}
  end

  defp sampled(recent, before) do
    %{
      run_queue: least(recent, before, :run_queue),
      memory: :erlang.memory(:total),
      available: Machine.available(),
      scheduler: scheduler(recent, before),
      dist_ports: least(recent, before, :dist_ports)
    }
  end

  defp least(_recent, [], _key), do: nil

  defp least(recent, [since | _], key),
    do: [since | recent] |> Enum.map(fn {_at, reading} -> reading[key] end) |> Enum.min()

  defp scheduler(_recent, []), do: nil

  defp scheduler([{_now, now} | _], [{_at, since} | _]),
    do: Schedulers.percent(since.busy, now.busy)

  defp queued do
    sizes =
      for {_node, port} when is_port(port) <- :erlang.system_info(:dist_ctrl),
          {:queue_size, size} <- [:erlang.port_info(port, :queue_size)],
          do: size

    Enum.max(sizes, fn -> 0 end)
  end

  defp share(nil, _percent), do: nil
  defp share(bytes, percent), do: div(bytes * percent, 100)

  defp threshold?({:available, limit}), do: is_number(limit) and limit >= 0

  defp threshold?({name, limit}),
    do: name in @names and (limit == :infinity or (is_number(limit) and limit > 0))
end
