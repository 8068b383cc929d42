defmodule ElixirScope.Distributed.Options.Debug do
  @moduledoc false
  # What the functions of `ElixirScope.Distributed.Debug` take, as a part of the one schema of all
  # options: each part of debugging has its entry points here.

  alias ElixirScope.Distributed.Options.Session

  @doc "The schema of every entry point."
  @spec schemas(atom) :: %{atom => keyword}
  def schemas(default_scope) do
    %{
      debug_register: [scope(default_scope)],
      debug_find: [scope(default_scope)],
      debug_call: of_call(default_scope),
      session: Session.schema(default_scope),
      interpret: of_interpret(default_scope),
      interpret_for_breakpoint: of_interpret(default_scope) ++ of_needed(),
      interpreter: [scope(default_scope) | of_interpreter()]
    }
  end

  @doc "The option that every part has."
  @spec scope(atom) :: {atom, keyword}
  def scope(default_scope) do
    {:scope,
     type: :atom,
     default: default_scope,
     doc: "the scope in whose name it is asked; what it allows on the node that is asked counts"}
  end

  # -- services --

  defp of_call(default_scope) do
    [
      scope(default_scope),
      node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc:
          "that node and no other; `nil` is this node where it offers the service, or else another"
      ],
      timeout_ms: [
        type: :pos_integer,
        default: 5_000,
        doc: "how long all of it may take; it travels, and ends the work there"
      ],
      retries: [
        type: :non_neg_integer,
        default: 2,
        doc: "how often what is idempotent is asked again where no answer came"
      ],
      fallback: [
        type: :boolean,
        default: true,
        doc: "whether this node answers what the language side is asked, where nobody else can"
      ]
    ]
  end

  # -- interpretation and breakpoints --

  defp of_interpret(default_scope) do
    [
      scope(default_scope),
      node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc: "the node on which it happens; `nil` is this one"
      ],
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

  defp of_needed do
    [
      deps: [
        type: {:in, [:reachable, :minimal, :conservative, :transitive]},
        default: :reachable,
        doc:
          "how much is interpreted: what the function at the line can reach, no more than its own " <>
            "module, what it needs and who needs it, or all that it needs however far away"
      ],
      fallback: [
        type: :boolean,
        default: true,
        doc: "whether others are asked where the language node of the interpreter does not answer"
      ]
    ]
  end

  defp of_interpreter do
    [
      language_server_node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc: "the node that is asked first what a breakpoint needs; `nil` is any that knows"
      ]
    ]
  end
end
