defmodule ElixirScope.Distributed.Debug.Stopped.Visible do
  @moduledoc false
  # Which variables can be meant at a line, in code as the interpreter has it. The interpreter forgets
  # none that a function bound, also in clauses that are over; of an Elixir variable that was bound
  # anew these are other versions, and the newest of all need not be the one that counts. Pure.

  @type clauses :: [tuple]

  @doc """
  The sets of variables that are bound before an expression at `line`, one for each such expression: those of
  its own clause, of the clauses around it, and what was bound before it in each of these.
  """
  @spec at(clauses, pos_integer) :: [MapSet.t(atom)]
  def at(clauses, line), do: within(clauses, MapSet.new(), line)

  @doc "Of these the one that fits what is bound, or `nil` where none does."
  @spec fitting([MapSet.t(atom)], [atom]) :: MapSet.t(atom) | nil
  def fitting(sets, bound) do
    bound = MapSet.new(bound)

    sets
    |> Enum.filter(&MapSet.subset?(&1, bound))
    |> Enum.max_by(&MapSet.size/1, fn -> nil end)
  end

  defp sequence([expression | rest], known, line) do
    here = if elem(expression, 1) == line, do: [known], else: []
    after_it = MapSet.union(known, bound(expression))
    here ++ within(expression, known, line) ++ sequence(rest, after_it, line)
  end

  defp sequence(_end, _known, _line), do: []

  defp within({:clause, _line, head, guards, body}, known, line) do
    known = MapSet.union(known, variables([head, guards]))
    sequence(body, known, line)
  end

  defp within({:block, _line, body}, known, line), do: sequence(body, known, line)
  defp within({:value, _line, _value}, _known, _wanted), do: []

  defp within({:try, _line, body, clauses, catches, after_body}, known, line) do
    inside = Enum.reduce(body, known, &MapSet.union(&2, bound(&1)))

    sequence(body, known, line) ++
      within(clauses, inside, line) ++
      within(catches, known, line) ++ sequence(after_body, known, line)
  end

  defp within({:receive, _line, clauses, timeout, body}, known, line),
    do: within([timeout | clauses], known, line) ++ sequence(body, known, line)

  defp within({comprehension, _line, body, qualifiers}, known, line)
       when comprehension in [:lc, :bc, :mc] do
    known = MapSet.union(known, variables(qualifiers))
    within([body | qualifiers], known, line)
  end

  # What is matched is there in the clauses.
  defp within({:case, _line, subject, clauses}, known, line),
    do: within(subject, known, line) ++ within(clauses, MapSet.union(known, bound(subject)), line)

  defp within(tuple, known, line) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> within(known, line)

  defp within([first | rest], known, line),
    do: within(first, known, line) ++ within(rest, known, line)

  defp within(_other, _known, _line), do: []

  # What an expression binds for those after it: not what its clauses do.
  defp bound({:match, _line, pattern, value}),
    do: MapSet.union(variables(pattern), bound(value))

  defp bound({kind, _line, _a}) when kind in [:value, :var], do: MapSet.new()
  defp bound({:clause, _line, _head, _guards, _body}), do: MapSet.new()
  defp bound({:try, _line, _body, _clauses, _catches, _after}), do: MapSet.new()
  defp bound({kind, _line, _a, _b}) when kind in [:lc, :bc, :mc, :make_fun], do: MapSet.new()
  defp bound({:make_named_fun, _line, _name, _as, _clauses}), do: MapSet.new()
  defp bound(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> bound()

  defp bound([first | rest]), do: MapSet.union(bound(first), bound(rest))
  defp bound(_other), do: MapSet.new()

  defp variables({:var, _line, :_}), do: MapSet.new()
  defp variables({:var, _line, name}), do: MapSet.new([name])
  defp variables({:value, _line, _value}), do: MapSet.new()
  defp variables(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> variables()

  defp variables([first | rest]), do: MapSet.union(variables(first), variables(rest))
  defp variables(_other), do: MapSet.new()
end
