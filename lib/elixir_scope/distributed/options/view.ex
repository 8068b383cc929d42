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

  @doc "What every view takes."
  @spec common() :: keyword
  def common, do: @common
end
