defmodule ElixirScope.Distributed.Capture.Targets.TailCalls do
  @moduledoc false
  # Which functions of a module end in a call of which others of it, by its abstract code:
  # https://www.erlang.org/doc/apps/erts/absform.html. An expression is last where its value
  # is the function's and nothing is left to do: not in the body of a `try`, nor in a `catch`.

  @type function_name :: {atom, arity}

  @doc "The functions that can come back to themselves by last calls alone."
  @spec loops(module, [tuple]) :: [function_name]
  def loops(module, forms) do
    calls = for {:function, _, f, a, clauses} <- forms, into: %{}, do: {{f, a}, last(clauses)}
    calls = Map.new(calls, fn {function, last} -> {function, own(last, module)} end)
    for {function, called} <- calls, reaches?(called, function, calls, %{}), do: function
  end

  defp own(calls, module) do
    for {m, f, a} <- calls, m in [:local, module], uniq: true, do: {f, a}
  end

  # Invariant: every function in `seen` was followed or stands in `todo`.
  defp reaches?([], _wanted, _calls, _seen), do: false
  defp reaches?([wanted | _todo], wanted, _calls, _seen), do: true

  defp reaches?([function | todo], wanted, calls, seen) do
    if seen[function],
      do: reaches?(todo, wanted, calls, seen),
      else: reaches?(next(calls, function) ++ todo, wanted, calls, Map.put(seen, function, true))
  end

  defp next(calls, function), do: Map.get(calls, function, [])

  # The calls that stand last in clauses, a body or an expression.

  defp last(clauses), do: Enum.flat_map(clauses, fn {:clause, _, _, _, body} -> body(body) end)

  defp body([]), do: []
  defp body(body), do: body |> List.last() |> expression()

  defp expression({:call, _, {:atom, _, function}, arguments}),
    do: [{:local, function, length(arguments)}]

  defp expression({:call, _, {:remote, _, {:atom, _, module}, {:atom, _, f}}, arguments}),
    do: [{module, f, length(arguments)}]

  defp expression({:case, _, _value, clauses}), do: last(clauses)
  defp expression({:if, _, clauses}), do: last(clauses)
  defp expression({:receive, _, clauses}), do: last(clauses)
  defp expression({:receive, _, clauses, _timeout, body}), do: last(clauses) ++ body(body)
  defp expression({:block, _, body}), do: body(body)
  defp expression({:maybe, _, body}), do: body(body)
  defp expression({:maybe, _, body, {:else, _, clauses}}), do: body(body) ++ last(clauses)
  defp expression({:match, _, {:var, _, _}, value}), do: expression(value)

  defp expression({:op, _, operator, _, right}) when operator in [:andalso, :orelse],
    do: expression(right)

  defp expression({:try, _, _body, else_clauses, catch_clauses, []}),
    do: last(else_clauses) ++ last(catch_clauses)

  defp expression(_other), do: []
end
