defmodule ElixirScope.Distributed.Options.Debug do
  @moduledoc false
  # What the functions of `ElixirScope.Distributed.Debug` take, as a part of the one schema of all
  # options: each part of debugging has its entry points here.

  alias ElixirScope.Distributed.Options.Breaking

  @strategies [:minimal, :conservative, :transitive]
  @dependency_service ElixirScope.Distributed.Debug.DependencyService

  @doc "The schema of every entry point."
  @spec schemas(atom) :: %{atom => keyword}
  def schemas(default_scope) do
    Map.merge(Breaking.schemas(default_scope), %{
      debug_register: [scope(default_scope)],
      debug_find: [scope(default_scope)],
      debug_call: of_call(default_scope),
      debug_dependencies: of_dependencies(default_scope),
      debug_ask: of_ask(default_scope),
      debug_module: of_strategy(:minimal, @strategies) ++ of_ask(default_scope),
      debug_breakpoint:
        of_strategy(:reachable, [:reachable | @strategies]) ++ of_ask(default_scope),
      debug_transitive: [depth()] ++ of_ask(default_scope),
      debug_stream: of_stream(),
      debug_subscribe: of_subscribe(default_scope)
    })
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

  # -- dependencies --

  defp of_dependencies(default_scope) do
    [
      scope(default_scope),
      language_server_node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc: "the node that is asked; `nil` is one that offers it, or this one"
      ],
      cache_size: [
        type: :pos_integer,
        default: 1_000,
        doc: "how many answers are kept for when that node is gone"
      ],
      streaming: [
        type: :boolean,
        default: true,
        doc:
          "whether it is heard which answers a change touches; without it they are kept as answers of " <>
            "the version that they had"
      ],
      timeout_ms: timeout(),
      name: [
        type: :atom,
        default: @dependency_service,
        doc: "what it is registered as, where several nodes are asked from one"
      ]
    ]
  end

  defp timeout, do: [type: :pos_integer, default: 5_000, doc: "how long a question may take"]

  defp of_ask(default_scope) do
    [
      scope(default_scope),
      node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc: "the node that is asked; `nil` is that of the service"
      ],
      timeout_ms: timeout(),
      service: [
        type: :atom,
        default: @dependency_service,
        doc: "the service that was started, whose node is asked and which keeps the answer"
      ]
    ]
  end

  defp of_strategy(default, strategies) do
    [
      strategy: [
        type: {:in, strategies},
        default: default,
        doc: "which modules are to be interpreted"
      ]
    ] ++ [depth()]
  end

  defp depth,
    do: {:depth, type: :pos_integer, default: 2, doc: "how many steps of dependencies are taken"}

  defp of_stream do
    [
      modules: [
        type: {:or, [{:in, [:project, :all, :none]}, {:list, :any}]},
        default: :project,
        doc:
          "what it begins with: the modules of the code path without those of Erlang and Elixir, " <>
            "all, none, or a list of modules, files and folders"
      ],
      history: [
        type: :pos_integer,
        default: 1_000,
        doc:
          "of how many versions it is remembered which modules changed; who missed more gets a snapshot"
      ],
      subscribers: [
        type: :pos_integer,
        default: 64,
        doc: "how many subscriptions there can be at a time"
      ]
    ]
  end

  defp of_subscribe(default_scope) do
    [
      scope(default_scope),
      node: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc: "the node that knows the code; `nil` is one that offers it, or this one"
      ],
      queue: [
        type: :pos_integer,
        default: 100,
        doc: "with more messages than that in its queue the subscriber is told nothing"
      ]
    ]
  end
end
