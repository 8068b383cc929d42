defmodule ElixirScope.Distributed.Causality.HalvesTest do
  # A receive has no correlation of its own: a picture of one has to bring it in.
  use ElixirScope.Distributed.Case, nodes: [:desk, :stock, :till], async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Causality, NodeCoordinator}
  alias Troubles.Desk

  @parts [Desk, Troubles.Stock, Troubles.Till]

  setup %{nodes: [desk | _] = nodes} do
    for node <- nodes, part <- @parts, do: on(node, Code, :ensure_loaded, [part])
    eventually(fn -> Enum.all?(nodes, &(length(members(&1)) == 3)) end)
    :ok = Troubles.open(nodes, &on/2)
    [id: on(desk, fn -> ordered(desk) end)]
  end

  test "what other nodes did for a call is led to by it", %{nodes: [desk, stock, till], id: id} do
    on(desk, fn ->
      {:ok, found} = Scope.events(correlation_id: id)
      {:ok, picture} = Causality.build(correlation_id: id)
      [entry, at_stock, at_till] = for node <- [desk, stock, till], do: handled(picture, node)
      assert Causality.relation(picture, entry, at_stock) == :before
      assert Causality.relation(picture, at_stock, at_till) == :before

      brought_in = for %{brought_in?: true, event: event} <- rows(picture), do: event
      assert length(brought_in) == picture.about.brought_in
      assert picture.about.events == length(found) + length(brought_in)
      assert Enum.uniq(for(event <- brought_in, do: event.kind)) == [:receive]
      assert MapSet.disjoint?(ids(brought_in), ids(found))
    end)
  end

  test "the newest first or the oldest, it is the same picture", %{nodes: [desk | _], id: id} do
    on(desk, fn ->
      {:ok, newest} = Causality.build(correlation_id: id, order: :desc)
      {:ok, oldest} = Causality.build(correlation_id: id)
      assert for(row <- rows(newest), do: row.event) == for(row <- rows(oldest), do: row.event)
    end)
  end

  test "nothing is brought in where everything is there", %{nodes: [desk | _]} do
    on(desk, fn ->
      {:ok, all} = Causality.build(limit: 100_000)
      assert {all.about.brought_in, all.about.events > 20} == {0, true}
    end)
  end

  defp ordered(desk) do
    {:ok, _trace} = Scope.trace({Desk, :order, 2}, correlate: :each_call)
    {:ok, _trace} = Scope.trace(@parts, return: true, messages: true)
    # A process that waited when the trace began is not yet seen to receive.
    for item <- [:lamp, :book], do: {:ok, _paid} = Desk.order(desk, item)
    {:ok, _summaries} = Scope.stop_trace()
    {:ok, [_lamp, book]} = Scope.events(mfa: {Desk, :order, 2}, kinds: [:call])
    book.correlation_id
  end

  # What a node was called back with first.
  defp handled(picture, node) do
    Enum.find_value(rows(picture), fn
      %{event: %{node: ^node, kind: :call, subject: {_, :handle_call, 3}, id: id}} -> id
      _other -> nil
    end)
  end

  defp rows(picture), do: Causality.rows(picture, 0, Causality.size(picture))
  defp ids(events), do: MapSet.new(events, & &1.id)

  defp members(node) do
    {:ok, members} = on(node, NodeCoordinator, :get_cluster_nodes, [])
    members
  end
end
