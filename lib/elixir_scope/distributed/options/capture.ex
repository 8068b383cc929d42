defmodule ElixirScope.Distributed.Options.Capture do
  @moduledoc false
  # The part of the schema for what else a node records: see `Capture.Sources`.

  @logger [
    level: [
      type: {:in, ~w(all none emergency alert critical error warning notice info debug)a},
      default: :all,
      doc: "what is below is left out; what Logger itself leaves out does not come here at all"
    ],
    metadata: [
      type: {:list, :atom},
      default: [],
      doc: "keys of the metadata to keep beside those of requests and traces"
    ]
  ]

  @vitals [
    interval_ms: [type: :pos_integer, default: 1_000, doc: "time between two samples"],
    processes: [
      type: :non_neg_integer,
      default: 20,
      doc: "how many processes, those with most work, memory and waiting messages"
    ]
  ]

  @doc "What `capture: [logger: …]` takes."
  @spec of_logger() :: keyword
  def of_logger, do: @logger

  @doc "What `capture: [vitals: …]` takes."
  @spec of_vitals() :: keyword
  def of_vitals, do: @vitals
end
