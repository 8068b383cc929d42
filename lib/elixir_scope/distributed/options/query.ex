defmodule ElixirScope.Distributed.Options.Query do
  @moduledoc false
  # What a question about events may say, as a part of the one schema of all options.

  @kinds ElixirScope.Distributed.Event.kinds() ++ ElixirScope.Distributed.Event.families()

  @filter [
    nodes: [type: {:list, :atom}, default: [], doc: "only events of these nodes"],
    kinds: [
      type: {:list, {:in, @kinds}},
      default: [],
      doc: "only these kinds; a family (`:message`) stands for its kinds"
    ],
    pids: [type: {:list, :pid}, default: [], doc: "only events of these processes"],
    modules: [type: {:list, :atom}, default: [], doc: "only calls into these modules"],
    mfa: [
      type: {:or, [:mfa, nil]},
      default: nil,
      doc: "only this function, as `{module, function, arity}`; `:_` stands for any"
    ],
    correlation_id: [type: :any, default: nil, doc: "only events of this correlation"],
    from: [
      type: {:or, [:timestamp, nil]},
      default: nil,
      doc: "not before: a `{logical, physical_ns, node}`, a `DateTime` or nanoseconds since 1970"
    ],
    to: [type: {:or, [:timestamp, nil]}, default: nil, doc: "not after, written like `from`"],
    contains: [
      type: {:or, [:string, nil]},
      default: nil,
      doc: "only events whose subject, correlation or data hold this text"
    ],
    limit: [type: :pos_integer, default: 10_000, doc: "at most so many events"],
    order: [type: {:in, [:asc, :desc]}, default: :asc, doc: "oldest or newest first"]
  ]

  @doc "The schema of a filter alone."
  @spec filter() :: keyword
  def filter, do: @filter

  @doc "The schema of a question to all members."
  @spec of_question(atom) :: keyword
  def of_question(default_scope) do
    @filter ++
      [
        after: [
          type: {:or, [:cursor, nil]},
          default: nil,
          doc:
            "only what comes behind this event, or behind the `cursor` of a result, in the order asked for"
        ],
        scope: [type: :atom, default: default_scope, doc: "the scope that is asked"],
        require: [
          type: {:in, [:all, :majority, :any]},
          default: :any,
          doc:
            "how many members must have answered for the result to be a result; `:majority` also " <>
              "that most known members are on this node's side"
        ],
        timeout_ms: [
          type: {:or, [:pos_integer, nil]},
          default: nil,
          doc:
            "how long each node may take to say what it has, and to be waited for while it is read; " <>
              "`nil` takes the scope's `query_timeout_ms`"
        ]
      ]
  end

  @doc "The schema of a stream: as many events as there are."
  @spec of_stream(atom) :: keyword
  def of_stream(default_scope) do
    Keyword.replace!(of_question(default_scope), :limit,
      type: {:or, [:pos_integer, nil]},
      default: nil,
      doc: "at most so many events; `nil` for all"
    )
  end
end
