defmodule ElixirScope.Distributed.Options.Sync do
  @moduledoc false
  # What a scope takes about synchronisation, as a part of the one schema of all options.

  @schema [
    sync_interval_ms: [
      type: :pos_integer,
      default: 1_000,
      doc: "time between two rounds of synchronisation; doubles up to 30 s while nothing changes"
    ],
    sync: [
      type: :sync,
      default: :auto,
      doc:
        "whose events this node keeps: `:full` all, `:on_demand` only its own; with " <>
          "`{:collectors, n}` those for which it is among the `n` that are chosen for each node, with " <>
          "`{:collectors, nodes}` all if it is named. `:auto` is `:full` up to five members, and " <>
          "`{:collectors, 3}` beyond. The same on every member"
    ],
    sync_bytes_per_s: [
      type: :pos_integer,
      default: 2 * 1024 * 1024,
      doc:
        "how many bytes of synchronisation leave this node in a second, to all members together"
    ],
    sync_since_ms: [
      type: :non_neg_integer,
      default: 5 * 60 * 1000,
      doc:
        "how far back a node that starts takes what others have; queries reach further all the same"
    ]
  ]

  @doc "The schema."
  @spec schema() :: keyword
  def schema, do: @schema
end
