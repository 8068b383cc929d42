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
      session: Session.schema(default_scope)
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
end
