defmodule ElixirScope.Distributed.IsolatedAdapter do
  @moduledoc false
  # Members of a simulated network for the transport contract: a place is a node's
  # name and the network it is in.

  alias ElixirScope.Distributed.{Inbox, Transports.Isolated}
  alias ElixirScope.Distributed.Transports.Isolated.Network

  import ExUnit.Callbacks, only: [start_supervised!: 1]

  def places(number) do
    net = start_supervised!({Network, latency_ms: 0..3, reconnect: false, seed: number})
    for n <- 1..number, do: {net, :"member#{n}@sim"}
  end

  def start({net, node}, scope) do
    id = make_ref()
    inbox = start_supervised!(%{id: {id, :inbox}, start: {Inbox, :start_link, []}})
    options = [network: net, node: node, scope: scope, deliver: Inbox.deliver(inbox)]
    start = {Isolated, :start_link, [options]}
    child = %{id: {id, :transport}, start: start, restart: :temporary}
    %{node: node, inbox: inbox, transport: start_supervised!(child)}
  end

  def stop(member) do
    Process.exit(member.transport, :kill)
    :ok
  end

  def node_of(member), do: member.node
  def deliveries(member), do: Inbox.all(member.inbox)
  def connect(member, node), do: Isolated.connect(member.transport, node)
  def peers(member), do: Isolated.peers(member.transport)

  def send_all(member, node, messages) do
    Enum.map(messages, &Isolated.send(member.transport, node, &1))
  end

  def sever({net, one}, {net, other}), do: Network.partition(net, [[one], [other]])
  def mend([{net, _node} | _]), do: Network.heal(net)
end
