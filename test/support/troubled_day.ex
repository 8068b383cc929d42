defmodule ElixirScope.Distributed.TroubledDay do
  @moduledoc false
  # Records `Troubles` on three real nodes: orders, a race, a crash, a deadlock and a partition. What
  # comes of it is committed as `test/fixtures/recordings/troubles.scope`, as other runs have other
  # pids and times:
  #
  #     MIX_ENV=test mix run --no-start -e 'ElixirScope.Distributed.TroubledDay.record("troubles.scope")'

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Case.{Capture, Cluster, Eventually}
  alias ElixirScope.Distributed.{NodeCoordinator, SharedCode}

  @compile {:no_warn_undefined, [Troubles, Troubles.Desk, Troubles.Till]}

  # They are not compiled with this.
  @desk Troubles.Desk
  @till Troubles.Till
  @parts [Troubles.Desk, Troubles.Stock, Troubles.Till]

  def record(out) do
    SharedCode.on_path!()
    nodes = [desk | _] = Cluster.start_nodes([:desk, :stock, :till], log: :none, unique: false)
    together(nodes)
    for node <- nodes, do: :ok = Capture.begin(node, {@parts, state: true})
    day(nodes)
    {:ok, saved} = Cluster.on(desk, fn -> Scope.save(out, [], overwrite: true) end)
    saved
  end

  defp day([desk, stock, till] = nodes) do
    :ok = Troubles.open(nodes, &Cluster.on/2)
    for {item, id} <- [book: "order-1", lamp: "order-2"], do: order(desk, id, item)
    9 = Troubles.race(nodes, &Cluster.on/2)
    {:exit, _reason} = order(desk, "order-3", :piano)
    open_again(desk, stock, till)
    :no_answer = Troubles.deadlock(nodes, &Cluster.on/2)
    Cluster.partition(till, [desk, stock])
    order(desk, "order-4", :book)
    Cluster.heal(nodes)
    together(nodes)
  end

  defp order(desk, id, item) do
    Cluster.on(desk, fn ->
      Scope.with_correlation(id, fn -> Troubles.failing(fn -> @desk.order(desk, item) end) end)
    end)
  end

  defp open_again(desk, stock, till) do
    {:ok, _pid} = Cluster.on(desk, fn -> @desk.start(%{stock: stock, till: till}) end)
    {:ok, _pid} = Cluster.on(till, fn -> @till.start() end)
  end

  # Until each of them can ask all of them.
  defp together(nodes) do
    Eventually.eventually(fn -> Enum.all?(nodes, &whole?/1) end, within: 20_000)
  end

  defp whole?(node) do
    {:ok, members} = Cluster.on(node, NodeCoordinator, :get_cluster_nodes, [])
    {:ok, result} = Cluster.on(node, Scope, :query, [[limit: 1]])
    length(members) == 3 and result.missing == %{}
  end
end
