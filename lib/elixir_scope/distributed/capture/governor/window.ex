defmodule ElixirScope.Distributed.Capture.Governor.Window do
  @moduledoc false
  # How fast counters grew over the last second, from samples of what they had reached.
  #
  # Invariant: the samples stand newest first, at least `@apart_ms` apart, and all but the last
  # are younger than a second, so that there are never more than a second has room for.

  @second_ms 1_000
  @apart_ms 50

  @enforce_keys [:samples]
  defstruct [:samples]

  @type totals :: %{atom => non_neg_integer}
  @opaque t :: %__MODULE__{samples: [{integer, totals}, ...]}

  @doc "A window that begins with counters as they are now."
  @spec new(integer, totals) :: t
  def new(now, totals), do: %__MODULE__{samples: [{now, totals}]}

  @doc "Adds what the counters have reached."
  @spec add(t, integer, totals) :: t
  def add(%{samples: [{last, _} | _]} = window, now, _totals) when now - last < @apart_ms,
    do: window

  def add(window, now, totals),
    do: %{window | samples: [{now, totals} | needed(window.samples, now)]}

  @doc "What was added to a counter in the last second; over longer, on average in a second."
  @spec per_second(t, integer, atom, non_neg_integer) :: float
  def per_second(window, now, counter, reached) do
    {began, totals} = window.samples |> needed(now) |> List.last()
    max(reached - totals[counter], 0) * @second_ms / max(now - began, @second_ms)
  end

  # Those of the last second and, where the second began, the one before it.
  defp needed(samples, now) do
    {young, old} = Enum.split_while(samples, fn {at, _totals} -> now - at < @second_ms end)
    young ++ Enum.take(old, 1)
  end
end
