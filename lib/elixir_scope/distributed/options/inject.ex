defmodule ElixirScope.Distributed.Options.Inject do
  @moduledoc false
  # What `ElixirScope.Distributed.Inject` takes, as a part of the one schema of all options: of those of
  # a trace what a process tracer can do, and how somebody is told and asked.

  alias ElixirScope.Distributed.{Event, Options}

  @of_trace ~w(return only processes messages capture events duration_ms bytes events_per_s)a ++
              ~w(calls_per_s cpu_percent lease_ms health)a

  @kinds [:message, :process | Event.expand([:message, :process])]

  @doc "The options that are those of a trace."
  @spec of_trace() :: [atom]
  def of_trace, do: [:profile, :kinds | @of_trace]

  @doc "The schema."
  @spec schema() :: keyword
  def schema do
    Keyword.take(Options.Trace.schema(nil), @of_trace) ++
      [
        profile: [
          type: {:in, [:adhoc, :production]},
          default: :adhoc,
          doc:
            "the budgets: `:adhoc` (10,000 events, 15 s, 8 MiB, 2,000 events a second) or `:production` " <>
              "(1,000 a second, 1 % of one scheduler, ten minutes); nothing is thinned, the rate ends it"
        ],
        kinds: [
          type: {:list, {:in, @kinds}},
          default: [],
          doc: "more kinds or families of events of these processes: of messages and of processes"
        ],
        redact: [
          type: {:or, [:redact, nil]},
          default: nil,
          doc:
            "what no event shows besides passwords, tokens and the like: see `Capture.Redact`; `nil`: what " <>
              "this node is configured with"
        ],
        timeout_ms: [
          type: :pos_integer,
          default: 10_000,
          doc: "how long one call to the node may take"
        ],
        yes: [type: :boolean, default: false, doc: "`true` does not ask"],
        say: [
          type: :any,
          default: nil,
          doc: "a function that is given each line of what will be done; `nil` prints them"
        ],
        ask: [
          type: :any,
          default: nil,
          doc:
            "a function that is given the question and returns the answer, a line or `:eof`; `nil` " <>
              "asks on the terminal"
        ]
      ]
  end
end
