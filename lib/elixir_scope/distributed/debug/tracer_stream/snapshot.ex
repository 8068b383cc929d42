defmodule ElixirScope.Distributed.Debug.TracerStream.Snapshot do
  @moduledoc """
  Everything that a stream of dependencies knows, as a value: who has it needs nobody.

      {:ok, snapshot} = TracerStream.get_trace()
      {:ok, graph} = Graph.from_bytes(snapshot.graph)

  `graph` is the whole graph as bytes, `modules` the versions (md5) of the modules whose lists are
  in it. `epoch` is another one each time a stream begins; `version` counts its changes.
  """

  @enforce_keys [:node, :epoch, :version, :modules, :graph]
  defstruct [:node, :epoch, :version, :modules, :graph]

  @type t :: %__MODULE__{
          node: node,
          epoch: integer,
          version: non_neg_integer,
          modules: %{module => binary | nil},
          graph: binary
        }
end
