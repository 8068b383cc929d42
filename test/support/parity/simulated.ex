defmodule ElixirScope.Distributed.Parity.Simulated do
  @moduledoc false
  # The stories' cluster as virtual nodes of this VM.

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Simulation, SingleNodeSimulator}
  alias ElixirScope.Distributed.Transports.Isolated.Network

  @scope :parity
  @names [:a, :b, :c]

  @doc "Starts three nodes with these options; what was there before ends."
  def start(options) do
    _ = SingleNodeSimulator.disable_simulation()
    _ = Scope.stop(@scope)
    {:ok, _pid} = Scope.start([name: @scope, simulate: length(@names)] ++ options)
    {:ok, nodes} = SingleNodeSimulator.get_simulated_nodes()
    %{world: __MODULE__, nodes: Enum.zip(@names, nodes)}
  end

  def renew(_cluster, options), do: start(options)

  def finish(_cluster) do
    :ok = SingleNodeSimulator.disable_simulation()
    Scope.stop(@scope)
  end

  @doc "Runs a function of the scope's name where the node is."
  def run(cluster, name, fun), do: fun.(cluster.nodes[name])

  def cut(cluster, one, other) do
    groups = for side <- [one, other], do: Enum.map(side, &cluster.nodes[&1])
    :ok = SingleNodeSimulator.simulate_network_partition(groups)
  end

  def cut_one_way(cluster, from, to),
    do: Network.cut(Simulation.Nodes.Network, cluster.nodes[from], cluster.nodes[to])

  def heal(_cluster), do: :ok = SingleNodeSimulator.heal_network_partition()

  def kill(cluster, name),
    do: :ok = SingleNodeSimulator.simulate_node_failure(cluster.nodes[name])

  def stop(cluster, name), do: :ok = Scope.stop(cluster.nodes[name])

  def restart(cluster, name),
    do: :ok = SingleNodeSimulator.simulate_node_recovery(cluster.nodes[name])
end
