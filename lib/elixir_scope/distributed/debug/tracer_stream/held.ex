defmodule ElixirScope.Distributed.Debug.TracerStream.Held do
  @moduledoc """
  What a subscriber of `ElixirScope.Distributed.Debug.TracerStream` has of the graph, kept up to
  date by the messages that it gets:

      def handle_info({:tracer_update, _, _, _} = update, state) do
        {:ok, held} = Held.follow(state.held, update)
        {:noreply, %{state | held: held}}
      end

  It begins as `nil`. `graph` is a handle of this node, which `follow/2` changes.
  """

  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.Debug.TracerStream.{Change, Snapshot}

  @enforce_keys [:epoch, :version, :modules, :graph]
  defstruct [:epoch, :version, :modules, :graph]

  @type t :: %__MODULE__{
          epoch: integer,
          version: non_neg_integer,
          modules: %{module => binary | nil},
          graph: Graph.t()
        }

  @doc """
  What is held after a message. `:missed` means that it does not follow what is held: subscribe again.

      {:ok, held} = Held.follow(nil, {:tracer_update, :initial, 7, snapshot})
  """
  @spec follow(t | nil, tuple) :: {:ok, t} | :missed
  def follow(_held, {:tracer_update, :initial, version, %Snapshot{version: version} = snapshot}) do
    {:ok, graph} = Graph.from_bytes(snapshot.graph)
    own = %{epoch: snapshot.epoch, version: version, modules: snapshot.modules, graph: graph}
    {:ok, struct!(__MODULE__, own)}
  end

  def follow(
        %__MODULE__{epoch: epoch, version: from} = held,
        {:tracer_update, :incremental, version, %{epoch: epoch, from: from, changes: changes}}
      ) do
    Enum.each(changes, &Change.make(held.graph, &1))
    modules = Enum.reduce(changes, held.modules, &versions/2)
    {:ok, %{held | version: version, modules: modules}}
  end

  def follow(_held, {:tracer_update, _kind, _version, _else}), do: :missed

  defp versions({:put, module, md5, _entries}, modules), do: Map.put(modules, module, md5)
  defp versions({:removed, module}, modules), do: Map.delete(modules, module)
end
