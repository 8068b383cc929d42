defmodule ElixirScope.Distributed.Capture.Plan do
  @moduledoc false
  # What the VM has to watch so that every trace gets what it wants, as a pure function of
  # the traces. Joining and leaving are the difference of two plans: what two traces share
  # is there once, and goes with the last of them.
  #
  # Invariant: the difference to the plan of no traces takes everything away.

  alias ElixirScope.Distributed.Capture.Plan.Spec
  alias ElixirScope.Distributed.Capture.{Pattern, Targets}
  alias ElixirScope.Distributed.Capture.Targets.Batches

  defstruct functions: %{}, processes: %{}, messages: %{}, memory: %{}

  @typedoc """
  What one trace wants here. `bit` is its seat's; `new`, `pids` and `heirs` are processes that
  it is told of (those of heirs with all they start), also those it came to know meanwhile;
  `any` is whichever calls a function.
  """
  @type part :: %{
          bit: pos_integer,
          targets: [Targets.target()],
          callbacks: [mfa],
          families: [atom],
          callers: boolean,
          correlate: boolean | :each_call,
          memory: boolean,
          arguments: boolean,
          any: boolean,
          new: boolean,
          pids: [pid],
          heirs: [pid]
        }

  @typedoc "What is set or taken away, in words that both ways of tracing understand."
  @type operation ::
          {:function, Batches.pattern(), Spec.t() | false}
          | {:memory, Batches.pattern(), count :: boolean | :restart}
          | {:messages, :send | :receive, Spec.t() | false}
          | {:process, pid | :all | :new, on? :: boolean, [atom]}

  @type t :: %__MODULE__{
          functions: %{mfa => Spec.t()},
          processes: %{(pid | :all | :new) => MapSet.t(atom)},
          messages: %{(:send | :receive) => Spec.t()},
          memory: %{mfa => true}
        }

  @doc "The plan for all of these parts."
  @spec of([part]) :: t
  def of(parts) do
    arguments = Enum.any?(parts, & &1.arguments)

    %__MODULE__{
      functions: functions(parts),
      processes: processes(parts, if(arguments, do: [], else: [:arity])),
      messages: messages(Enum.filter(parts, &(:message in &1.families))),
      memory: memory(parts)
    }
  end

  @doc "The steps from one plan to another: what goes first, then what comes."
  @spec difference(t, t) :: [operation]
  def difference(from, to) do
    {less, more} = process_steps(from.processes, to.processes)
    less ++ function_steps(from, to) ++ memory_steps(from, to) ++ message_steps(from, to) ++ more
  end

  @doc "The steps that set the functions of a module again, after it was loaded again."
  @spec again(t, module) :: [operation]
  def again(plan, module),
    do: steps(of_module(plan.functions, module)) ++ counting(of_module(plan.memory, module))

  defp of_module(functions, module),
    do: for({{^module, _, _}, _} = one <- functions, do: one)

  # Functions

  defp functions(parts) do
    targets = for part <- parts, target <- part.targets, do: {target.mfa, {part, target}}
    states = for part <- parts, mfa <- part.callbacks, do: {mfa, outcome(part, mfa)}

    (targets ++ states)
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    |> Map.new(fn {mfa, wanting} -> {mfa, Spec.of(wanting)} end)
  end

  # Of a callback only what comes of it: whether its call is wanted is the targets' to say.
  defp outcome(part, {module, function, arity}) do
    pattern = %Pattern{module: module, function: function, arity: arity, return: true}

    {%{part | bit: 0, callers: false, correlate: part.correlate != false},
     %{pattern: pattern, also: []}}
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

  # Memory of functions: counted once, whoever wants it.

  defp memory(parts),
    do:
      for(
        %{memory: true} = part <- parts,
        target <- part.targets,
        into: %{},
        do: {target.mfa, true}
      )

  defp memory_steps(%{memory: same}, %{memory: same}), do: []

  defp memory_steps(%{memory: from}, %{memory: to}) do
    for({mfa, _} <- Map.drop(from, Map.keys(to)), do: {:memory, mfa, false}) ++
      counting(Map.drop(to, Map.keys(from)))
  end

  defp counting(wanted), do: for({mfa, true} <- wanted, do: {:memory, mfa, true})

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
    calls = if part.targets == [] and part.callbacks == [], do: [], else: [:call | arity]
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

  # Three things that the VM does: what all have, each one has; what is taken from all is taken
  # from each; and whatever is taken from all or from new ones, new ones are left with nothing.
  defp process_steps(from, to) do
    {gone, come} = {without(all(from), all(to)), without(all(to), all(from))}
    less = for one <- singles(from), do: {one, taken(from, to, one, gone)}
    wiped? = gone != [] or List.keyfind(less, :new, 0) not in [nil, {:new, []}]
    more = for one <- singles(to), do: {one, given(from, to, one, gone, come, wiped?)}
    {operations(less ++ [all: gone], false), operations([{:all, come} | more], true)}
  end

  defp taken(from, to, one, gone),
    do: from |> Map.get(one, []) |> without(has(to, one)) |> without(gone)

  defp given(_from, to, :new, _gone, come, true), do: to |> has(:new) |> without(come)

  defp given(from, to, one, gone, come, _wiped?),
    do: to |> has(one) |> without(without(has(from, one), gone)) |> without(come)

  defp singles(processes), do: [:new | for({pid, _flags} when is_pid(pid) <- processes, do: pid)]
  defp all(processes), do: Map.get(processes, :all, [])
  defp has(processes, one), do: processes |> Map.get(one, []) |> Enum.concat(all(processes))

  defp without(flags, others),
    do: Enum.reject(flags, &(&1 in others)) |> Enum.uniq() |> Enum.sort()

  defp operations(steps, on?),
    do: for({target, [_ | _] = flags} <- steps, do: {:process, target, on?, flags})
end
