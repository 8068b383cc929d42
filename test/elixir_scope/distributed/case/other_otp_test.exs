defmodule ElixirScope.Distributed.Case.OtherOtpTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.OtherOtp

  @moduletag :other_otp

  test "nodes of another version are driven, cut apart and restarted like our own" do
    [a] = start_nodes(1, apps: [], connect: false)
    [b] = start_nodes(1, [apps: [], connect: false] ++ OtherOtp.options())
    assert on(b, &System.otp_release/0) != System.otp_release()
    assert on(b, fn -> {Node.self(), String.upcase("there")} end) == {b, "THERE"}

    connect([a, b])
    assert on(b, &Node.list/0) == [a]

    partition(a, b)
    assert on(b, &Node.list/0) == []
    assert on(a, :net_kernel, :connect_node, [b]) == false
    heal([a, b])

    kill(b)
    eventually(fn -> assert on(a, &Node.list/0) == [] end)
    restart(b)
    connect([a, b])
    assert on(a, &Node.list/0) == [b]
  end
end
