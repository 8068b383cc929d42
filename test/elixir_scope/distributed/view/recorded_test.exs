defmodule ElixirScope.Distributed.View.RecordedTest do
  # Requests between two real nodes, traced without a changed line, as a tree, a flame and a difference.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Causality, NodeCoordinator}
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.{Diff, Flame, Tree}

  @behaviour GenServer

  @moduletag :cluster

  @name __MODULE__.Shop

  # A busy machine is another test's.
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  @impl GenServer
  def init(nil), do: {:ok, nil}

  @impl GenServer
  def handle_call({:run, fun}, _from, state), do: {:reply, fun.(), state}
  def handle_call({:take, item}, _from, state), do: {:reply, reserve(item), state}

  def buy(node, item), do: {:bought, GenServer.call({@name, node}, {:take, item})}
  def reserve(item), do: {:reserved, item}

  test "a request of one node to another nests, adds up, and is no different the next time" do
    [shop, store] = nodes = start_nodes(2)
    :ok = on(shop, NodeCoordinator, :setup_cluster, [[store]])

    for node <- nodes,
        do: on(node, fn -> {:ok, _} = GenServer.start(__MODULE__, nil, name: @name) end)

    for node <- nodes,
        do:
          eventually(fn ->
            assert {:ok, [_, _]} = on(node, NodeCoordinator, :get_cluster_nodes, [])
          end)

    trace(shop)
    for item <- [:tea, :tea, :book], do: buy_from(shop, store, item)
    %{spans: spans, tree: tree, flame: flame, same: same, other: other} = on(shop, &shown/0)

    for {buy, take, reserve} <- requests(spans) do
      assert {buy.node, take.node} == {shop, store}
      assert {take.parent, take.link} == {buy.index, :message}
      assert {reserve.parent, reserve.link} == {take.index, :program}
      assert buy.total_ns == buy.self_ns + buy.waiting_ns + buy.network_ns
    end

    assert length(requests(spans)) == 3
    assert Enum.any?(tree, &(&1 =~ ~r/─ → .*RecordedTest.handle_call\({:take, :tea}/))
    assert Enum.any?(flame, &(&1 =~ ~r/RecordedTest.buy\/2.*;\[network\] \d+$/))

    assert Enum.any?(
             flame,
             &(&1 =~ ~r/RecordedTest.buy\/2.*;.*handle_call\/3.*;.*reserve\/1 \d+$/)
           )

    assert hd(same) == "no difference"
    assert hd(other) =~ "RecordedTest.buy/2 called with argument 2 :tea, then :book"
  end

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node) do
    functions =
      for {name, arity} <- [buy: 2, handle_call: 3, reserve: 1], do: {__MODULE__, name, arity}

    options = [processes: [@name], messages: true, return: true, health: @calm]

    {:ok, %{refused: refused}} =
      on(node, fn ->
        asking = self()

        spawn(fn ->
          send(asking, {:trace, Scope.trace(functions, options)})
          receive do: (:never -> :ok)
        end)

        receive do: ({:trace, result} -> result)
      end)

    assert refused == %{}
  end

  defp buy_from(shop, store, item) do
    bought = on(shop, fn -> GenServer.call(@name, {:run, fn -> buy(store, item) end}) end)
    assert bought == {:bought, {:reserved, item}}
  end

  # On the node that has the picture.
  defp shown do
    {:ok, picture} = Causality.build(kinds: [:function, :message])
    spans = picture |> Spans.of() |> Spans.stream() |> Enum.to_list()
    [first, second, third] = for %{function: {_, :buy, 2}} = buy <- spans, do: id(picture, buy)
    text = fn lines -> for line <- lines, do: IO.iodata_to_binary(line) end
    plain = [width: 200, color: false, ascii: false]

    %{
      spans: spans,
      tree: text.(Tree.render(picture, plain)),
      flame: text.(Flame.render(picture, format: :folded)),
      same: text.(Diff.render(picture, plain ++ [ids: {first, second}])),
      other: text.(Diff.render(picture, plain ++ [ids: {first, third}]))
    }
  end

  defp id(picture, span), do: picture |> Causality.events([span.call]) |> hd() |> Map.fetch!(:id)

  defp requests(spans) do
    for %{function: {_, :buy, 2}} = buy <- spans,
        %{function: {_, :handle_call, 3}} = take <- spans,
        take.parent == buy.index,
        %{function: {_, :reserve, 1}} = reserve <- spans,
        reserve.parent == take.index,
        do: {buy, take, reserve}
  end
end
