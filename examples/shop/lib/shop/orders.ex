defmodule Shop.Orders do
  @moduledoc "Finds out what an order costs, then has it paid."

  use GenServer

  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  def place(request), do: GenServer.call(Shop.Application.where(__MODULE__), {:place, request})

  @impl true
  def init(nil), do: {:ok, []}

  @impl true
  def handle_call({:place, %{item: item, card: card}}, _from, paid) do
    case Shop.Payment.charge(card, Shop.Inventory.price(item)) do
      {:ok, receipt} -> {:reply, {:ok, receipt}, [receipt | paid]}
      {:error, message} -> {:reply, {:error, message}, paid}
    end
  end
end
