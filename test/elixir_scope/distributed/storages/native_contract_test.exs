defmodule ElixirScope.Distributed.Storages.NativeContractTest do
  # The native store, and the one in Elixir that was fed from it: both have the same answers.
  use ExUnit.Case, async: true
  use ElixirScope.Distributed.Case.StorageContract, appends?: false

  import ElixirScope.Distributed.Case, only: [eventually: 2]

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Case.{Gen, Parts, StorageContract.Events}
  alias ElixirScope.Distributed.{Error, GlobalClock, Scope, Storage}
  alias ElixirScope.Distributed.Storages.{Ets, Native}

  defmodule Traced do
    use ElixirScope.Distributed.Instrument

    def order(id, basket), do: {:ok, id, length(basket)}
    def fail(why), do: raise(ArgumentError, why)
  end

  def filled(context) do
    {[first | _], _events} = recorded(context, [])
    {:ok, scope} = Scope.fetch(first)
    {:ok, %{events: events, more?: false}} = Native.query(scope.store, [])
    {{Native, scope.store}, events}
  end

  # Three members, each with events of its own kinds, all of which the first one has.
  defp recorded(context, options) do
    scopes = Parts.start(context, 3, options)
    values = for n <- 1..150, do: Gen.pick(Gen.term(), seed: n, size: rem(n, 30))
    for {value, n} <- Enum.with_index(values), do: record(scopes, value, n)
    for scope <- scopes, n <- 1..3, do: gap(scope, n)
    {:ok, _summaries} = ElixirScope.Distributed.EventSynchronizer.sync_with_cluster(hd(scopes))
    {scopes, values}
  end

  defp record(scopes, value, n) do
    id = Enum.at([nil, n, "order-#{rem(n, 5)}", {:order, rem(n, 3)}, :one], rem(n, 5))
    name = Enum.at([:paid, "an order", {Enum, :map, 2}, {:order, 1}], rem(n, 4))
    Library.record(name, value, correlation_id: id, scope: Enum.at(scopes, rem(n, 3)))
  end

  defp gap(scope, n) do
    {:ok, tree} = Scope.fetch(scope)
    Native.note(tree, :gap, %{ring: n, why: %{budget: 3}})
  end

  test "nothing is appended to it, or taken out", context do
    {{Native, store}, _events} = filled(context)
    assert {:error, %Error{reason: :native_store} = error} = Native.append(store, [], nil)
    assert Exception.message(error) =~ "recorded and synchronised"
    assert {:error, %Error{reason: :native_store}} = Native.retain(store, {0, 1})
    assert Native.progress(store) == {:ok, nil}
  end

  test "fed from it, a storage in Elixir answers every question as it does", context do
    {[first | _], _values} = recorded(context, storage: Ets)
    {:ok, %{store: store, storage: {Ets, ets}}} = Scope.fetch(first)

    eventually(
      fn -> assert {:ok, %{storage: %{lag: 0, up?: true}}} = Library.status(first) end,
      within: 30_000
    )

    {:ok, %{events: events}} = Native.query(store, [])
    assert length(events) > 100

    Gen.property(Events.filters(events), [runs: 400], fn options ->
      filter = Storage.Filter.new(options)
      {:ok, expected} = Native.query(store, filter)
      {:ok, found} = Ets.query(ets, filter)
      assert expected == found
    end)

    stamp = Enum.at(events, 40).at
    {logical, ns, _node} = stamp
    older = Enum.count(events, &(GlobalClock.compare(&1.at, stamp) == :lt))
    {:ok, forgotten} = Ets.retain(ets, {logical, ns})
    assert forgotten == older
    {:ok, kept} = Native.query(store, from: {logical, ns, nil})
    assert Ets.query(ets, Storage.Filter.new([])) == {:ok, kept}
  end
end
