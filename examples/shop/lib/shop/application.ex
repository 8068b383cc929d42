defmodule Shop.Application do
  @moduledoc """
  A small shop on three nodes. Each node starts the services of its role:

      web  ──>  orders  ──>  inventory (on the node of orders)
                        ──>  payment

  Nothing in it knows that it will be looked at.
  """

  use Application

  @services %{
    web: [Shop.Web],
    orders: [Shop.Orders, Shop.Inventory],
    payment: [Shop.Payment],
    none: []
  }

  @impl true
  def start(_type, _args) do
    role = Application.get_env(:shop, :role, :none)
    Supervisor.start_link(@services[role], strategy: :one_for_one, name: Shop.Supervisor)
  end

  @doc "Where a service runs."
  def where(service), do: {service, Application.fetch_env!(:shop, :nodes)[service]}
end
