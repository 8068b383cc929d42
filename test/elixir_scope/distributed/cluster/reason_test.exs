defmodule ElixirScope.Distributed.Cluster.ReasonTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Cluster.{Probe, Reason}
  doctest Reason
  doctest Probe, import: true

  test "each has a message and a remedy" do
    for reason <- Reason.all() do
      assert String.length(Reason.message(reason)) > 10
      assert String.length(Reason.remedy(reason)) > 10
    end
  end

  test "what came from elsewhere is one of the list" do
    assert Reason.known(:cookie) == :cookie
    for unknown <- [:later, nil, 7, "x", {:cookie}], do: assert(Reason.known(unknown) == :refused)
  end

  test "only a handshake that was refused at once speaks of a cookie" do
    assert Probe.reason(:open, 7_000) == :unreachable
    assert Probe.reason(:open, nil) == :unreachable
    assert Probe.reason(:no_answer, 5) == :unreachable
    assert Probe.reason(:nobody, 5) == :not_running
  end
end
