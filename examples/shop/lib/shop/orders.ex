defmodule Shop.Orders do
  @moduledoc "Reserves what was ordered, then charges for it."

  use Shop.Service

  @impl true
  def handle(request) do
    price = Shop.Service.call(Shop.Inventory, request)
    receipt = Shop.Service.call(Shop.Payment, Map.put(request, :price, price))
    %{receipt: receipt, price: price}
  end
end
