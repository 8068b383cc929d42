defmodule ElixirScope.Distributed.Cluster.Connection do
  @moduledoc false
  # The only module that touches `:net_kernel`: whom Erlang distribution reaches, and
  # how to hear when that changes. Hidden nodes and remote shells are left alone.

  alias ElixirScope.Distributed.Cluster.{Probe, Reason}

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
  @spec connect(node) :: :ok | {:error, Reason.t()}
  def connect(node) do
    began = System.monotonic_time(:millisecond)

    case :net_kernel.connect_node(node) do
      true -> if node in Node.list(:hidden), do: {:error, :hidden}, else: :ok
      false -> {:error, why(node, System.monotonic_time(:millisecond) - began)}
      :ignored -> {:error, :not_distributed}
    end
  end

  @doc "Why `node` is gone, without an attempt to connect."
  @spec diagnose(node) :: Reason.t()
  def diagnose(node), do: why(node, nil)

  defp why(node, refused_in) do
    if distributed?(),
      do: Probe.reason(Probe.look(node, :net_kernel.epmd_module()), refused_in),
      else: :not_distributed
  end
end
