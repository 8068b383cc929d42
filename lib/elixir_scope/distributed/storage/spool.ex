defmodule ElixirScope.Distributed.Storage.Spool do
  @moduledoc false
  # The native store, as a plugged storage is fed from it: which numbers of which origins are
  # here, and the events of a range of them.

  import Kernel, except: [node: 1]

  alias ElixirScope.Distributed.{Event, Scope, Storage.Fed}
  alias ElixirScope.Distributed.Storages.Native

  @doc "The origin of what this scope records."
  @spec own(Scope.t()) :: Fed.origin()
  def own(scope), do: {Atom.to_string(scope.node), scope.incarnation}

  @doc "What is here, with all that was recorded before the call."
  @spec holdings(Scope.t()) :: Fed.holdings()
  def holdings(scope) do
    for {{node, start}, events} <- Enum.group_by(all(scope, []), &elem(&1.id, 0)),
        {first, last} <- runs(events |> Enum.map(&elem(&1.id, 1)) |> Enum.sort()),
        do: {Atom.to_string(node), start, first, last}
  end

  @doc "The events of a range, as far as they are still here."
  @spec read(Scope.t(), Fed.range()) :: [Event.t()]
  def read(scope, {{node, start}, first, last}) do
    for %{id: {{_node, ^start}, seq}} = event <- all(scope, nodes: [node(node)]),
        seq in first..last,
        do: event
  end

  @doc "A node by its name, which is known here as events of it are or were."
  @spec node(String.t()) :: node
  def node(text), do: String.to_existing_atom(text)

  defp all(scope, filter) do
    {:ok, %{events: events}} = Native.query(scope.store, [limit: 10_000_000] ++ filter)
    events
  end

  defp runs([first | rest]), do: runs(rest, first, first)
  defp runs([]), do: []
  defp runs([next | rest], first, last) when next == last + 1, do: runs(rest, first, next)
  defp runs([next | rest], first, last), do: [{first, last} | runs(rest, next, next)]
  defp runs([], first, last), do: [{first, last}]
end
