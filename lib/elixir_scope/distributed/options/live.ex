defmodule ElixirScope.Distributed.Options.Live do
  @moduledoc false
  # What `subscribe/1` takes, as a part of the one schema of all options: filters as of queries, but
  # for those that make no sense of what is yet to come.

  @own [
    lateness_ms: [
      type: :non_neg_integer,
      default: 1_000,
      doc:
        "how long an event waits here for older ones of other members; what comes later still has " <>
          "`late: true` in its meta"
    ],
    queue_limit: [
      type: :pos_integer,
      default: 50,
      doc:
        "of who has so many messages waiting, from whomever, events are dropped and counted until " <>
          "it has fewer"
    ]
  ]

  @doc "The schema, from that of filters."
  @spec schema(keyword, atom) :: keyword
  def schema(filter, default_scope) do
    scope = [type: :atom, default: default_scope, doc: "the scope that is followed"]
    Keyword.drop(filter, [:limit, :order]) ++ [scope: scope] ++ @own
  end
end
