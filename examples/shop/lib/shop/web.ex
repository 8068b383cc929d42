defmodule Shop.Web do
  @moduledoc "Takes requests from outside."

  use Shop.Service

  @doc "One request of a customer: `{:ok, receipt}` or `{:error, message}`."
  def checkout(request) do
    {:ok, Shop.Service.call(__MODULE__, request)}
  rescue
    error -> {:error, Exception.message(error)}
  end

  @impl true
  def handle(request), do: Shop.Service.call(Shop.Orders, request)
end
