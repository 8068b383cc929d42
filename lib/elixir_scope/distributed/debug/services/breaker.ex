defmodule ElixirScope.Distributed.Debug.Services.Breaker do
  @moduledoc false
  # Whether a node that did not answer is asked again: a circuit breaker. Pure, the time (in
  # milliseconds) is an argument.
  #
  #     closed --(`failures` within `window_ms` of one another)--> open
  #     open --(`open_ms` over, or connected anew)--> half open: one call is let through
  #     half open --(an answer)--> closed
  #     half open --(none)--> open, for twice as long, `longest_ms` at most
  #
  # Invariants: while it is open nobody asks; while it is half open one does, or the one who did has
  # not said within `probe_ms` how it went. Any answer closes it, a refusal too: what counts is
  # whether somebody is there.

  @failures 5
  @window_ms 10_000
  @open_ms 1_000
  @longest_ms 30_000
  @probe_ms 5_000

  defstruct state: :closed, failures: 0, last_ms: nil, open_ms: @open_ms, until_ms: nil, why: nil

  @type why :: :unreachable | :silent | :busy
  @type t :: %__MODULE__{
          state: :closed | :open | :half_open,
          failures: non_neg_integer,
          last_ms: integer | nil,
          open_ms: pos_integer,
          until_ms: integer | nil,
          why: why | nil
        }

  @doc "The numbers."
  @spec limits() :: %{atom => pos_integer}
  def limits do
    %{failures: @failures, window_ms: @window_ms, open_ms: @open_ms}
    |> Map.merge(%{longest_ms: @longest_ms, probe_ms: @probe_ms})
  end

  @doc """
  Whether it may be asked now. `connected?` says whether there is a connection, which is news of a
  node that could not be reached.
  """
  @spec ask(t, integer, boolean) :: {:ok | {:open, wait_ms :: pos_integer}, t}
  def ask(%{state: :closed} = breaker, _now, _connected?), do: {:ok, breaker}

  def ask(%{state: :open, why: :unreachable} = breaker, now, true), do: {:ok, probe(breaker, now)}

  def ask(%{until_ms: until} = breaker, now, _connected?) do
    if now >= until, do: {:ok, probe(breaker, now)}, else: {{:open, until - now}, breaker}
  end

  defp probe(breaker, now), do: %{breaker | state: :half_open, until_ms: now + @probe_ms}

  @doc "What came of asking, by its name in `Plan`."
  @spec heard(t, atom, integer) :: t
  def heard(breaker, :late, now), do: failed(breaker, :silent, now)
  def heard(breaker, :busy, now), do: failed(breaker, :busy, now)

  def heard(breaker, kind, now) when kind in [:unreachable, :lost],
    do: failed(breaker, :unreachable, now)

  def heard(breaker, _answer, _now), do: answered(breaker)

  @doc "It answered."
  @spec answered(t) :: t
  def answered(_breaker), do: %__MODULE__{}

  @doc "It did not, or had no room."
  @spec failed(t, why, integer) :: t
  def failed(%{state: :half_open} = breaker, why, now),
    do: open(breaker, why, now, min(2 * breaker.open_ms, @longest_ms))

  # Of a call that began before.
  def failed(%{state: :open} = breaker, _why, _now), do: breaker

  def failed(%{state: :closed} = breaker, why, now) do
    failures = if recent?(breaker, now), do: breaker.failures + 1, else: 1
    breaker = %{breaker | failures: failures, last_ms: now, why: why}
    if failures >= @failures, do: open(breaker, why, now, @open_ms), else: breaker
  end

  defp recent?(%{last_ms: nil}, _now), do: false
  defp recent?(%{last_ms: last}, now), do: now - last <= @window_ms

  defp open(breaker, why, now, open_ms) do
    breaker = %{breaker | state: :open, why: why, open_ms: open_ms, last_ms: now}
    %{breaker | until_ms: now + open_ms}
  end

  @doc "What the status shows."
  @spec describe(t, integer) :: map
  def describe(breaker, now) do
    wait_ms = if breaker.state == :open, do: max(breaker.until_ms - now, 0), else: 0
    %{state: breaker.state, failures: breaker.failures, why: breaker.why, wait_ms: wait_ms}
  end
end
