defmodule ElixirScope.Distributed.Transport.Bucket do
  @moduledoc false
  # How much of something is taken in: so much in a second, and so much at once (a token bucket).
  # Pure; the time is an argument.
  #
  # Invariant: at most `burst * 1_000` parts are left, and never less than none.

  # A token is so many parts, so that each millisecond gives a whole number of them.
  @parts 1_000

  @type rate :: {per_s :: pos_integer, burst :: pos_integer}
  @type t :: {parts :: non_neg_integer, at_ms :: integer} | nil

  @doc "Takes one, where one is left; `nil` is a bucket of which nothing was taken."
  @spec take(t, rate, integer) :: {:ok | :empty, t}
  def take(bucket, rate, now_ms) do
    case parts(bucket, rate, now_ms) do
      parts when parts >= @parts -> {:ok, {parts - @parts, now_ms}}
      parts -> {:empty, {parts, now_ms}}
    end
  end

  @doc "How many can be taken now."
  @spec left(t, rate, integer) :: non_neg_integer
  def left(bucket, rate, now_ms), do: div(parts(bucket, rate, now_ms), @parts)

  defp parts(nil, {_per_s, burst}, _now_ms), do: burst * @parts

  defp parts({parts, at_ms}, {per_s, burst}, now_ms),
    do: min(parts + max(now_ms - at_ms, 0) * per_s, burst * @parts)
end
