defmodule ElixirScope.Distributed.Sync.Early do
  @moduledoc false
  # The other side of a handshake may be through with it first: its last batch is kept until this
  # side is. Pure.
  #
  # Invariant: of no more than so many that are no members yet.

  alias ElixirScope.Distributed.Types.EventSyncMessage

  @most 64

  @type t :: %{node => EventSyncMessage.t()}

  @doc "Keeps the last batch of a node."
  @spec put(t, node, EventSyncMessage.t()) :: t
  def put(early, from, message) when map_size(early) < @most or is_map_key(early, from),
    do: Map.put(early, from, message)

  def put(early, _from, _message), do: early
end
