defmodule ElixirScope.Distributed.Debug.Services.Report do
  @moduledoc false
  # How the services stand, for `status/0`: who offers what, which nodes are not asked, and every bound.

  alias ElixirScope.Distributed.Debug.Desk.{Register, Room, Worker}
  alias ElixirScope.Distributed.Debug.{Desk, Operations, Table}
  alias ElixirScope.Distributed.Debug.Services.{Breaker, Breakers, Peers, Retry, Versions}

  @idle %{workers: 0, waiting: 0}

  @doc "Of a scope's name, and of what all scopes of the VM share."
  @spec of(atom) :: map
  def of(scope) do
    %{
      registered: for({^scope, side} <- Register.all(), do: side),
      offered: Map.new(services(), &{&1, Enum.map(Peers.members(scope, &1), fn {n, _} -> n end)}),
      versions: Versions.own(),
      breakers: Breakers.all(),
      breaker_count: map_size(Breakers.all()),
      peers: Peers.count(),
      counts: Table.counts(),
      limits: limits()
    }
    |> Map.merge(Table.get(:desk, @idle))
    |> Map.merge(Desk.mailbox())
  end

  defp services, do: Operations.services(:language) ++ Operations.services(:target)

  defp limits do
    Map.merge(Room.limits(), Worker.limits())
    |> Map.merge(%{breakers: Breakers.limit(), peers: Peers.limit()})
    |> Map.merge(%{breaker: Breaker.limits(), retry: Retry.limits()})
  end
end
