defmodule ElixirScope.Distributed.Parity.Real do
  @moduledoc false
  # The stories' cluster as nodes of their own, connected by Erlang distribution.

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Case, NodeCoordinator}

  @names [:a, :b, :c]

  def start(options) do
    nodes = Case.start_nodes(@names, config: [elixir_scope_distributed: options])
    %{world: __MODULE__, nodes: Enum.zip(@names, nodes)}
  end

  @doc "The scopes begin again with other options, where they are."
  def renew(cluster, options) do
    nodes = Keyword.values(cluster.nodes)
    Case.on(nodes, Scope, :stop, [])
    Case.on(nodes, Scope, :start, [options])
    Case.connect(nodes)
    Case.on(hd(nodes), NodeCoordinator, :setup_cluster, [nodes])
    cluster
  end

  def finish(cluster), do: Enum.each(Keyword.values(cluster.nodes), &Case.kill/1)

  def run(cluster, name, fun),
    do: Case.on(cluster.nodes[name], :erlang, :apply, [fun, [Scope]])

  def cut(cluster, one, other),
    do: Case.partition(Enum.map(one, &cluster.nodes[&1]), Enum.map(other, &cluster.nodes[&1]))

  def cut_one_way(cluster, from, to),
    do: Case.partition(cluster.nodes[from], to: cluster.nodes[to])

  def heal(cluster), do: Case.heal(Keyword.values(cluster.nodes))
  def kill(cluster, name), do: Case.kill(cluster.nodes[name])
  def stop(cluster, name), do: Case.on(cluster.nodes[name], Scope, :stop, [])
  def restart(cluster, name), do: Case.restart(cluster.nodes[name])
end
