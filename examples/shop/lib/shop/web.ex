defmodule Shop.Web do
  @moduledoc "Takes requests from outside."

  use GenServer

  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "One request of a customer: `{:ok, receipt}` or `{:error, message}`."
  def checkout(request), do: GenServer.call(__MODULE__, {:checkout, request})

  @impl true
  def init(nil), do: {:ok, 0}

  @impl true
  def handle_call({:checkout, request}, _from, served),
    do: {:reply, Shop.Orders.place(request), served + 1}
end
