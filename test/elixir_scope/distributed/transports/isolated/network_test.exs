defmodule ElixirScope.Distributed.Transports.Isolated.NetworkTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed.{Inbox, Transports.Isolated}
  alias ElixirScope.Distributed.Transports.Isolated.Network
  alias ElixirScope.Distributed.Types.ClusterMessage

  test "groups of a partition do not reach each other; who is in none reaches all" do
    %{net: net, members: [a, b, c]} = connected_members([:a@sim, :b@sim, :c@sim])
    Network.partition(net, [[:a@sim], [:b@sim]])
    eventually(fn -> assert Isolated.peers(a) == [:c@sim] end)
    assert Isolated.peers(b) == [:c@sim]
    assert Isolated.peers(c) == [:a@sim, :b@sim]

    Network.heal(net)
    eventually(fn -> assert Isolated.peers(a) == [:b@sim, :c@sim] end)
  end

  test "one direction can be cut and healed by itself" do
    %{net: net, members: [a, b]} = connected_members([:a@sim, :b@sim])
    Network.cut(net, :a@sim, :b@sim)
    eventually(fn -> assert Isolated.peers(b) == [] end)
    assert Isolated.connect(b, :a@sim) == {:error, :unreachable}
    Network.heal(net, :a@sim, :b@sim)
    eventually(fn -> assert Isolated.peers(a) == [:b@sim] end)
  end

  test "a receiver that does not keep up makes its senders busy, not the memory full" do
    me = self()
    net = start_supervised!({Network, capacity: 10})
    [a, b] = for node <- [:a@sim, :b@sim], do: member(net, node, &block(me, &1))
    :ok = Isolated.connect(a, :b@sim)
    assert_receive {:blocked, ^a}
    assert_receive {:blocked, ^b}
    send(a, :go_on)

    answers = for _ <- 1..50, do: Isolated.send(a, :b@sim, message())
    assert Enum.frequencies(answers) == %{:ok => 10, {:error, :busy} => 40}
    assert Network.stats(net).refused == 40

    send(b, :go_on)
    assert_receive {:blocked, ^b}
    send(b, :go_on)
    eventually(fn -> assert Isolated.send(a, :b@sim, message()) == :ok end)
  end

  test "the counters tell what was sent and what became of it" do
    %{net: net, members: [a, _b]} = connected_members([:a@sim, :b@sim], loss: 0.5, seed: 4)
    for _ <- 1..100, do: :ok = Isolated.send(a, :b@sim, message())
    eventually(fn -> assert Network.stats(net).in_flight == 0 end)
    stats = Network.stats(net)
    assert stats.sent == 100
    assert stats.delivered + stats.lost == 100
    assert stats.lost in 30..70
  end

  test "a wrong option is refused when the network starts" do
    assert_raise ArgumentError, ~r/loss is a probability/, fn -> Network.start_link(loss: 2) end

    assert_raise ArgumentError, ~r/unknown keys \[:lose\]/, fn ->
      Network.start_link(lose: 0.1)
    end
  end

  defp connected_members(nodes, options \\ []) do
    net = start_supervised!({Network, options})
    inbox = start_supervised!(Inbox)
    members = Enum.map(nodes, &member(net, &1, Inbox.deliver(inbox)))
    for member <- members, node <- nodes, do: Isolated.connect(member, node)
    %{net: net, members: members}
  end

  defp member(net, node, deliver) do
    start_supervised!({Isolated, network: net, node: node, scope: :s, deliver: deliver}, id: node)
  end

  defp block(test, _delivery) do
    send(test, {:blocked, self()})
    receive do: (:go_on -> :ok)
  end

  defp message, do: %ClusterMessage{source_node: :a@sim, kind: :hello}
end
