defmodule ElixirScope.Distributed.Capture.Instrument.Core do
  @moduledoc false
  # Puts the recording into a module's code, in Core Erlang: what Elixir and Erlang both are after
  # their own compilers and before the optimiser. There, every macro, default, `rescue` and
  # overriding is done, a function is one fun, and no name of ours can meet one of the source.
  #
  # The compiler calls it for modules with `@compile {:core_transform, __MODULE__}`, with what is to
  # be recorded as `{:elixir_scope, {name, arity, options}}` among the options of the module.
  #
  # Of each clause, not of the function: so that a call that no clause takes fails in the function
  # itself, with its arguments in the trace.

  alias ElixirScope.Distributed.Capture.Instrument.{Entry, TailCalls}
  alias ElixirScope.Distributed.Capture.Recorder

  # Names that no variable of Elixir or of the compiler has.
  @result :"scope result"
  @class :"scope class"
  @reason :"scope reason"
  @raw :"scope raw stack"
  @stack :"scope stack"
  @extent :"scope extent"

  # So that the compiler gives no warnings about it.
  @ours [:compiler_generated]

  # OTP 29 finds the option twice, once in the module itself, and would do all of this twice.
  @done :elixir_scope_instrumented

  @doc false
  # The callback of the compiler.
  def core_transform(core, options) do
    chosen = for {:elixir_scope, {name, arity, how}} <- options, do: {{name, arity}, how}
    if chosen == [] or @done in :cerl.get_ann(core), do: core, else: change(core, Map.new(chosen))
  end

  defp change(core, chosen) do
    {module, loops} = {:cerl.module_name(core), TailCalls.loops(core)}

    definitions =
      for {name, fun} <- :cerl.module_defs(core) do
        function = :cerl.var_name(name)
        {name, instrument(fun, chosen[function], {module, function}, function in loops)}
      end

    exports = :cerl.module_exports(core)
    changed = :cerl.update_c_module(core, module, exports, :cerl.module_attrs(core), definitions)
    :cerl.add_ann([@done], changed)
  end

  defp instrument(fun, how, _function, _loops?) when how in [nil, false], do: fun

  defp instrument(fun, how, {module, {name, arity}}, loops?) do
    returns = how[:returns] == :force or (how[:returns] and not loops?)
    if how[:entry] and loops? and not returns, do: raise(endless(module, name, arity))

    as = %{
      name: [module, :cerl.abstract(name), :cerl.abstract(arity)],
      call: [module, :cerl.abstract(name), arguments(fun, arity, how[:args])],
      returns: returns,
      entry: how[:entry]
    }

    :cerl.update_c_fun(fun, :cerl.fun_vars(fun), each_clause(:cerl.fun_body(fun), as))
  end

  defp endless(module, name, arity) do
    "@scope entry: true: #{inspect(:cerl.concrete(module))}.#{name}/#{arity} calls itself in " <>
      "last position and would never end; make its caller the entry point, or add returns: :force"
  end

  defp arguments(fun, _arity, true), do: :cerl.make_list(:cerl.fun_vars(fun))
  defp arguments(_fun, arity, false), do: :cerl.abstract(arity)

  defp each_clause(body, as) do
    with true <- :cerl.is_c_case(body),
         {clauses, [last]} <- Enum.split(:cerl.case_clauses(body), -1),
         true <- no_clause?(last) do
      clauses = Enum.map(clauses, &clause(&1, as)) ++ [last]
      :cerl.update_c_case(body, :cerl.case_arg(body), clauses)
    else
      _one_clause_that_takes_all -> recorded(body, as)
    end
  end

  defp clause(clause, as) do
    {patterns, guard} = {:cerl.clause_pats(clause), :cerl.clause_guard(clause)}
    :cerl.update_c_clause(clause, patterns, guard, recorded(:cerl.clause_body(clause), as))
  end

  # The clause that the compiler adds, which raises the error that there is no other.
  defp no_clause?(clause) do
    body = :cerl.clause_body(clause)

    :cerl.is_c_primop(body) and :cerl.concrete(:cerl.primop_name(body)) == :match_fail and
      function_clause?(hd(:cerl.primop_args(body)))
  end

  # For a function without arguments the whole tuple is a literal.
  defp function_clause?(reason) do
    :cerl.is_c_tuple(reason) and
      :cerl.concrete(hd(:cerl.tuple_es(reason))) == :function_clause
  end

  defp recorded(body, %{entry: true} = as) do
    enter = call(Entry, :enter, as.name)
    :cerl.ann_c_let(@ours, [variable(@extent)], enter, noted(body, as))
  end

  defp recorded(body, as), do: noted(body, as)

  defp noted(body, %{returns: false, entry: false} = as),
    do: then_do([call(Recorder, :call, as.call)], body)

  defp noted(body, as), do: then_do([call(Recorder, :call, as.call)], guarded(body, as))

  # try BODY of RESULT -> record, RESULT catch CLASS:REASON:STACK -> record, raise again
  defp guarded(body, as) do
    result = variable(@result)
    caught = Enum.map([@class, @reason, @raw], &variable/1)
    returned = then_do(returned(as, result) ++ left(as), result)
    :cerl.ann_c_try(@ours, body, [result], returned, caught, failed(as, caught))
  end

  defp returned(%{returns: false}, _result), do: []
  defp returned(as, result), do: [call(Recorder, :return, as.name ++ [result])]

  defp left(%{entry: false}), do: []
  defp left(_entry), do: [call(Entry, :leave, [variable(@extent)])]

  # The raw stack goes on as it came: nothing of it is made anew.
  defp failed(as, [class, reason, raw]) do
    again = primop(:raise, [raw, reason])
    then_do(noted_failure(as, class, reason, raw) ++ left(as), again)
  end

  defp noted_failure(%{returns: false}, _class, _reason, _raw), do: []

  defp noted_failure(as, class, reason, raw) do
    stack = variable(@stack)
    record = call(Recorder, :exception, as.name ++ [class, reason, stack])
    [:cerl.ann_c_let(@ours, [stack], primop(:build_stacktrace, [raw]), record)]
  end

  defp then_do(steps, last), do: List.foldr(steps, last, &:cerl.ann_c_seq(@ours, &1, &2))

  defp call(module, name, arguments),
    do: :cerl.ann_c_call(@ours, :cerl.abstract(module), :cerl.abstract(name), arguments)

  defp primop(name, arguments), do: :cerl.ann_c_primop(@ours, :cerl.abstract(name), arguments)
  defp variable(name), do: :cerl.ann_c_var(@ours, name)
end
