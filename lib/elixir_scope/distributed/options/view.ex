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

  @doc "What every view takes."
  @spec common() :: keyword
  def common, do: @common
end
