defmodule ElixirScope.Distributed.Options.Export do
  @moduledoc false
  # What an export may say besides which events it is about, as a part of the one schema of all options.

  @progress [
    progress: [
      type: {:or, [:progress, nil]},
      default: nil,
      doc:
        "is told how far it is, as `%{events: n, of: n | nil, bytes: n}`, after each part; it runs in the " <>
          "process that writes"
    ],
    show_progress: [
      type: :boolean,
      default: false,
      doc: "the same as a line on the terminal (standard error)"
    ]
  ]

  @collector [
    url: [
      type: {:or, [:string, nil]},
      default: nil,
      doc: "where the collector takes traces, such as `\"https://collector:4318/v1/traces\"`"
    ],
    encoding: [
      type: {:in, [:protobuf, :json]},
      default: :protobuf,
      doc: "what is sent: `application/x-protobuf` or `application/json`"
    ],
    headers: [
      type: :headers,
      default: [],
      doc: "headers of each request, such as `[{\"authorization\", \"Bearer …\"}]`"
    ],
    request_timeout_ms: [
      type: :pos_integer,
      default: 10_000,
      doc: "how long one request may take"
    ],
    retries: [
      type: :non_neg_integer,
      default: 4,
      doc:
        "how often a request is sent again that was not answered, or was answered by 429, 502, 503 or 504"
    ],
    backoff_ms: [
      type: :pos_integer,
      default: 500,
      doc: "the wait before the first retry; each later one is twice as long, up to 30 s"
    ],
    cacertfile: [
      type: {:or, [:string, nil]},
      default: nil,
      doc:
        "PEM file of the authorities that are trusted; `nil` takes those of the operating system. There is " <>
          "no way to trust everybody"
    ]
  ]

  @doc "The schema of an export: of which events, and who is told how far it is."
  @spec of_write(keyword) :: keyword
  def of_write(stream), do: stream ++ @progress

  @doc "The schema of an export to a collector."
  @spec of_collector(keyword) :: keyword
  def of_collector(stream), do: of_write(stream) ++ @collector
end
