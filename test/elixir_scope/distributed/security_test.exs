defmodule ElixirScope.Distributed.SecurityTest do
  # What guides/security.md says of cookies and of the interface that a node listens at.
  # TLS is in tls_test.exs, what a node serves in serve_test.exs and serve_nodes_test.exs.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.NodeCoordinator

  defp members(node), do: on(node, NodeCoordinator, :get_cluster_nodes, [])

  defp info(node, other) do
    {:ok, %{nodes: nodes}} = on(node, NodeCoordinator, :get_distributed_status, [])
    nodes[other]
  end

  test "one cookie for each pair of nodes: who shares none with another does not reach it" do
    [web] = start_nodes([:web], cookie: "its-own-1")
    [orders] = start_nodes([:orders], cookie: "its-own-2")
    [payment] = start_nodes([:payment], cookie: "its-own-3")

    for {one, other, cookie} <- [{web, orders, :web_orders}, {web, payment, :web_payment}] do
      on(one, Node, :set_cookie, [other, cookie])
      on(other, Node, :set_cookie, [one, cookie])
    end

    :ok = on(web, NodeCoordinator, :setup_cluster, [[orders, payment]])
    all = {:ok, Enum.sort([web, orders, payment])}
    eventually(fn -> assert members(web) == all end)

    # These two know of each other by the decision of the first, and have no cookie in common.
    eventually(fn -> assert %{status: :down, reason: :cookie} = info(orders, payment) end,
      within: 20_000
    )

    assert info(orders, payment).remedy =~ "cookie"
    assert members(orders) == {:ok, Enum.sort([web, orders])}

    on(payment, Scope, :record, [:n, 1])
    {:ok, %{events: [%{data: 1}]}} = on(web, Scope, :query, [[kinds: [:mark]], []])
  end

  test "a node that listens at the loopback interface alone" do
    [a, b] = start_nodes(2, args: ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"])
    eventually(fn -> assert members(a) == {:ok, Enum.sort([a, b])} end)

    addresses =
      on(a, fn ->
        for port <- Port.list(), {:ok, {address, _port}} <- [:inet.sockname(port)], do: address
      end)

    assert addresses != [] and Enum.all?(addresses, &(&1 == {127, 0, 0, 1}))
  end
end
