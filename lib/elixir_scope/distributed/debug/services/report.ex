defmodule ElixirScope.Distributed.Debug.Services.Report do
  @moduledoc false
  # How the services stand, for `status/0`: who offers what, which nodes are not asked, and every bound.

  alias ElixirScope.Distributed.Debug.Desk.{Register, Room, Worker}
  alias ElixirScope.Distributed.Debug.Breakpoints.{Board, Expression, Noted}
  alias ElixirScope.Distributed.Debug.{Desk, Int, Interpreter.Server, Operations, Table}
  alias ElixirScope.Distributed.Debug.Services.{Breaker, Breakers, Peers, Retry, Versions}

  @idle %{workers: 0, waiting: 0}

  @doc "Of a scope's names, and of what all scopes of the VM share."
  @spec of([atom]) :: map
  def of(names) do
    %{
      registered: for({name, side} <- Register.all(), name in names, uniq: true, do: side),
      offered: Map.new(services(), &{&1, offered(names, &1)}),
      versions: Versions.own(),
      breakers: Breakers.all(),
      breaker_count: map_size(Breakers.all()),
      peers: Peers.count(),
      counts: Table.counts(),
      places: Board.count(),
      interpreted: length(Int.Code.ours()),
      limits: limits()
    }
    |> Map.merge(Table.get(:desk, @idle))
    |> Map.merge(Desk.mailbox())
  end

  defp offered(names, service) do
    for name <- names, {node, _desk} <- Peers.members(name, service), uniq: true, do: node
  end

  defp services, do: Operations.services(:language) ++ Operations.services(:target)

  defp limits do
    Map.merge(Room.limits(), Worker.limits())
    |> Map.merge(%{places: Board.most(), interpreted: Server.most()})
    |> Map.merge(Expression.limits())
    |> Map.merge(Noted.limits())
    |> Map.merge(%{breakers: Breakers.limit(), peers: Peers.limit()})
    |> Map.merge(%{breaker: Breaker.limits(), retry: Retry.limits()})
  end
end
