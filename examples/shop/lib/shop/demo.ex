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
    story = Cluster.on(nodes.web, fn -> story_of(failing_request()) end)
    IO.puts(["\nWhat happened to the piano, as the web node tells it:\n\n", story.tree])
    IO.puts(["\nEvent by event:\n\n", story.timeline])
    verify(story, nodes)
  end

  defp start do
    nodes = Map.new(Enum.zip(@roles, Cluster.start_nodes(@roles, unique: false)))
    where = for {role, services} <- @services, service <- services, do: {service, nodes[role]}
    color? = IO.ANSI.enabled?()
    for {role, node} <- nodes, do: Cluster.on(node, fn -> take_role(role, where, color?) end)
    nodes
  end

  defp take_role(role, where, color?) do
    Application.put_env(:shop, :role, role)
    Application.put_env(:shop, :nodes, Map.new(where))
    Application.put_env(:shop, :color, color?)
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
    Enum.find(returns, &match?({:error, _message}, &1.data)).correlation_id
  end

  defp story_of(request) do
    {:ok, causality} = Causality.build(correlation_id: request)

    %{
      tree: text(View.Tree.render(causality, paper())),
      timeline: text(View.Timeline.render(causality, paper())),
      about: causality.about,
      events: Enum.map(Causality.rows(causality, 0, Causality.size(causality)), & &1.event)
    }
  end

  defp paper, do: [width: 100, color: Application.get_env(:shop, :color)]

  defp text(lines), do: lines |> Enum.map(&[&1, ?\n]) |> IO.iodata_to_binary()

  # What is printed has to be true.
  defp verify(%{about: about, events: events}, nodes) do
    check(about.missing == %{} and about.dropped == 0, "nothing is missing")
    check(length(Enum.uniq_by(events, & &1.node)) == 3, "events of three nodes")
    failure = Enum.find(events, &(&1.kind == :exception))
    check(failure && failure.node == nodes.payment, "the exception on the payment node")
    check(calls(events) == story(), "every cause before its effect")
    IO.puts("Three nodes, one story: every cause stands before its effect.")
  end

  defp calls(events) do
    for %{kind: :call, subject: {module, function, _arity}} <- events, do: {module, function}
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
