defmodule ElixirScope.Distributed.Debug.Workspace do
  @moduledoc """
  What a node that knows the code says of all of it: the service `:workspace_analysis`.

      {:ok, %{cycles: cycles}} = Workspace.cycles()
  """

  alias ElixirScope.Distributed.Debug.DependencyService.Served
  alias ElixirScope.Distributed.Debug.TracerStream
  alias ElixirScope.Distributed.Debug.TracerStream.Snapshot

  @doc """
  The whole graph as a value.

      {:ok, snapshot} = Workspace.graph()
  """
  @spec graph() :: {:ok, Snapshot.t()} | {:error, term}
  defdelegate graph, to: TracerStream, as: :get_trace

  @doc """
  The modules that need one another.

      {:ok, %{cycles: [[Shop, Shop.Cart]]}} = Workspace.cycles()
  """
  @spec cycles() :: Served.answer()
  defdelegate cycles, to: Served

  @doc """
  What a change of these modules comes to.

      {:ok, %{affected: %{recompiled: _, reached: _}}} = Workspace.affected([Shop.Cart, Shop.Price])
  """
  @spec affected([module]) :: Served.answer()
  defdelegate affected(modules), to: Served, as: :affected_by

  @doc """
  Why one module needs another.

      {:ok, %{path: [Shop, Shop.Cart]}} = Workspace.why(Shop, Shop.Cart)
  """
  @spec why(module, module) :: Served.answer()
  defdelegate why(from, to), to: Served
end
