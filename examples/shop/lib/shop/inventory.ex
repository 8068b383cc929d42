defmodule Shop.Inventory do
  @moduledoc "Knows what things cost."

  use GenServer

  @prices %{book: 20, lamp: 45, piano: 9_000}

  def start_link(_options), do: GenServer.start_link(__MODULE__, @prices, name: __MODULE__)

  def price(item), do: GenServer.call(Shop.Application.where(__MODULE__), {:price, item})

  @impl true
  def init(prices), do: {:ok, prices}

  @impl true
  def handle_call({:price, item}, _from, prices),
    do: {:reply, Map.fetch!(prices, item), prices}
end
