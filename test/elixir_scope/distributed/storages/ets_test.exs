defmodule ElixirScope.Distributed.Storages.EtsTest do
  use ExUnit.Case, async: true
  use ElixirScope.Distributed.Case.StorageContract, storage: ElixirScope.Distributed.Storages.Ets

  alias ElixirScope.Distributed.Case.StorageContract.Events
  alias ElixirScope.Distributed.Storage.Filter
  alias ElixirScope.Distributed.Storages.Ets

  test "beyond its limit the oldest go, and are counted" do
    {Ets, store} = StorageContract.start({Ets, limit: 100})
    events = Events.some(150)
    for batch <- Enum.chunk_every(events, 10), do: :ok = Ets.append(store, batch, 1)
    assert %{events: 100, limit: 100, expired: 50} = Ets.statistics(store)
    {:ok, %{events: kept}} = Ets.query(store, Filter.new([]))
    assert kept -- events == []
  end

  test "a stream of slices is read no further than the answer" do
    {Ets, store} = StorageContract.start(Ets)
    :ok = Ets.append(store, Events.some(2_000), 1)
    {:ok, all} = Ets.query(store, Filter.new(order: :desc))

    assert {:ok, %{more?: true, events: first}} =
             Ets.query(store, Filter.new(order: :desc, limit: 3))

    assert first == Enum.take(all.events, 3)
  end
end
