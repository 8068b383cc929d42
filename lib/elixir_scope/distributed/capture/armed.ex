defmodule ElixirScope.Distributed.Capture.Armed do
  @moduledoc false
  # One trace on this node: what it was ordered to watch, what that is here, and what it may
  # still use. A value; `Capture.Tracer` holds it and acts.

  alias ElixirScope.Distributed.Capture.{Callbacks, Governor, Health, Order, Plan, Seat, Targets}
  alias ElixirScope.Distributed.Error

  @enforce_keys [:order, :targets, :processes, :callbacks, :governor, :thresholds, :told]
  defstruct [:seat, granted: 0] ++ @enforce_keys

  @type t :: %__MODULE__{
          order: Order.t(),
          seat: non_neg_integer | nil,
          targets: Targets.t(),
          processes: Targets.Processes.t(),
          callbacks: [Callbacks.t()],
          governor: Governor.t(),
          thresholds: Health.thresholds(),
          told: pid | nil,
          granted: non_neg_integer
        }

  # An estimate of what an event costs the VM and the process that is traced.
  @event_ns 700

  @doc "What `order` is on this node; `told` hears of its end."
  @spec new(Order.t(), integer, pos_integer, pid) :: {:ok, t} | {:error, Error.t()}
  def new(order, now, lease_ms, told) do
    with {:ok, targets} <- Targets.resolve(order.patterns),
         {:ok, processes} <- Targets.Processes.resolve(order.options[:processes]),
         {:ok, callbacks} <- Callbacks.resolve(order.options[:state], targets, processes) do
      {:ok,
       %__MODULE__{
         order: order,
         targets: targets,
         processes: processes,
         callbacks: callbacks,
         governor: Governor.new(order.budgets, now, lease_ms),
         thresholds: Health.thresholds(order.options[:health]),
         told: told
       }}
    end
  end

  @doc "What the native side has to know of it; a name is what ids of its calls begin with."
  @spec wanted(t, integer, {incarnation :: integer, node :: integer} | nil) :: map
  def wanted(%{order: order} = armed, scope, name \\ nil) do
    %{
      number: order.id,
      scope: scope,
      events: armed.granted,
      keep: order.options[:capture],
      returns: Enum.any?(order.patterns, & &1.return),
      entries: if(Order.entries?(order), do: name),
      any_process: armed.processes.existing == :all,
      new_processes: new?(armed.processes),
      callers: Order.callers?(order),
      kinds: order |> Order.kinds() |> Enum.map(&Atom.to_string/1)
    }
  end

  @doc "What the VM has to watch for it, given which processes traces are told of by now."
  @spec part(t, [Seat.told()]) :: Plan.part()
  def part(%{order: order, processes: processes} = armed, told) do
    bit = Bitwise.bsl(1, armed.seat)

    %{
      bit: bit,
      targets: armed.targets.functions,
      callbacks: for({mfa, _machine?} <- armed.callbacks, do: mfa),
      families: Order.families(order),
      callers: Order.callers?(order),
      correlate: order.options[:correlate],
      arguments: order.options[:capture] != :calls,
      any: processes.existing == :all,
      new: new?(processes),
      pids: for({pid, wanted, _heirs} <- told, Bitwise.band(wanted, bit) != 0, do: pid),
      heirs: for({pid, _wanted, heirs} <- told, Bitwise.band(heirs, bit) != 0, do: pid)
    }
  end

  @doc "The processes that it names one by one."
  @spec pids(t) :: [pid]
  def pids(%{processes: %{existing: :all}}), do: []
  def pids(%{processes: processes}), do: processes.existing

  # All that there are and will be is no list, but one flag.
  defp new?(processes), do: processes.new and processes.existing != :all

  @doc """
  So many events more it may record by now: what comes before the governor looks again is
  bounded by this, not by how fast events come.
  """
  @spec grant(t, integer) :: {non_neg_integer, t}
  def grant(%{governor: %{budgets: budgets, started: started}} = armed, now) do
    due = budgets.events_per_s + div((now - started) * budgets.events_per_s, 1_000)
    more = max(min(due, budgets.events) - armed.granted, 0)
    {more, %{armed | granted: armed.granted + more}}
  end

  @doc "Whether it may go on, by what it has used and how the node is."
  @spec check(t, map, Health.sample(), integer) :: {:ok | {:trip, Governor.reason()}, t}
  def check(armed, spent, sample, now) do
    usage = Map.put(usage(spent), :health, Health.judge(sample, armed.thresholds))
    {verdict, governor} = Governor.check(armed.governor, usage, now)
    {verdict, %{armed | governor: governor}}
  end

  @doc "It is still wanted."
  @spec renew(t, integer) :: t
  def renew(armed, now), do: update_in(armed.governor, &Governor.renew(&1, now))

  @doc "Ends it for a reason that is no number."
  @spec trip(t, Governor.reason(), integer) :: t
  def trip(armed, reason, now),
    do: %{armed | governor: Governor.trip(armed.governor, reason, now)}

  @doc "What it has used, as the governor counts it: also what was refused had come."
  @spec usage(map) :: Governor.usage()
  def usage(spent) do
    events = spent.used + spent.refused
    %{events: events, bytes: spent.bytes, open_calls: spent.deepest, cpu_ns: events * @event_ns}
  end

  @doc "How it stands, for people and for other nodes."
  @spec summary(t, map) :: map
  def summary(%{order: order, governor: governor} = armed, spent) do
    %{
      id: order.id,
      patterns: Order.describe(order),
      by: order.by,
      order: {order.id, order.at},
      functions: length(armed.targets.functions),
      waiting: length(armed.targets.waiting),
      events: spent.used,
      refused: spent.refused,
      bytes: spent.bytes,
      reason: governor.trip && governor.trip.reason,
      message: governor.trip && Governor.message(governor.trip)
    }
  end

  @doc "The summary of one whose tracer was killed, of which no more is known than its number."
  @spec lost(pos_integer, map) :: map
  def lost(id, spent) do
    %{
      id: id,
      patterns: [],
      by: nil,
      order: {id, nil},
      functions: 0,
      waiting: 0,
      events: spent.used,
      refused: spent.refused,
      bytes: spent.bytes,
      reason: :tracer_failed,
      message: Governor.message(:tracer_failed)
    }
  end

  @doc "What is recorded of its beginning: who wanted what, and how much of it at most."
  @spec announcement(t) :: map
  def announcement(%{order: order} = armed) do
    {node, pid} = order.by

    order.budgets
    |> Map.take([:profile, :events, :duration_ms, :bytes, :events_per_s])
    |> Map.merge(%{trace: order.id, node: node, by: named(pid), patterns: Order.describe(order)})
    |> Map.put(:functions, length(armed.targets.functions))
  end

  @doc "What is recorded of its end: why, what it recorded, and who had wanted it."
  @spec farewell(t, map) :: map
  def farewell(%{order: %{by: {node, pid}}}, summary),
    do:
      summary
      |> Map.drop([:id, :order])
      |> Map.merge(%{trace: summary.id, node: node, by: named(pid)})

  # As the node writes it where it runs: each node has a number of its own for that node.
  defp named(pid), do: pid |> inspect() |> String.replace(~r/<\d+/, "<0")

  @doc "The same after a module came that it waits for, or came again."
  @spec loaded(t, module) :: t
  def loaded(armed, module) do
    fresh = Targets.resolve_module(armed.order.patterns, module)
    others = Enum.reject(armed.targets.functions, fn %{mfa: {m, _, _}} -> m == module end)
    callbacks = Callbacks.loaded(armed.callbacks, armed.order.options[:state], module)
    functions = Enum.take(others ++ fresh, Targets.most())
    put_in(%{armed | callbacks: callbacks}.targets.functions, functions)
  end
end
