defmodule ElixirScope.Distributed.Inject.Steps do
  @moduledoc false
  # What the VM of the other node is told, as data: match specifications of functions, that of
  # messages, and flags of processes. A call whose end is wanted says so with the message `:ends`.

  alias ElixirScope.Distributed.Capture.{Order, Pattern, Plan}
  alias ElixirScope.Distributed.Inject.{Functions, Guest, Processes}

  # Functions of a module from which on it is set as a whole.
  @many 8

  # Who sent a message; of who is on another node only that.
  @sender [{[:"$1", :"$2", :_], [], [{:message, {{:"$1", :"$2"}}}]}]

  @doc "The steps, in the order in which they are done."
  @spec of(Functions.t(), Processes.t(), Order.t()) :: [Guest.Vm.step()]
  def of(functions, processes, order) do
    order = {order, callers?(processes, order)}

    Enum.flat_map(by_module(functions), &module(&1, functions, order)) ++
      messages(order) ++ processes(functions, processes, order)
  end

  defp by_module(functions),
    do: Enum.group_by(functions.targets, fn %{mfa: {module, _, _}} -> module end)

  defp module({module, targets}, functions, order) do
    specs = for target <- targets, do: {target.mfa, spec(target, order)}
    all = for {f, a} <- functions.modules[module], do: {module, f, a}
    whole = if length(specs) > @many, do: whole(module, specs, all)
    chosen = if whole != nil and length(whole) < length(specs), do: whole, else: specs
    for {mfa, spec} <- chosen, do: {:function, mfa, spec}
  end

  # The VM stops to change code for each: a module as a whole and then its exceptions is faster.
  defp whole(module, specs, all) do
    {common, _often} = specs |> Enum.frequencies_by(&elem(&1, 1)) |> Enum.max_by(&elem(&1, 1))
    specs = Map.new(specs)

    [
      {{module, :_, :_}, common}
      | for(
          mfa <- all,
          spec = Map.get(specs, mfa, false),
          spec != common,
          do: {mfa, spec}
        )
    ]
  end

  defp spec(target, order),
    do: for(pattern <- [target.pattern | target.also], do: clause(pattern, order))

  defp clause(pattern, order) do
    {head, guards} = Pattern.match_head(pattern)
    {head, guards, returns(pattern) ++ follow(order)}
  end

  defp returns(%{return: true}), do: [{:message, :ends}, {:exception_trace}]
  defp returns(_calls_only), do: []

  # The process that calls is told of from here on.
  defp follow({_order, false}), do: []
  defp follow({order, true}), do: [{:trace, [], flags(order)}]

  defp flags(order), do: [:procs | Enum.flat_map(Order.families(order), &Plan.flags_of/1)]

  defp callers?(processes, order), do: processes.all? and Order.families(order) != []

  defp messages({order, _callers?}) do
    if :message in Order.families(order), do: [{:messages, :receive, @sender}], else: []
  end

  defp processes(functions, processes, {order, _callers?}) do
    calls = if functions.targets == [], do: [], else: [:call | arity(order)]
    told = Enum.uniq([:monotonic_timestamp | calls] ++ flags(order))
    all = [:monotonic_timestamp | calls]

    if(processes.all?, do: [{:process, :all, all}], else: []) ++
      if(processes.new?, do: [{:process, :new, told}], else: []) ++
      for(pid <- processes.pids, do: {:process, pid, told}) ++
      for(pid <- processes.parents, do: {:process, pid, [:set_on_spawn | told]})
  end

  # Without it the VM copies all arguments.
  defp arity(%{options: options}), do: if(options[:capture] == :calls, do: [:arity], else: [])
end
