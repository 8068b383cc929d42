defmodule Shop.Demo do
  @moduledoc """
  Three nodes, a handful of requests, one of which fails on a remote node; then the whole story of that
  request, as the web node alone tells it. The shop itself is as it would be without anybody looking.
  """

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Case.Cluster
  alias ElixirScope.Distributed.{Causality, View}

  @services %{web: [Shop.Web], orders: [Shop.Orders, Shop.Inventory], payment: [Shop.Payment]}
  @roles [:web, :orders, :payment]
  @modules [Shop.Web, Shop.Orders, Shop.Inventory, Shop.Payment]

  @requests [
    %{item: :book, card: "visa"},
    %{item: :lamp, card: "visa"},
    %{item: :piano, card: "amex"},
    %{item: :book, card: "amex"}
  ]

  def run do
    nodes = start()
    outcomes = Cluster.on(nodes.web, fn -> traced(fn -> Enum.map(@requests, &checkout/1) end) end)
    for {request, outcome} <- outcomes, do: IO.puts("#{request.item}: #{inspect(outcome)}")
    {:ok, result} = Cluster.on(nodes.web, fn -> failing_request() end)
    {:ok, causality} = Causality.build(result)
    show("\nWhat happened to the piano, as the web node tells it:\n", causality, View.Tree)
    show("\nEvent by event:\n", causality, View.Timeline)
    verify(result, causality, nodes)
  end

  defp start do
    nodes = Map.new(Enum.zip(@roles, Cluster.start_nodes(@roles)))
    where = for {role, services} <- @services, service <- services, do: {service, nodes[role]}
    for {role, node} <- nodes, do: Cluster.on(node, fn -> take_role(role, where) end)
    nodes
  end

  defp take_role(role, where) do
    Application.put_env(:shop, :role, role)
    Application.put_env(:shop, :nodes, Map.new(where))
    # As a release does when it boots.
    Enum.each(@modules, &Code.ensure_loaded!/1)
    {:ok, _apps} = Application.ensure_all_started(:shop)
  end

  # On the web node, for all of them: each checkout begins an id, and the id goes where messages go.
  defp traced(fun) do
    {:ok, _trace} = Scope.trace({Shop.Web, :checkout, 1}, correlate: :each_call)
    {:ok, _trace} = Scope.trace(@modules, return: true, messages: true)
    result = fun.()
    {:ok, _summaries} = Scope.stop_trace()
    result
  end

  defp checkout(request), do: {request, Shop.Web.checkout(request)}

  defp failing_request do
    {:ok, returns} = Scope.events(mfa: {Shop.Web, :checkout, 1}, kinds: [:return])
    failed = Enum.find(returns, &match?({:error, _message}, &1.data))
    Scope.query(correlation_id: failed.correlation_id)
  end

  defp show(title, causality, view) do
    IO.puts(title)
    lines = view.render(causality, width: 100, color: IO.ANSI.enabled?())
    Enum.each(lines, &IO.puts/1)
  end

  # What is printed has to be true.
  defp verify(result, causality, nodes) do
    check(result.missing == %{} and result.dropped == 0, "nothing is missing")
    check(length(Enum.uniq_by(result.events, & &1.node)) == 3, "events of three nodes")
    failure = Enum.find(result.events, &(&1.kind == :exception))
    check(failure && failure.node == nodes.payment, "the exception on the payment node")
    check(calls(causality) == story(), "every cause before its effect")
    IO.puts("\nThree nodes, one story: every cause stands before its effect.")
  end

  defp calls(causality) do
    for %{event: %{kind: :call, subject: {module, function, _arity}}} <-
          Causality.rows(causality, 0, Causality.size(causality)),
        module in @modules,
        do: {module, function}
  end

  # The only order in which this can have happened.
  defp story do
    [
      {Shop.Web, :checkout},
      {Shop.Web, :handle_call},
      {Shop.Orders, :place},
      {Shop.Orders, :handle_call},
      {Shop.Inventory, :price},
      {Shop.Inventory, :handle_call},
      {Shop.Payment, :charge},
      {Shop.Payment, :handle_call},
      {Shop.Payment, :receipt}
    ]
  end

  defp check(true, _what), do: :ok

  defp check(_false, what) do
    IO.puts(:stderr, "the demo failed: expected #{what}")
    System.halt(1)
  end
end
