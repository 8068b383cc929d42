defmodule ElixirScope.Distributed.Options.Trace do
  @moduledoc false
  # What `trace/2` takes, as a part of the one schema of all options.

  alias ElixirScope.Distributed.Capture.Governor.Budgets
  alias ElixirScope.Distributed.Event

  @budget {:or, [:pos_integer, nil]}

  # What the VM tells of processes besides their calls; `:memory` without `:memory`, which it
  # counts and does not tell.
  @families [:message, :process, :memory, :scheduling]
  @kinds Enum.uniq(@families ++ (Event.expand(@families) -- [:memory]))

  @doc "The families of events that can be wanted of processes."
  @spec families() :: [atom]
  def families, do: @families

  @doc "The schema, given which scope is the default one."
  @spec schema(atom) :: keyword
  def schema(scope), do: what() ++ where(scope) ++ how_much()

  defp what do
    [
      return: [
        type: :boolean,
        default: false,
        doc: "also what the calls return or raise; refused of functions that call themselves last"
      ],
      only: [
        type: {:or, [:only, nil]},
        default: nil,
        doc:
          "of the calls only those that take longer, with their returns, as `slower_than/1` says: a " <>
            "call is kept once it is open for so long, its return or exception when it comes; " <>
            "refused of functions that call themselves last. A process that ends takes along what is " <>
            "not slow by then. Other events of the trace are all kept"
      ],
      processes: [
        type: :processes,
        default: :all,
        doc:
          "only calls of these: pids, names, `:new`, `{:supervised_by, name}` (also of children " <>
            "that are started later), or a list of them"
      ],
      messages: [
        type: :boolean,
        default: false,
        doc:
          "also what these processes send and receive; what is captured of both ends of a message " <>
            "says which belong together, see `ElixirScope.Distributed.Event`"
      ],
      state: [
        type: :boolean,
        default: false,
        doc:
          "also the state of servers, state machines and agents after each callback: of the modules " <>
            "and processes that are named; one that was given stays until a callback says another"
      ],
      memory: [
        type: :boolean,
        default: false,
        doc:
          "also the memory that each process took in each of the functions, once a second and at " <>
            "the end, where the VM counts it: from OTP 26 on, but not from ERTS 15.1 to 15.2.5"
      ],
      kinds: [
        type: {:list, {:in, @kinds}},
        default: [],
        doc:
          "more kinds or families of events of these processes, such as `:process` or `:gc`; any but " <>
            "calls, which patterns name. Those of `:memory` and `:scheduling` are refused before OTP " <>
            "25.3, which they can bring down"
      ],
      correlate: [
        type: {:in, [true, false, :each_call]},
        default: true,
        doc:
          "whether calls and sends are shown with the correlation that came with a message, " <>
            "which makes each call dearer; that of the process's own `with_correlation/2` always is. " <>
            "Without it, what came with a message is thinned by process. " <>
            "`:each_call`: each call of these functions by a process that is not in one begins an id, " <>
            "`{node, incarnation, pid, k}`, which ends when it returns and travels as those of " <>
            "`with_correlation/2` do. Returns are traced, too (see `return`). It overwrites what the process " <>
            "carried, and is refused while another tool has a system tracer of `:seq_trace`"
      ],
      capture: [
        type: {:in, [:calls, :arguments, :full]},
        default: :arguments,
        doc:
          "how much of each event: that it was, with what is small of its arguments, or up to " <>
            "64 KiB of it, which `profile: :production` refuses; `:calls` leaves sends and receives " <>
            "without content to be paired by"
      ]
    ]
  end

  defp where(scope) do
    [
      nodes: [
        type: {:or, [{:in, [:all]}, {:list, :atom}]},
        default: :all,
        doc: "the nodes on which it is traced; `:all` are the members, also those that join later"
      ],
      scope: [type: :atom, default: scope, doc: "the scope that records it"]
    ]
  end

  defp how_much do
    [
      profile: [
        type: {:in, Budgets.profiles()},
        default: :adhoc,
        doc:
          "the budgets of each node: `:adhoc` (10,000 events, 15 s, 8 MiB, 2,000 events a second), " <>
            "`:recorder` (the newest 64 MiB, 200,000 a second, one hour), " <>
            "`:production` (1,000 a second, 1 % of one scheduler, ten minutes)"
      ],
      events: [
        type: @budget,
        default: nil,
        doc: "ends it after so many events; `nil`: the profile's"
      ],
      duration_ms: [
        type: @budget,
        default: nil,
        doc: "ends it after this time; `nil`: the profile's"
      ],
      bytes: [
        type: @budget,
        default: nil,
        doc: "ends it after so many bytes; `nil`: the profile's"
      ],
      events_per_s: [
        type: @budget,
        default: nil,
        doc:
          "thins it when more events come in a second, and ends it where thinning is not enough: see " <>
            "`ElixirScope.Distributed.trace/2`; `nil`: the profile's"
      ],
      calls_per_s: [
        type: @budget,
        default: nil,
        doc:
          "with `only:`, ends it when more calls have to be looked at in a second, kept or not; " <>
            "`nil`: the profile's (100,000; in production 10,000, of which its 1 % of a scheduler " <>
            "bears some 7,000)"
      ],
      cpu_percent: [
        type: @budget,
        default: nil,
        doc: "ends it when it takes more of one scheduler for a second; `nil`: the profile's"
      ],
      lease_ms: [
        type: :pos_integer,
        default: 10_000,
        doc: "how long a node goes on without hearing from the one where it was started"
      ],
      health: [
        type: :thresholds,
        default: [],
        doc: "from when on a node is too busy to be traced: see `Capture.Health`"
      ]
    ]
  end
end
