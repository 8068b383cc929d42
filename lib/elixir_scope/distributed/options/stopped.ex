defmodule ElixirScope.Distributed.Options.Stopped do
  @moduledoc false
  # What the functions of `ElixirScope.Distributed.Debug.Stopped` take.

  alias ElixirScope.Distributed.Options.Debug

  @doc "The schema of every entry point."
  @spec schemas(atom) :: %{atom => keyword}
  def schemas(default_scope) do
    look = of_look(default_scope)

    %{
      debug_attach: look ++ of_attach(),
      debug_look: look,
      debug_page: look ++ of_page(100, "parts or frames"),
      debug_processes: look ++ of_page(1_000, "processes"),
      debug_evaluate: look ++ of_evaluate()
    }
  end

  defp of_look(default_scope) do
    [
      Debug.scope(default_scope),
      owner: [
        type: {:or, [:pid, nil]},
        default: nil,
        doc: "in whose name it is asked; `nil` is the calling process"
      ],
      timeout_ms: [type: :pos_integer, default: 5_000, doc: "how long it may take"]
    ]
  end

  defp of_attach do
    [
      auto: [
        type: {:list, :any},
        default: [],
        doc:
          "patterns, as `trace/2` takes them, of modules that a step `:into` interprets on its way in"
      ],
      lease_ms: [
        type: :pos_integer,
        default: 10_000,
        doc: "how long the owner is believed without `Debug.Owners.renew/1`, at most 600,000"
      ]
    ]
  end

  defp of_page(count, what) do
    [
      start: [type: :non_neg_integer, default: 0, doc: "how many to leave out"],
      count: [type: :pos_integer, default: count, doc: "how many #{what}, at most 1,000"]
    ]
  end

  defp of_evaluate do
    [
      context: [
        type: {:or, [:string, nil]},
        default: nil,
        doc:
          "why it is asked (`\"watch\"`, `\"hover\"`, `\"repl\"`), where an editor says so: with `\"hover\"` " <>
            "nothing but variables and their parts is evaluated"
      ]
    ]
  end
end
