defmodule ElixirScope.Distributed.Capture.Plan do
  @moduledoc false
  # What the VM has to watch so that every trace gets what it wants, as a pure function of
  # the traces. Joining and leaving are the difference of two plans: what two traces share
  # is there once, and goes with the last of them.
  #
  # Invariant: the difference to the plan of no traces takes everything away.

  alias ElixirScope.Distributed.Capture.Plan.Spec
  alias ElixirScope.Distributed.Capture.Targets
  alias ElixirScope.Distributed.Capture.Targets.Batches

  defstruct functions: %{}, processes: %{}, messages: %{}

  @typedoc """
  What one trace wants here. `bit` is its seat's; `new`, `pids` and `heirs` are processes that
  it is told of (those of heirs with all they start), `any` is whichever calls a function.
  """
  @type part :: %{
          bit: pos_integer,
          targets: [Targets.target()],
          families: [atom],
          callers: boolean,
          correlate: boolean,
          arguments: boolean,
          any: boolean,
          new: boolean,
          pids: [pid],
          heirs: [pid]
        }

  @typedoc "What is set or taken away, in words that both ways of tracing understand."
  @type operation ::
          {:function, Batches.pattern(), Spec.t() | false}
          | {:messages, :send | :receive, Spec.t() | false}
          | {:process, pid | :all | :new, on? :: boolean, [atom]}

  @type t :: %__MODULE__{
          functions: %{mfa => Spec.t()},
          processes: %{(pid | :all | :new) => MapSet.t(atom)},
          messages: %{(:send | :receive) => Spec.t()}
        }

  @doc "The plan for all of these parts."
  @spec of([part]) :: t
  def of(parts) do
    arguments = Enum.any?(parts, & &1.arguments)

    %__MODULE__{
      functions: functions(parts),
      processes: processes(parts, if(arguments, do: [], else: [:arity])),
      messages: messages(Enum.filter(parts, &(:message in &1.families)))
    }
  end

  @doc "The steps from one plan to another: what goes first, then what comes."
  @spec difference(t, t) :: [operation]
  def difference(from, to) do
    {less, more} = process_steps(from.processes, to.processes)
    less ++ function_steps(from, to) ++ message_steps(from, to) ++ more
  end

  @doc "The steps that set the functions of a module again, after it was loaded again."
  @spec again(t, module) :: [operation]
  def again(plan, module),
    do: for({mfa, _} = one <- plan.functions, elem(mfa, 0) == module, do: one) |> steps()

  # Functions

  defp functions(parts) do
    entries = for part <- parts, target <- part.targets, do: {target.mfa, {part, target}}

    entries
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    |> Map.new(fn {mfa, wanting} -> {mfa, Spec.of(wanting)} end)
  end

  # Module by module: what is set for a module as a whole replaces all it had.
  defp function_steps(%{functions: same}, %{functions: same}), do: []

  defp function_steps(from, to) do
    {old, new} = {by_module(from.functions), by_module(to.functions)}
    gone = for {module, _} <- old, not is_map_key(new, module), do: {{module, :_, :_}, false}
    changed = for {module, specs} <- new, old[module] != specs, spec <- specs, do: spec

    left_out =
      for {module, specs} <- new,
          {mfa, _} <- old[module] || [],
          not List.keymember?(specs, mfa, 0),
          do: {mfa, false}

    for({pattern, spec} <- gone ++ left_out, do: {:function, pattern, spec}) ++ steps(changed)
  end

  defp steps(wanted),
    do: for({pattern, spec} <- Batches.of(wanted), do: {:function, pattern, spec})

  defp by_module(functions), do: Enum.group_by(functions, fn {{module, _, _}, _} -> module end)

  # Messages

  defp messages([]), do: %{}
  defp messages(parts), do: Spec.messages(Enum.any?(parts, & &1.correlate))

  defp message_steps(from, to) do
    for direction <- [:send, :receive],
        from.messages[direction] != to.messages[direction],
        do: {:messages, direction, Map.get(to.messages, direction, false)}
  end

  # Processes

  defp processes(parts, arity) do
    for part <- parts, {target, flags} <- flags(part, arity), reduce: %{} do
      all -> Map.update(all, target, MapSet.new(flags), &MapSet.union(&1, MapSet.new(flags)))
    end
  end

  # Of whom a trace is told, it has to be told the end, too.
  defp flags(part, arity) do
    calls = if part.targets == [], do: [], else: [:call | arity]
    told = calls ++ [:procs | Enum.flat_map(part.families, &flags_of/1)]

    if(part.any and calls != [], do: [{:all, calls}], else: []) ++
      if(part.new, do: [{:new, told}], else: []) ++
      Enum.map(part.pids, &{&1, told}) ++
      Enum.map(part.heirs, &{&1, [:set_on_spawn | told]})
  end

  @doc "The flags of the VM for a family of events."
  @spec flags_of(atom) :: [atom]
  def flags_of(:message), do: [:send, :receive]
  def flags_of(:process), do: [:procs]
  def flags_of(:memory), do: [:garbage_collection]
  def flags_of(:scheduling), do: [:running]

  # Taking a flag from all takes it from each: what single ones keep is set again.
  defp process_steps(from, to) do
    less =
      for {target, flags} <- from, gone = gone(flags, to[target]), gone != [], do: {target, gone}

    again? = List.keymember?(less, :all, 0)
    before = if again?, do: Map.take(from, [:all, :new]), else: from

    more =
      for {target, flags} <- to, new = new(flags, before[target]), new != [], do: {target, new}

    {sorted(less, false), sorted(more, true)}
  end

  # Singles go before all when taking away, and come after all when setting.
  defp sorted(steps, on?) do
    steps =
      Enum.sort_by(steps, fn {target, _} -> is_pid(target) end, if(on?, do: :asc, else: :desc))

    for {target, flags} <- steps, do: {:process, target, on?, Enum.sort(flags)}
  end

  defp gone(flags, nil), do: MapSet.to_list(flags)
  defp gone(flags, kept), do: MapSet.to_list(MapSet.difference(flags, kept))
  defp new(flags, nil), do: MapSet.to_list(flags)
  defp new(flags, known), do: MapSet.to_list(MapSet.difference(flags, known))
end
