defmodule ElixirScope.Distributed.Transports.IsolatedTest do
  use ExUnit.Case, async: true

  use ElixirScope.Distributed.Case.TransportContract,
    adapter: ElixirScope.Distributed.IsolatedAdapter

  alias ElixirScope.Distributed.Transports.Isolated
  alias ElixirScope.Distributed.Transports.Isolated.Network

  doctest Isolated

  test "a node is there once per scope" do
    net = start_supervised!(Network)
    options = [network: net, node: :a@sim, scope: :s, deliver: & &1]
    start_supervised!({Isolated, options}, id: 1)

    Process.flag(:trap_exit, true)
    assert Isolated.start_link(options) == {:error, {:already_started, {:s, :a@sim}}}

    start_supervised!({Isolated, Keyword.put(options, :scope, :other)}, id: 3)
  end

  test "a member is reached by its name" do
    net = start_supervised!(Network)
    options = [network: net, node: :a@sim, scope: :s, deliver: & &1]
    start_supervised!({Isolated, [name: :isolated_by_name] ++ options})
    assert Isolated.peers(:isolated_by_name) == []
  end

  test "a member ends with its network" do
    net = start_supervised!(Network)
    options = [network: net, node: :a@sim, scope: :s, deliver: & &1]
    member = start_supervised!({Isolated, options}, restart: :temporary)
    monitor = Process.monitor(member)
    stop_supervised!(Network)
    assert_receive {:DOWN, ^monitor, :process, ^member, {:shutdown, :network_ended}}
  end
end
