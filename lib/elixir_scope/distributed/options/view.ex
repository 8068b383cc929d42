defmodule ElixirScope.Distributed.Options.View do
  @moduledoc false
  # How what was asked is shown in a terminal, as a part of the one schema of all options.

  @common [
    width: [
      type: {:or, [:pos_integer, nil]},
      default: nil,
      doc:
        "no line is wider; `nil` is the width of the terminal, or 120 where the output goes elsewhere"
    ],
    color: [
      type: {:or, [:boolean, nil]},
      default: nil,
      doc: "a colour for each node; `nil` is yes on a terminal that knows colours"
    ],
    ascii: [
      type: {:or, [:boolean, nil]},
      default: nil,
      doc: "draws and writes with ASCII alone; `nil` is yes where the output cannot show more"
    ]
  ]

  @sequence [
    format: [
      type: {:in, [:text, :mermaid]},
      default: :text,
      doc:
        "for a terminal, or a `sequenceDiagram` for Mermaid, which knows no width and no colours"
    ],
    notes: [
      type: :boolean,
      default: true,
      doc: "also what happens between messages: calls, exits, marks, what was lost"
    ]
  ]

  @doc "What a sequence takes besides."
  @spec sequence() :: keyword
  def sequence, do: @common ++ @sequence

  @dependencies [
    format: [
      type: {:in, [:tree, :mermaid, :dot]},
      default: :tree,
      doc: "for a terminal, a `flowchart` for Mermaid, or a digraph for Graphviz"
    ],
    graph: [
      type: {:or, [:reference, nil]},
      default: nil,
      doc:
        "a module graph (`Debug.Graph`): what the modules that were seen need by their code stands beside " <>
          "what they were seen to call"
    ]
  ]

  @doc "What dependencies take besides."
  @spec dependencies() :: keyword
  def dependencies, do: @common ++ @dependencies

  @id [
    type: {:or, [:any, nil]},
    default: nil,
    doc:
      "only the call that this event is in, with all that it led to: an id, in text or not, or an event"
  ]

  @tree [
    id: @id,
    depth: [
      type: {:or, [:pos_integer, nil]},
      default: nil,
      doc: "no more calls than so many within each other"
    ]
  ]

  @doc "What a tree takes besides."
  @spec tree() :: keyword
  def tree, do: @common ++ @tree

  @flame [
    id: @id,
    format: [
      type: {:in, [:text, :folded]},
      default: :text,
      doc: "for a terminal, or folded stacks, which know no width and no colours"
    ],
    least_percent: [
      type: :non_neg_integer,
      default: 1,
      doc:
        "frames with a smaller share of the time are counted and not shown; folded stacks have them all"
    ]
  ]

  @doc "What a flame takes besides."
  @spec flame() :: keyword
  def flame, do: @common ++ @flame

  @top [
    by: [
      type: {:in, [:total, :self, :calls, :p50, :p99, :max]},
      default: :total,
      doc: "the figure that they are sorted by"
    ],
    per_node: [type: :boolean, default: false, doc: "counts each node by itself"],
    most: [type: :pos_integer, default: 20, doc: "at most so many functions"],
    refresh_ms: [
      type: {:or, [:pos_integer, nil]},
      default: nil,
      doc: "draws it again so often; `nil` draws it once"
    ],
    window_ms: [
      type: :pos_integer,
      default: 60_000,
      doc: "with `refresh_ms:`, over what happened in so long before"
    ],
    times: [
      type: {:or, [:pos_integer, nil]},
      default: nil,
      doc: "with `refresh_ms:`, draws it so often; `nil` until it is interrupted"
    ]
  ]

  @doc "What the top functions take besides."
  @spec top() :: keyword
  def top, do: @common ++ @top

  @diff [
    ids: [
      type: {:or, [:pair, nil]},
      default: nil,
      doc:
        "`{one, other}`: events in the two calls that are compared, by their ids, in text or not"
    ],
    correlations: [
      type: {:or, [:pair, nil]},
      default: nil,
      doc: "`{one, other}`: the two correlations that are compared"
    ],
    most: [type: :pos_integer, default: 20, doc: "tells of at most so many differences"]
  ]

  @doc "What a difference takes besides."
  @spec diff() :: keyword
  def diff, do: @common ++ @diff

  @doc "What every view takes."
  @spec common() :: keyword
  def common, do: @common
end
