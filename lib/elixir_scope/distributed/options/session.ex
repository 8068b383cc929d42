defmodule ElixirScope.Distributed.Options.Session do
  @moduledoc false
  # What a debugging session takes, as a part of the one schema of all options.

  alias ElixirScope.Distributed.Debug.Session.Names

  @doc "The schema, for the scope that a target's grant is for."
  @spec schema(atom) :: keyword
  def schema(default_scope) do
    [
      target: [
        type: :any,
        default: :plain,
        doc:
          "what is debugged: `{:mix, task, arguments}`, `{:test, arguments}`, `{:release, path, arguments}` " <>
            "(its folder or script; no arguments: `start`), `:plain` (the project's application), a " <>
            "node that runs, or `:none`"
      ],
      language: [
        type: :any,
        default: :start,
        doc:
          "who knows the code: `:start` (a VM on the project's compiled code), a node that runs, or `:none`"
      ],
      project_dir: [type: :string, default: ".", doc: "the project's folder"],
      env: [
        type: :any,
        default: %{},
        doc: "environment variables of what is started: a map of strings"
      ],
      mix_env: [
        type: {:or, [:string, nil]},
        default: nil,
        doc: "the Mix environment; `nil`: `test` for tests, else what MIX_ENV says"
      ],
      name: [
        type: :string,
        default: Names.template(),
        doc:
          "how nodes are called that are started: text with `{role}`, `{project}`, `{id}`, `{pid}`"
      ],
      cookie: [
        type: {:or, [:string, nil]},
        default: nil,
        doc:
          "the cookie of nodes that run already; `nil`: SCOPE_COOKIE, RELEASE_COOKIE, or Erlang's file"
      ],
      interface: [
        type: {:or, [{:in, [:loopback]}, :string]},
        default: :loopback,
        doc: "where nodes listen that are started: this machine alone, or an IPv4 address of it"
      ],
      output: [
        type: {:or, [:pid, nil]},
        default: nil,
        doc: "who is told; `nil`: who starts the session"
      ],
      hold: [
        type: :boolean,
        default: false,
        doc: "`true`: what is debugged begins with `run/1`, once breakpoints are set"
      ],
      boot_ms: [
        type: :pos_integer,
        default: 120_000,
        doc: "how long it may take until nodes can be debugged, compiling included"
      ],
      stop_ms: [
        type: :pos_integer,
        default: 5_000,
        doc: "how long nodes may take to end in order before the system ends them"
      ],
      lease_ms: [
        type: :pos_integer,
        default: 10_000,
        doc: "how long either side goes on without hearing from the other"
      ],
      scope: [
        type: :atom,
        default: default_scope,
        doc: "the scope that serves the debugger on the nodes"
      ]
    ]
  end
end
