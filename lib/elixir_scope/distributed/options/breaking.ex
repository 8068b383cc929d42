defmodule ElixirScope.Distributed.Options.Breaking do
  @moduledoc false
  # What interpretation and breakpoints take, as a part of the one schema of all options.

  alias ElixirScope.Distributed.Options.Debug

  @doc "The schema of every entry point."
  @spec schemas(atom) :: %{atom => keyword}
  def schemas(default_scope) do
    common = [Debug.scope(default_scope) | common()]

    %{
      interpret: [on_node() | common],
      interpret_for_breakpoint: [on_node() | common] ++ deps() ++ fallback(),
      interpreter: [Debug.scope(default_scope) | interpreter()],
      breakpoint: [on_nodes() | common] ++ deps() ++ breakpoint(),
      breakpoint_request: [on_nodes() | common] ++ deps()
    }
  end

  defp on_node do
    {:node,
     type: {:or, [:atom, nil]},
     default: nil,
     doc: "the node on which it happens; `nil` is this one"}
  end

  defp on_nodes do
    {:node,
     type: {:or, [:atom, {:list, :atom}, nil]},
     default: nil,
     doc:
       "the nodes on which it is set: one, a list, `nil` for this one, or `:all` that are connected, " <>
         "also those that come later"}
  end

  defp common do
    [
      owner: [
        type: {:or, [:pid, nil]},
        default: nil,
        doc: "the process to which it belongs, and with which it ends; `nil` is the calling one"
      ],
      timeout_ms: [
        type: :pos_integer,
        default: 30_000,
        doc: "how long another node may take"
      ]
    ]
  end

  defp deps do
    [
      deps: [
        type: {:in, [:reachable, :minimal, :conservative, :transitive, :none]},
        default: :reachable,
        doc:
          "how much is interpreted besides the module itself: what the function at the line can reach, " <>
            "what the module needs, that and who needs it, all that it needs however far away, or nothing"
      ]
    ]
  end

  defp fallback do
    [
      fallback: [
        type: :boolean,
        default: true,
        doc: "whether others are asked where the language node of the interpreter does not answer"
      ]
    ]
  end

  defp interpreter do
    [
      language_server_node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc: "the node that is asked first what a breakpoint needs; `nil` is any that knows"
      ]
    ]
  end

  defp breakpoint do
    [
      condition: [
        type: {:or, [:string, nil]},
        default: nil,
        doc: "an expression over the variables as they are written: it counts when that is true"
      ],
      hit: [
        type: {:or, [:string, nil]},
        default: nil,
        doc:
          "which of the times it counts are taken: `\"5\"`, `\"> 3\"`, `\">= 3\"`, `\"% 2\"`; also `<`, `<=`"
      ],
      log: [
        type: {:or, [:string, nil]},
        default: nil,
        doc: "a text that is told in place of a stop: `\"total is {order.total}\"`"
      ]
    ]
  end
end
