defmodule ElixirScope.Distributed.Cluster.Backoff do
  @moduledoc false
  # How long to wait before a node is tried again: doubling, bounded, and spread by
  # half, so that the nodes of a cluster that starts together do not call in step.

  @first_ms 200
  @slowest_ms 10_000

  # A node that refuses a handshake writes that into its log, each time.
  @refused_ms 60_000
  @refused_first 5

  @doc """
  The delay before attempt number `attempt`; `random` is between 0 and 1. Who refuses the
  handshake (`:cookie`) is tried less often.

      iex> Backoff.delay(0, 1.0)
      200
      iex> Backoff.delay(20, 0.0)
      5000
      iex> Backoff.delay(20, 1.0, :cookie)
      60000
  """
  @spec delay(non_neg_integer, float, atom) :: pos_integer
  def delay(attempt, random, reason \\ nil)

  def delay(attempt, random, :cookie),
    do: spread(max(attempt, @refused_first), @refused_ms, random)

  def delay(attempt, random, _reason), do: spread(attempt, @slowest_ms, random)

  defp spread(attempt, slowest, random) do
    longest = min(@first_ms * Integer.pow(2, min(attempt, 16)), slowest)
    round(longest * (0.5 + random / 2))
  end
end
