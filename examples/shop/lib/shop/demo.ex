defmodule Shop.Demo do
  @moduledoc """
  Three nodes, a handful of requests, one of which fails on a remote node; then the
  whole story of that request, read on the web node alone.
  """

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Case.Cluster
  alias ElixirScope.Distributed.View

  @services %{web: [Shop.Web], orders: [Shop.Orders, Shop.Inventory], payment: [Shop.Payment]}
  @roles Map.keys(@services)

  def run do
    nodes = start()
    outcomes = Cluster.on(nodes.web, fn -> Enum.map(requests(), &Shop.Web.checkout/1) end)
    summary(Enum.zip(requests(), outcomes))
    {:ok, result} = Cluster.on(nodes.web, fn -> failing_request() end)
    :ok = View.timeline(result)
    verify(result, nodes)
  end

  def requests do
    [
      %{id: "r-1", item: :book, card: "visa"},
      %{id: "r-2", item: :lamp, card: "visa"},
      %{id: "r-3", item: :piano, card: "amex"},
      %{id: "r-4", item: :book, card: "amex"}
    ]
  end

  defp failing_request, do: Scope.query(correlation_id: "r-3")

  defp start do
    nodes =
      @roles
      |> Enum.zip(Cluster.start_nodes(@roles, apps: [:elixir_scope_distributed]))
      |> Map.new()

    where = for {role, services} <- @services, service <- services, do: {service, nodes[role]}
    for {role, node} <- nodes, do: Cluster.on(node, fn -> take_role(role, where) end)
    nodes
  end

  defp take_role(role, where) do
    Application.put_env(:shop, :role, role)
    Application.put_env(:shop, :nodes, Map.new(where))
    {:ok, _apps} = Application.ensure_all_started(:shop)
  end

  defp summary(outcomes) do
    for {request, outcome} <- outcomes,
        do: IO.puts("#{request.id} #{request.item}: #{inspect(outcome)}")

    IO.puts("\nWhat happened to r-3, as the web node tells it:\n")
  end

  defp verify(result, nodes) do
    check(result.missing == %{}, "a node is missing")
    check(length(Enum.uniq_by(result.events, & &1.node)) == 3, "events of three nodes")
    failure = Enum.find(result.events, &(&1.subject == :exception))
    check(failure && failure.node == nodes.payment, "the exception on the payment node")

    check(
      Enum.map(result.events, &{&1.subject, &1.data.service}) == story(),
      "every cause before its effect"
    )

    IO.puts("\nThree nodes, one story: every cause stands before its effect.")
  end

  # The only order in which this can have happened.
  defp story do
    [
      calls: Shop.Web,
      serves: Shop.Web,
      calls: Shop.Orders,
      serves: Shop.Orders,
      calls: Shop.Inventory,
      serves: Shop.Inventory,
      done: Shop.Inventory,
      gets: Shop.Inventory,
      calls: Shop.Payment,
      serves: Shop.Payment,
      exception: Shop.Payment,
      fails: Shop.Payment,
      exception: Shop.Orders,
      fails: Shop.Orders,
      exception: Shop.Web,
      fails: Shop.Web
    ]
  end

  defp check(true, _what), do: :ok

  defp check(_false, what) do
    IO.puts(:stderr, "the demo failed: expected #{what}")
    System.halt(1)
  end
end
