defmodule ElixirScope.Distributed.Cluster.BackoffTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Cluster.Backoff
  doctest Backoff

  test "it doubles, and never passes ten seconds" do
    assert Enum.map(0..7, &Backoff.delay(&1, 1.0)) == [
             200,
             400,
             800,
             1600,
             3200,
             6400,
             10_000,
             10_000
           ]
  end
end
