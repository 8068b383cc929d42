defmodule ElixirScope.Distributed.Cluster.Letter do
  @moduledoc false
  # What a membership says to others, as actions of `Cluster.Membership`. The stamp is put on
  # as it is sent.

  alias ElixirScope.Distributed.Cluster.{Membership, Protocol, Register}
  alias ElixirScope.Distributed.Types.{ClusterMessage, ClusterNodeInfo}

  @doc "Introduces this node, and asks for the same."
  @spec hello(Membership.t(), node) :: Membership.action()
  def hello(membership, node), do: {:send, node, greeting(membership, :hello)}

  @doc "Answers that."
  @spec welcome(Membership.t(), node) :: Membership.action()
  def welcome(membership, node), do: {:send, node, greeting(membership, :welcome)}

  @doc "Says no, and why."
  @spec refuse(Membership.t(), node, ClusterNodeInfo.reason()) :: Membership.action()
  def refuse(membership, node, reason),
    do: {:send, node, message(membership, :refused, reason: reason)}

  @doc "Whoever learns of a decision tells it on; who knows it already is silent."
  @spec tell(Membership.t(), [node]) :: [Membership.action()]
  def tell(membership, nodes) do
    news = message(membership, :register, register: Register.entries(membership.register))
    for node <- nodes, do: {:send, node, news}
  end

  @doc "Takes leave."
  @spec bye(Membership.t()) :: ClusterMessage.t()
  def bye(membership), do: message(membership, :bye, [])

  defp greeting(membership, kind) do
    message(membership, kind,
      incarnation: membership.incarnation,
      capabilities: membership.capabilities,
      digest: membership.digest,
      register: Register.entries(membership.register)
    )
  end

  defp message(membership, kind, fields) do
    fields = [source_node: membership.node, kind: kind, protocol: Protocol.ours()] ++ fields
    struct!(ClusterMessage, fields)
  end
end
