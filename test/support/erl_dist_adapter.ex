defmodule ElixirScope.Distributed.ErlDistAdapter do
  @moduledoc false
  # Members over Erlang distribution for the transport contract: a place is a node of
  # its own. What a member consists of is held by a process there, because what is
  # started through the control connection ends with the call.

  alias ElixirScope.Distributed.{Case, Inbox, Transports.ErlDist}

  def places(number), do: Case.start_nodes(number, apps: [], connect: false)

  def start(node, scope) do
    unless Case.Cluster.alive?(node), do: Case.restart(node)
    name = :"contract_#{scope}"
    Case.on(node, __MODULE__, :hold, [name, scope])
    %{node: node, name: name, inbox: inbox(name)}
  end

  @doc "Called on the node."
  def hold(name, scope) do
    me = self()
    spawn(fn -> holder(me, name, scope) end)
    receive do: (:held -> :ok)
  end

  defp holder(caller, name, scope) do
    {:ok, _} = Inbox.start_link(name: inbox(name))
    deliver = Inbox.deliver(inbox(name))
    {:ok, _} = ErlDist.start_link(name: name, node: Node.self(), scope: scope, deliver: deliver)
    send(caller, :held)
    Process.hibernate(Function, :identity, [:never])
  end

  # The loss of a node, which is how a member ends in a cluster.
  def stop(member), do: Case.kill(member.node)
  def node_of(member), do: member.node
  def deliveries(member), do: Case.on(member.node, Inbox, :all, [member.inbox])
  def connect(member, node), do: Case.on(member.node, ErlDist, :connect, [member.name, node])
  def peers(member), do: Case.on(member.node, ErlDist, :peers, [member.name])

  def send_all(member, node, messages) do
    Case.on(member.node, __MODULE__, :send_here, [member.name, node, messages])
  end

  @doc "Called on the node."
  def send_here(name, node, messages), do: Enum.map(messages, &ErlDist.send(name, node, &1))

  def sever(one, other), do: Case.partition(one, other)
  def mend(nodes), do: Case.heal(nodes, connect: false)

  defp inbox(name), do: :"#{name}_inbox"
end
