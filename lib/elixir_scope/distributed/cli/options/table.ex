defmodule ElixirScope.Distributed.CLI.Options.Table do
  @moduledoc false
  # The table of options: of each its type, whether it may stand several times, its default, what its
  # value is called, and what it does.

  alias ElixirScope.Distributed.Event

  @kinds Enum.uniq(Event.kinds() ++ Event.families())
  @ways [
    node: [
      type: :node,
      many: true,
      value: "NAME@HOST",
      doc: "a node of the cluster; of several the first that answers"
    ],
    scope: [
      type: :text,
      value: "NAME",
      doc: "the scope that is asked, where it is not the default one"
    ],
    ask_cookie: [type: :flag, doc: "ask for the cookie on the terminal, whatever else there is"],
    open: [type: :text, value: "FILE", doc: "ask a recording instead of a cluster"]
  ]

  @output [
    json: [type: :flag, doc: "print JSON: one object, or one on each line"],
    width: [
      type: :positive,
      value: "COLUMNS",
      doc: "no line is longer; by itself that of the terminal, or 120 where there is none"
    ],
    color: [
      type: :switch,
      doc:
        "colours or none (`--no-color`); by itself only on a terminal, and not with NO_COLOR set"
    ],
    help: [type: :flag, doc: "this text"]
  ]

  @filters [
    correlation: [
      type: :text,
      value: "ID",
      doc: "only events of this correlation: text, a number, or an Elixir literal"
    ],
    kind: [
      type: {:in, @kinds},
      many: true,
      value: "KIND",
      doc: "only these kinds or families, such as call, message or process"
    ],
    module: [type: :text, many: true, value: "MODULE", doc: "only calls into these modules"],
    mfa: [type: :text, value: "M.F/A", doc: "only this function; without /A of any arity"],
    pid: [
      type: :text,
      many: true,
      value: "PID",
      doc: "only events of these processes: <0.12.0>, <name@host.12.0> or a registered name"
    ],
    from: [type: :time, value: "TIME", doc: "not before: -5m, or RFC 3339"],
    to: [type: :time, value: "TIME", doc: "not after, written like --from"],
    nodes: [type: :node, many: true, value: "NODES", doc: "only events of these nodes"],
    contains: [
      type: :text,
      value: "TEXT",
      doc: "only events whose subject, correlation or data hold this text"
    ]
  ]

  @questions [
    limit: [type: :positive, default: 10_000, value: "N", doc: "at most so many events"],
    order: [
      type: {:in, [:asc, :desc]},
      default: :asc,
      value: "ORDER",
      doc: "oldest or newest first"
    ],
    require: [
      type: {:in, [:any, :majority, :all]},
      default: :any,
      value: "WHO",
      doc: "how many members must have answered"
    ],
    timeout: [
      type: :duration,
      value: "TIME",
      doc: "how long each member may take; by itself as that node is configured"
    ],
    count: [type: :flag, doc: "say only how many there are"]
  ]

  @reading [
    view: [
      type: :text,
      default: "timeline",
      value: "VIEW",
      doc: "what is drawn; a wrong one is answered with all there are"
    ],
    last: [type: :duration, default: 60_000, value: "TIME", doc: "of how long a time"],
    every: [type: :duration, default: 2_000, value: "TIME", doc: "how long one picture stands"],
    times: [
      type: :positive,
      value: "N",
      doc: "end after so many pictures; by itself at Ctrl-C, or after one where no terminal is"
    ],
    by: [
      type: {:in, [:total, :self, :calls, :p50, :p99, :max]},
      default: :total,
      value: "FIGURE",
      doc: "the figure that functions are sorted by: total, self, calls, p50, p99 or max"
    ],
    most: [type: :positive, default: 20, value: "N", doc: "at most so many functions"],
    per_node: [type: :flag, doc: "count each node by itself"],
    format: [
      type: :text,
      default: "json_lines",
      value: "FORMAT",
      doc: "the format; a wrong one is answered with all there are"
    ],
    output: [
      type: :text,
      value: "FILE",
      doc: "where to write; by itself to standard output"
    ],
    force: [type: :flag, doc: "write over a file that is there"]
  ]

  @traces [
    duration: [type: :duration, value: "TIME", doc: "end after this time"],
    events: [type: :positive, value: "N", doc: "end after so many events on a node"],
    bytes: [type: :positive, value: "N", doc: "end after so many bytes on a node"],
    events_per_s: [
      type: :positive,
      value: "N",
      doc: "leave some out when more come in a second on a node"
    ],
    profile: [
      type: {:in, [:adhoc, :recorder, :production]},
      default: :adhoc,
      value: "PROFILE",
      doc: "the budgets of each node: adhoc ends after 15 s or 10,000 events"
    ],
    return: [type: :flag, doc: "also what the calls return or raise"],
    messages: [type: :flag, doc: "also what these processes send and receive"],
    state: [type: :flag, doc: "also the state of servers after each callback"],
    memory: [type: :flag, doc: "also the memory that processes took in each of the functions"],
    also: [
      type: {:in, @kinds},
      many: true,
      value: "KIND",
      doc: "more kinds or families of these processes, such as process or gc"
    ],
    slower_than: [type: :duration, value: "TIME", doc: "of the calls only those that take longer"],
    process: [
      type: :text,
      many: true,
      value: "PROCESS",
      doc: "only calls of these: a pid, a registered name, new, or supervised_by:NAME"
    ],
    capture: [
      type: {:in, [:calls, :arguments, :full]},
      default: :arguments,
      value: "HOW",
      doc: "how much of each event: that it was, what is small of it, or up to 64 KiB"
    ],
    correlate: [
      type: {:in, [true, false, :each_call]},
      default: true,
      value: "HOW",
      doc:
        "whether events are shown with the correlation that came with a message; each_call begins ids"
    ],
    on: [
      type: :node,
      many: true,
      value: "NODES",
      doc: "only on these nodes; by itself on all members"
    ],
    for: [
      type: :duration,
      value: "TIME",
      doc: "what happens from now on, for so long; without it what is there already"
    ],
    inject: [
      type: :flag,
      doc:
        "on a node without the library: send a tracer of Elixir modules there, and take it away afterwards"
    ],
    yes: [type: :flag, doc: "do not ask before something is injected"]
  ]

  @debugging [
    port: [
      type: :positive,
      value: "PORT",
      doc:
        "listen at this port of the loopback interface, for any number of clients, until it is ended"
    ],
    import: [
      type: :text,
      value: "FILE",
      doc: "say what each key of an ElixirLS launch.json becomes, and end"
    ]
  ]

  @nodes [
    name: [
      type: :text,
      value: "NAME",
      doc: "what the node is called, instead of ELIXIR_SCOPE_NODE_NAME"
    ],
    interface: [
      type: :text,
      value: "ADDRESS",
      doc: "the IPv4 address at which the node listens; loopback by itself"
    ],
    language_node: [
      type: :node,
      value: "NAME@HOST",
      doc: "the node that knows the code, instead of ELIXIR_SCOPE_LANGUAGE_SERVER_NODE"
    ],
    language: [
      type: :flag,
      doc: "the node knows the project's code and serves what it knows; it runs none of it"
    ],
    allow_debug: [
      type: :flag,
      doc: "grant :debug: who has the cookie may stop processes and evaluate code in this VM"
    ]
  ]

  @doc "Every option."
  @spec all() :: keyword
  def all,
    do: @ways ++ @output ++ @filters ++ @questions ++ @reading ++ @traces ++ @debugging ++ @nodes

  @doc "Those of how something is printed."
  @spec output() :: keyword
  def output, do: @output

  @doc "Those that choose events."
  @spec filters() :: keyword
  def filters, do: @filters
end
