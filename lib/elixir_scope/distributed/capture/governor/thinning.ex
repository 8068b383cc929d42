defmodule ElixirScope.Distributed.Capture.Governor.Thinning do
  @moduledoc false
  # How strongly a trace is thinned of which more comes than it may record: at level n, of the
  # correlations that begin (of processes, where events have none) it keeps one in 2^n. Pure.
  #
  # The level is the one that fits what came in the last second, kept or not, and at once. It is a
  # stronger one where a second later what is kept is still too much, and weaker by one, a second
  # after the last change, where there is room to spare.
  #
  # Thinning cannot help where what comes is not many, but fast: when a second lacks more events than
  # all units that were seen in it may have, each of them alone is too much.
  #
  # Invariant: at a constant rate the level never goes down.

  @top 10

  # After a change, a second is as it is by the new level.
  @settled_ms 1_000

  # Less is left out when so much more than what came would still fit.
  @spare 1.25
  # Where a level that should fit was not enough, none is weaker before so much less comes.
  @fallen 0.75

  @places 64
  @many 1.0e9

  @enforce_keys [:since]
  defstruct [:since, :failed, level: 0, sketches: []]

  @typedoc "`failed` is what came in a second when a level that should fit was not enough."
  @type t :: %__MODULE__{
          level: 0..10,
          since: integer,
          sketches: [{integer, non_neg_integer}],
          failed: float | nil
        }

  @typedoc "Events per second: those that were let through, the refused ones of them, and left out."
  @type rates :: %{events: float, refused: float, thinned: float}

  @doc "The strongest level."
  @spec top() :: pos_integer
  def top, do: @top

  @doc "Nothing is left out of a trace that begins now."
  @spec new(integer) :: t
  def new(now), do: %__MODULE__{since: now}

  @doc """
  The level from now on, or the rate that no level makes small enough. `sketch` has a bit, one of 64,
  for each unit that came since this was asked last.
  """
  @spec next(t, rates, non_neg_integer, pos_integer, integer) :: {:ok, t} | {:too_fast, float}
  def next(thinning, rates, sketch, limit, now) do
    thinning = saw(thinning, sketch, now)
    failed? = settled?(thinning, now) and rates.events > limit

    cond do
      few?(thinning, rates, limit) ->
        {:too_fast, came(rates)}

      failed? and thinning.level == @top ->
        {:too_fast, rates.events}

      failed? ->
        {:ok, fail(thinning, rates, limit, now)}

      true ->
        {:ok, thinning |> raise_to(fit(came(rates), limit), now) |> lower(rates, limit, now)}
    end
  end

  # Where no unit was seen, nothing is known against thinning.
  defp few?(thinning, rates, limit) do
    units = units(thinning)
    units > 0 and rates.refused + rates.thinned > limit * units
  end

  # By linear counting: native/scope_trace/src/thinning.rs makes the sketch. With every place met
  # there are too many to tell.
  defp units(%{sketches: sketches}) do
    all = for {_at, sketch} <- sketches, reduce: 0, do: (all -> Bitwise.bor(all, sketch))
    met = for <<(1::1 <- <<all::@places>>)>>, reduce: 0, do: (met -> met + 1)
    if met == @places, do: @many, else: -@places * :math.log(1 - met / @places)
  end

  defp saw(thinning, sketch, now) do
    young = Enum.filter(thinning.sketches, fn {at, _sketch} -> now - at < @settled_ms end)
    %{thinning | sketches: [{now, sketch} | young]}
  end

  defp settled?(%{since: since}, now), do: now - since >= @settled_ms

  defp came(rates), do: rates.events + rates.thinned

  # The first level at which no more is left than may be.
  defp fit(rate, limit) when rate <= limit, do: 0
  defp fit(rate, limit), do: ceil(:math.log2(rate / limit))

  defp fail(%{level: level} = thinning, rates, limit, now) do
    wanted = max(level + fit(rates.events, limit), fit(came(rates), limit))
    raise_to(%{thinning | failed: came(rates)}, wanted, now)
  end

  defp raise_to(%{level: level} = thinning, wanted, now) when wanted > level and level < @top,
    do: %{thinning | level: min(wanted, @top), since: now}

  defp raise_to(thinning, _wanted, _now), do: thinning

  defp lower(%{level: 0} = thinning, _rates, _limit, _now), do: thinning

  defp lower(%{level: level} = thinning, rates, limit, now) do
    came = came(rates)
    room? = came * @spare <= limit * Bitwise.bsl(1, level - 1)

    if room? and settled?(thinning, now) and not failed?(thinning, came),
      do: %{thinning | level: level - 1, since: now},
      else: thinning
  end

  defp failed?(%{failed: nil}, _came), do: false
  defp failed?(%{failed: then}, came), do: came > then * @fallen
end
