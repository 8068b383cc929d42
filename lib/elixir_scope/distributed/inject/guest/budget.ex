defmodule ElixirScope.Distributed.Inject.Guest.Budget do
  @moduledoc false
  # What a trace has used, and whether that is more than it may, asked for each event by who counts
  # them: a flood ends with the first event too many. Those of a second are counted from the first
  # of them on, and nothing is thinned.

  @second_ns 1_000_000_000
  @percent_ns 10_000_000

  @none %{events: 0, calls: 0, busy_ns: 0}

  @type trip :: %{reason: atom, value: number | nil, limit: number | nil}
  @type t :: %{
          limits: map,
          events: non_neg_integer,
          bytes: non_neg_integer,
          calls: non_neg_integer,
          since: integer,
          second: map
        }

  @doc "Nothing used."
  @spec new(map, integer) :: t
  def new(limits, now_ns),
    do: %{limits: limits, events: 0, bytes: 0, calls: 0, since: now_ns, second: @none}

  @doc "One message of the VM was looked at."
  @spec looked(t, integer) :: t
  def looked(budget, now_ns) do
    budget = turned(budget, now_ns)
    second = budget.second
    %{budget | calls: budget.calls + 1, second: %{second | calls: second.calls + 1}}
  end

  @doc "One event of so many bytes was recorded."
  @spec recorded(t, non_neg_integer) :: t
  def recorded(%{second: second} = budget, bytes) do
    second = %{second | events: second.events + 1}
    %{budget | events: budget.events + 1, bytes: budget.bytes + bytes, second: second}
  end

  @doc "The tracer was at work for that long."
  @spec worked(t, non_neg_integer) :: t
  def worked(%{second: second} = budget, ns),
    do: %{budget | second: %{second | busy_ns: second.busy_ns + ns}}

  @doc "The first budget that is used up, or that was exceeded in this second."
  @spec trip(t) :: trip | nil
  def trip(%{limits: limits, second: second} = budget) do
    cond do
      budget.events >= limits.events -> of(:events, budget.events, limits.events)
      budget.bytes >= limits.bytes -> of(:bytes, budget.bytes, limits.bytes)
      second.events > limits.events_per_s -> of(:rate, second.events, limits.events_per_s)
      second.calls > limits.calls_per_s -> of(:calls, second.calls, limits.calls_per_s)
      busy?(second, limits) -> busy(second, limits)
      true -> nil
    end
  end

  @doc "A reason with its numbers."
  @spec of(atom, number | nil, number | nil) :: trip
  def of(reason, value \\ nil, limit \\ nil), do: %{reason: reason, value: value, limit: limit}

  # A process takes one scheduler at most: what is measured is how long it had work.
  defp busy?(_second, %{cpu_percent: most}) when most >= 100, do: false
  defp busy?(second, limits), do: second.busy_ns > limits.cpu_percent * @percent_ns

  defp busy(second, limits), do: of(:cpu, div(second.busy_ns, @percent_ns), limits.cpu_percent)

  defp turned(%{since: since} = budget, now_ns) when now_ns - since >= @second_ns,
    do: %{budget | since: now_ns, second: @none}

  defp turned(budget, _now_ns), do: budget
end
