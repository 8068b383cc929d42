defmodule ElixirScope.Distributed.Cluster.Backoff do
  @moduledoc false
  # How long to wait before a node is tried again: doubling, bounded, and spread by
  # half, so that the nodes of a cluster that starts together do not call in step.

  @first_ms 200
  @slowest_ms 10_000

  @doc """
  The delay before attempt number `attempt`; `random` is between 0 and 1.

      iex> Backoff.delay(0, 1.0)
      200
      iex> Backoff.delay(20, 0.0)
      5000
  """
  @spec delay(non_neg_integer, float) :: pos_integer
  def delay(attempt, random) do
    longest = min(@first_ms * Integer.pow(2, min(attempt, 16)), @slowest_ms)
    round(longest * (0.5 + random / 2))
  end
end
