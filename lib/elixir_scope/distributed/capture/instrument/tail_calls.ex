defmodule ElixirScope.Distributed.Capture.Instrument.TailCalls do
  @moduledoc false
  # Which functions of a module in Core Erlang come back to themselves by calls in last position:
  # loops, which would keep a frame for every round if their returns were recorded.

  @type function_name :: {atom, arity}

  @doc "The functions that loop, also by way of others of the same module."
  @spec loops(:cerl.cerl()) :: MapSet.t(function_name)
  def loops(core) do
    module = :cerl.concrete(:cerl.module_name(core))
    calls = Map.new(:cerl.module_defs(core), &calls(&1, module))

    for {function, next} <- calls,
        reaches?(next, function, calls),
        into: MapSet.new(),
        do: function
  end

  defp calls({name, fun}, module),
    do: {:cerl.var_name(name), Enum.uniq(last(:cerl.fun_body(fun), module))}

  defp reaches?(next, function, calls), do: function in reached(next, calls, MapSet.new())

  defp reached(next, calls, seen) do
    Enum.reduce(next, seen, fn function, seen ->
      if function in seen,
        do: seen,
        else: reached(Map.get(calls, function, []), calls, MapSet.put(seen, function))
    end)
  end

  # What an expression calls in last position.
  defp last(core, module) do
    case :cerl.type(core) do
      :let -> last(:cerl.let_body(core), module)
      :seq -> last(:cerl.seq_body(core), module)
      :case -> each(:cerl.case_clauses(core), module)
      :clause -> last(:cerl.clause_body(core), module)
      :receive -> each([:cerl.receive_action(core) | :cerl.receive_clauses(core)], module)
      :try -> each([:cerl.try_body(core), :cerl.try_handler(core)], module)
      :letrec -> each([:cerl.letrec_body(core) | bodies(core)], module)
      :apply -> local(:cerl.apply_op(core))
      :call -> remote(core, module)
      _other -> []
    end
  end

  defp each(cores, module), do: Enum.flat_map(cores, &last(&1, module))

  # The compiler writes `receive` and others as such functions, which are called in last position.
  defp bodies(letrec), do: for({_name, fun} <- :cerl.letrec_defs(letrec), do: :cerl.fun_body(fun))

  defp local(operator) do
    with true <- :cerl.is_c_var(operator),
         {_name, _arity} = function <- :cerl.var_name(operator),
         do: [function],
         else: (_a_fun -> [])
  end

  defp remote(call, module) do
    {of, name} = {:cerl.call_module(call), :cerl.call_name(call)}

    if :cerl.is_c_atom(of) and :cerl.atom_val(of) == module and :cerl.is_c_atom(name),
      do: [{:cerl.atom_val(name), :cerl.call_arity(call)}],
      else: []
  end
end
