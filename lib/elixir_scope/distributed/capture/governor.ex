defmodule ElixirScope.Distributed.Capture.Governor do
  @moduledoc false
  # When a trace has to end: a pure function of its budgets, of what it has used and of the
  # time. Every node decides alone, so that a trace also ends where nobody can be asked. A trace
  # that is too fast is thinned before it ends: see `Governor.Thinning`.
  #
  # Invariant: what has tripped stays tripped, for the reason it tripped for first.

  alias ElixirScope.Distributed.Capture.Governor.{Budgets, Thinning, Window}

  @reasons %{
    events: "it has recorded the events it was allowed",
    duration: "its time is over",
    bytes: "its events take the bytes they were allowed",
    rate: "more events came in a second than it was allowed, and thinning was not enough",
    calls: "it had to look at more calls in a second than it was allowed",
    lease: "the node that asked for it did not renew its lease: it is gone, or cut off",
    cpu: "it took more of a scheduler than it was allowed",
    runaway_returns: "calls of a process wait for returns that do not come: it traces a loop",
    run_queue: "processes were waiting for a scheduler",
    memory: "the node was short of memory",
    scheduler: "the schedulers of the node were busy",
    dist_ports: "a connection to another node was congested",
    taken_over: "another tool began to trace",
    tracer_failed: "the process that traces on this node failed, and its traces went with it",
    owner_down: "the process that asked for it has ended",
    stopped: "it was asked to stop"
  }

  @enforce_keys [:budgets, :started, :lease_until, :window, :thinning]
  defstruct [:trip | @enforce_keys]

  @type reason ::
          :events
          | :duration
          | :bytes
          | :rate
          | :calls
          | :lease
          | :cpu
          | :runaway_returns
          | :run_queue
          | :memory
          | :scheduler
          | :dist_ports
          | :taken_over
          | :owner_down
          | :tracer_failed
          | :stopped

  @typedoc "Why and when a trace tripped, and by which number, where it was one."
  @type trip :: %{reason: reason, at: integer, value: number | nil, limit: number | nil}

  @type t :: %__MODULE__{
          budgets: Budgets.t(),
          started: integer,
          lease_until: integer,
          window: Window.t(),
          thinning: Thinning.t(),
          trip: trip | nil
        }

  @typedoc """
  What a trace has used since it began: events, the refused ones among them, those that
  were left out, bytes, CPU time; the calls that it looked at to keep the slow ones; a sketch
  of the units that came since the last check; the open calls of the process that has most of
  them; and what `Capture.Health.judge/2` says. What is not there is nothing.
  """
  @type usage :: %{
          optional(:events) => non_neg_integer,
          optional(:refused) => non_neg_integer,
          optional(:thinned) => non_neg_integer,
          optional(:sketch) => non_neg_integer,
          optional(:bytes) => non_neg_integer,
          optional(:cpu_ns) => non_neg_integer,
          optional(:calls) => non_neg_integer,
          optional(:open_calls) => non_neg_integer,
          optional(:health) => :ok | {:trip, reason, number, number}
        }

  @type verdict :: :ok | {:trip, reason}

  @none %{events: 0, refused: 0, thinned: 0, sketch: 0, bytes: 0, cpu_ns: 0, calls: 0}
        |> Map.merge(%{open_calls: 0, health: :ok})
  @ns_per_percent 10_000_000

  @doc "Watches over a trace that begins now; a lease that another node began may be shorter."
  @spec new(Budgets.t(), integer, pos_integer | nil) :: t
  def new(budgets, now, lease_ms \\ nil) do
    %__MODULE__{
      budgets: budgets,
      started: now,
      lease_until: now + (lease_ms || budgets.lease_ms),
      window: Window.new(now, @none),
      thinning: Thinning.new(now)
    }
  end

  @doc "Renews the lease; one that has run out is not renewed."
  @spec renew(t, integer) :: t
  def renew(%{trip: nil, lease_until: until} = governor, now) when now < until,
    do: %{governor | lease_until: now + governor.budgets.lease_ms}

  def renew(governor, _now), do: governor

  @doc "Whether the trace may go on, and the governor that remembers it."
  @spec check(t, usage, integer) :: {verdict, t}
  def check(%{trip: nil} = governor, usage, now) do
    usage = Map.merge(@none, usage)
    {rate, thinning} = thinned(governor, usage, now)

    case Enum.find(measures(governor, usage, now) ++ rate, &over?/1) do
      nil ->
        {:ok, %{governor | window: Window.add(governor.window, now, usage), thinning: thinning}}

      {reason, value, limit, _over?} ->
        tripped(governor, reason, now, value, limit)
    end
  end

  def check(governor, _usage, _now), do: {{:trip, governor.trip.reason}, governor}

  @doc "Ends the trace for a reason that is no number."
  @spec trip(t, reason, integer) :: t
  def trip(%{trip: nil} = governor, reason, now) when is_map_key(@reasons, reason) do
    {_verdict, governor} = tripped(governor, reason, now, nil, nil)
    governor
  end

  def trip(governor, reason, _now) when is_map_key(@reasons, reason), do: governor

  @doc """
  The budgets and the lease under which a node that comes later may begin, if it still may.
  """
  @spec rest(t, usage, integer) :: {:ok, Budgets.t(), lease_ms :: pos_integer} | {:trip, reason}
  def rest(governor, usage, now) do
    usage = Map.merge(@none, usage)

    case check(governor, usage, now) do
      {:ok, _governor} -> {:ok, left(governor, usage, now), governor.lease_until - now}
      {trip, _governor} -> trip
    end
  end

  @doc "Every reason for which a trace ends by itself or is ended."
  @spec reasons() :: [reason]
  def reasons, do: Map.keys(@reasons)

  @doc "A reason, or all that is known of a trip, in words."
  @spec message(reason | trip) :: String.t()
  def message(reason) when is_atom(reason), do: Map.fetch!(@reasons, reason)
  def message(%{reason: reason, limit: nil}), do: message(reason)

  def message(%{reason: reason, value: value, limit: limit}),
    do: "#{message(reason)} (#{written(value)}, limit #{written(limit)})"

  # A budget may be used up; of what may be reached, only more is too much.

  defp measures(governor, usage, now) do
    for(
      {reason, value, limit} <- used(governor, usage, now),
      do: {reason, value, limit, value >= limit}
    ) ++ rates(governor, usage, now) ++ health(usage.health)
  end

  defp used(%{budgets: budgets} = governor, usage, now) do
    [
      {:events, usage.events, budgets.events},
      {:bytes, if(budgets.overwrite, do: 0, else: usage.bytes), budgets.bytes},
      {:duration, now - governor.started, budgets.duration_ms},
      {:lease, now - governor.lease_until + budgets.lease_ms, budgets.lease_ms},
      {:runaway_returns, usage.open_calls, budgets.open_calls}
    ]
  end

  defp rates(%{budgets: budgets} = governor, usage, now) do
    percent = per_second(governor, now, :cpu_ns, usage) / @ns_per_percent
    calls = per_second(governor, now, :calls, usage)

    for {reason, value, limit} <- [
          {:calls, calls, budgets.calls_per_s},
          {:cpu, percent, budgets.cpu_percent}
        ],
        do: {reason, value, limit, value > limit}
  end

  defp thinned(%{budgets: %{events_per_s: limit}} = governor, usage, now) do
    rates = Map.new([:events, :refused, :thinned], &{&1, per_second(governor, now, &1, usage)})

    case Thinning.next(governor.thinning, rates, usage.sketch, limit, now) do
      {:ok, thinning} -> {[], thinning}
      {:too_fast, rate} -> {[{:rate, rate, limit, true}], governor.thinning}
    end
  end

  defp health(:ok), do: []
  defp health({:trip, reason, value, limit}), do: [{reason, value, limit, true}]

  defp over?({_reason, _value, _limit, over?}), do: over?

  defp per_second(governor, now, counter, usage),
    do: Window.per_second(governor.window, now, counter, usage[counter])

  defp tripped(governor, reason, now, value, limit) do
    trip = %{reason: reason, at: now, value: value, limit: limit}
    {{:trip, reason}, %{governor | trip: trip}}
  end

  defp left(%{budgets: budgets} = governor, usage, now) do
    %{
      budgets
      | events: budgets.events - usage.events,
        bytes: if(budgets.overwrite, do: budgets.bytes, else: budgets.bytes - usage.bytes),
        duration_ms: budgets.duration_ms - (now - governor.started)
    }
  end

  defp written(value) when is_float(value), do: :erlang.float_to_binary(value, decimals: 1)
  defp written(value), do: to_string(value)
end
