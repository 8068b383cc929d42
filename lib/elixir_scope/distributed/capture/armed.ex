defmodule ElixirScope.Distributed.Capture.Armed do
  @moduledoc false
  # One trace on this node: what it was ordered to watch, what that is here, and what it may
  # still use. A value; `Capture.Tracer` holds it and acts.

  alias ElixirScope.Distributed.Capture.{
    Callbacks,
    Governor,
    Health,
    Memory,
    Offered,
    Only,
    Order,
    Plan,
    Seat,
    Targets
  }

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
         :ok <- Offered.families(Order.families(order)),
         :ok <- Memory.check(order.options[:memory], targets.functions),
         {:ok, targets} <- judged(targets, order),
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

  # A loop never returns: nobody could say whether a turn was slow.
  defp judged(targets, order) do
    case {judgeable(targets.functions, order), targets} do
      {[], %{refused: [mfa | _], waiting: []}} ->
        {:error, Error.new(:runaway_return, function: mfa)}

      {functions, targets} ->
        {:ok, %{targets | functions: functions}}
    end
  end

  defp judgeable(functions, %{options: options}) do
    if options[:only] == nil, do: functions, else: Enum.filter(functions, & &1.pattern.return)
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
      slower_ms: Only.ms(order.options[:only]),
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
      memory: order.options[:memory],
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
  def grant(%{governor: governor} = armed, now) do
    {most, per_s} = allowance(governor.budgets, armed.order.options[:only])
    due = per_s + div((now - governor.started) * per_s, 1_000)
    more = max(min(due, most) - armed.granted, 0)
    {more, %{armed | granted: armed.granted + more}}
  end

  @doc "How strongly it is thinned: of what begins it keeps one in two to the power of this."
  @spec level(t) :: non_neg_integer
  def level(armed), do: armed.governor.thinning.level

  @doc """
  The events that are kept for correlations which have begun: with fewer, none begins. Once
  all that it may ever record was granted there is nothing to wait for. What a trace of slow calls is
  granted is for looking at them: too many of them end it, and are not left out in silence.
  """
  @spec reserve(t) :: non_neg_integer
  def reserve(%{granted: granted, governor: %{budgets: %{events: events}}})
      when granted >= events,
      do: 0

  def reserve(%{order: order, governor: %{budgets: budgets}}),
    do: if(order.options[:only], do: 0, else: div(budgets.events_per_s, 2))

  # A call is two events in the rings, also where it is not kept.
  defp allowance(budgets, nil), do: {budgets.events, budgets.events_per_s}
  defp allowance(budgets, _only), do: {:infinity, budgets.events_per_s + 2 * budgets.calls_per_s}

  @doc "Whether it may go on, by what it has used and how the node is."
  @spec check(t, map, Health.sample(), integer) :: {:ok | {:trip, Governor.reason()}, t}
  def check(armed, spent, sample, now) do
    health = Health.judge(sample, armed.thresholds)
    usage = armed.order.options[:only] |> usage(spent) |> Map.put(:health, health)
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

  @doc """
  What it has used, as the governor counts it: also what was refused had come, and what was
  left out took its time. Of slow calls only the events that were kept count, and all that had
  to be looked at.
  """
  @spec usage(Only.t() | nil, map) :: Governor.usage()
  def usage(only, spent) do
    came = spent.used + spent.refused

    Map.merge(counted(only, spent, came), %{
      thinned: spent.thinned,
      sketch: spent.sketch,
      bytes: spent.bytes,
      open_calls: spent.deepest,
      cpu_ns: (came + spent.thinned) * @event_ns
    })
  end

  defp counted(nil, spent, came), do: %{events: came, refused: spent.refused}

  defp counted(_only, spent, _came),
    do: %{events: spent.kept, calls: spent.looked_at + spent.refused}

  @doc "How it stands, for people and for other nodes."
  @spec summary(t, map) :: map
  def summary(%{order: %{spent: before} = order, governor: governor} = armed, spent) do
    %{
      id: order.id,
      patterns: Order.describe(order),
      by: order.by,
      order: {order.id, order.at},
      functions: length(armed.targets.functions),
      waiting: length(armed.targets.waiting),
      events: before.events + recorded(order.options[:only], spent),
      refused: before.refused + spent.refused,
      thinned: before.thinned + spent.thinned,
      level: level(armed),
      looked_at: spent.looked_at,
      bytes: before.bytes + spent.bytes,
      reason: governor.trip && governor.trip.reason,
      message: governor.trip && Governor.message(governor.trip)
    }
  end

  defp recorded(nil, spent), do: spent.used
  defp recorded(_only, spent), do: spent.kept

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
      events: if(spent.looked_at == 0, do: spent.used, else: spent.kept),
      refused: spent.refused,
      thinned: spent.thinned,
      level: 0,
      looked_at: spent.looked_at,
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
    |> Map.merge(limits(order))
  end

  defp limits(%{options: options, budgets: budgets}) do
    case options[:only] do
      nil -> %{}
      {:slower_than, ms} -> %{slower_than: ms, calls_per_s: budgets.calls_per_s}
    end
  end

  @doc "What is recorded of its end: why, what it recorded, and who had wanted it."
  @spec farewell(t, map) :: map
  def farewell(%{order: %{by: {node, pid}}}, summary),
    do:
      summary
      |> Map.drop([:id, :order])
      |> Map.merge(%{trace: summary.id, node: node, by: named(pid)})

  # As the node writes it where it runs: each node has a number of its own for that node.
  defp named(pid) do
    [_node, rest] = pid |> inspect() |> String.split(".", parts: 2)
    "#PID<0." <> rest
  end

  @doc "The same after a module came that it waits for, or came again."
  @spec loaded(t, module) :: t
  def loaded(armed, module) do
    fresh = judgeable(Targets.resolve_module(armed.order.patterns, module), armed.order)
    others = Enum.reject(armed.targets.functions, fn %{mfa: {m, _, _}} -> m == module end)
    callbacks = Callbacks.loaded(armed.callbacks, armed.order.options[:state], module)
    functions = Enum.take(others ++ fresh, most(armed.order))
    put_in(%{armed | callbacks: callbacks}.targets.functions, functions)
  end

  defp most(order), do: if(order.options[:memory], do: Memory.most(), else: Targets.most())
end
