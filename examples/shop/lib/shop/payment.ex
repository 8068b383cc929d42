defmodule Shop.Payment do
  @moduledoc "Charges cards up to their limit."

  use Shop.Service

  @limit 1_000

  @impl true
  def handle(%{price: price, card: card}) do
    if price > @limit, do: raise("card declined: #{price} is over the limit of #{@limit}")
    "#{card}-#{price}"
  end
end
