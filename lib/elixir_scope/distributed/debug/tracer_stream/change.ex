defmodule ElixirScope.Distributed.Debug.TracerStream.Change do
  @moduledoc false
  # One module's change, made in a graph.

  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.Debug.TracerStream.Log

  # Taken out first: a graph keeps what was observed of a module when its list is replaced, but the
  # list that comes has it too, if the module was not gone meanwhile.
  @doc "Makes it."
  @spec make(Graph.t(), Log.change()) :: :ok
  def make(graph, {:put, module, _md5, entries}) do
    {:ok, _} = Graph.remove(graph, module)
    {:ok, _} = Graph.replace(graph, module, entries)
    :ok
  end

  def make(graph, {:removed, module}) do
    {:ok, _} = Graph.remove(graph, module)
    :ok
  end
end
