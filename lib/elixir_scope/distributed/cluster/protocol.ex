defmodule ElixirScope.Distributed.Cluster.Protocol do
  @moduledoc false
  # Which versions of the protocol between scopes this node speaks. Both sides of a
  # handshake name a range, and use the highest version that is in both.

  @first 1
  @last 1

  @type range :: {first :: pos_integer, last :: pos_integer}

  @doc "The versions that this node speaks."
  @spec ours() :: range
  def ours, do: {@first, @last}

  @doc "The version that two nodes use, `nil` where they have none in common."
  @spec common(range, range) :: pos_integer | nil
  def common({first, last}, {other_first, other_last}) do
    highest = min(last, other_last)
    if highest >= max(first, other_first), do: highest
  end
end
