defmodule Shop.Payment do
  @moduledoc "Charges cards up to their limit."

  use GenServer

  @limit 1_000

  def start_link(_options), do: GenServer.start_link(__MODULE__, 0, name: __MODULE__)

  def charge(card, price),
    do: GenServer.call(Shop.Application.where(__MODULE__), {:charge, card, price})

  @impl true
  def init(sum), do: {:ok, sum}

  @impl true
  def handle_call({:charge, card, price}, _from, sum) do
    {:reply, {:ok, receipt(card, price)}, sum + price}
  rescue
    error -> {:reply, {:error, Exception.message(error)}, sum}
  end

  def receipt(_card, price) when price > @limit,
    do: raise("card declined: #{price} is over the limit of #{@limit}")

  def receipt(card, price), do: "#{card}-#{price}"
end
