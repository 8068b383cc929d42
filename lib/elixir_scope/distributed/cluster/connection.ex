defmodule ElixirScope.Distributed.Cluster.Connection do
  @moduledoc false
  # The only module that touches `:net_kernel`: whom Erlang distribution reaches, and
  # how to hear when that changes. Hidden nodes and remote shells are left alone.

  @doc "Sends the caller `{:nodeup, node, info}` and `{:nodedown, node, info}`."
  @spec watch() :: :ok
  def watch do
    :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :visible])
  end

  @doc "The visible nodes, sorted."
  @spec nodes() :: [node]
  def nodes, do: Enum.sort(Node.list())

  @doc "Whether this VM can be part of a cluster at all."
  @spec distributed?() :: boolean
  def distributed?, do: Node.alive?()

  @doc "Connects to `node`; it may take as long as the connection's set-up does."
  @spec connect(node) :: :ok | {:error, :unreachable}
  def connect(node) do
    if :net_kernel.connect_node(node) == true, do: :ok, else: {:error, :unreachable}
  end
end
