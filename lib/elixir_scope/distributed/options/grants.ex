defmodule ElixirScope.Distributed.Options.Grants do
  @moduledoc false
  # What a scope lets others do, as a part of the one schema of all options.

  alias ElixirScope.Distributed.Operations

  @schema [
    allow: [
      type: {:list, {:in, Operations.capabilities()}},
      default: [:record, :query, :trace],
      doc:
        "what the other members may ask of this node: to exchange copies of events in the background " <>
          "(`:record`), to answer questions about its events (`:query`), to trace (`:trace`; without it " <>
          "nothing is traced here). `:debug`, `:replay` and `:inject` are granted only where they are " <>
          "named; see `Operations`"
    ],
    serve: [
      type: {:in, [:all, :queries, :none]},
      default: :all,
      doc:
        "how much of `allow` others get: all of it; `:queries`, no more than `:query` and `:record`, so " <>
          "that nobody can order anything here; or `:none`. This node may ask others in any case"
    ]
  ]

  @doc "The schema."
  @spec schema() :: keyword
  def schema, do: @schema
end
