defmodule ElixirScope.Distributed.Debug.Beams.Code do
  @moduledoc false
  # What the expressions of a function do, out of Erlang's abstract format, which is what both languages
  # come to: whom they call, whose structs they name, on which lines there is code. Pure.
  #
  # An expression is a tuple of its sort, its place and its parts. Those that matter are matched; any other is
  # looked through, so that a sort which a later compiler brings loses nothing.

  alias ElixirScope.Distributed.Debug.Beams.Module

  @enforce_keys [:module, :imports]
  defstruct [:module, :imports, calls: [], structs: [], lines: []]

  @typedoc "`imports` are the functions that are called by their name alone and are another module's."
  @type scope :: %{module: module, imports: %{{atom, arity} => module}}

  @type found :: %__MODULE__{
          calls: [{Module.callee(), Module.line()}],
          structs: [{module, Module.line()}],
          lines: [Module.line()]
        }

  # Those which take a module, a function and a list of arguments, and how many arguments before these.
  @applying %{
    {:apply, 3} => 0,
    {:spawn, 3} => 0,
    {:spawn, 4} => 1,
    {:spawn_link, 3} => 0,
    {:spawn_link, 4} => 1,
    {:spawn_monitor, 3} => 0,
    {:spawn_monitor, 4} => 1,
    {:spawn_opt, 4} => 0,
    {:spawn_opt, 5} => 1
  }

  @doc "What the clauses of a function do."
  @spec of_clauses([tuple], scope) :: found
  def of_clauses(clauses, scope) do
    clauses |> Enum.reduce(struct!(__MODULE__, scope), &clause/2) |> in_order()
  end

  defp in_order(found) do
    %{
      found
      | calls: Enum.reverse(found.calls),
        structs: Enum.reverse(found.structs),
        lines: found.lines |> Enum.uniq() |> Enum.sort()
    }
  end

  # A head and a guard hold no code to stop at, but call and match.
  defp clause({:clause, _at, patterns, guards, body}, found) do
    lines = found.lines
    found = walk(guards, walk(patterns, found))
    walk(body, %{found | lines: lines})
  end

  @doc "The line of a place in the abstract format."
  @spec line(term) :: Module.line()
  def line(line) when is_integer(line), do: line
  def line({line, _column}) when is_integer(line), do: line
  def line(annotation) when is_list(annotation), do: :erl_anno.line(annotation)
  def line(_none), do: 0

  defp walk([head | tail], found), do: walk(tail, walk(head, found))
  defp walk({:clause, _, _, _, _} = clause, found), do: clause(clause, found)

  defp walk({:call, at, {:remote, _, module, function}, arguments}, found),
    do: found |> at(at) |> remote(module, function, arguments, line(at))

  # No function: the compiler puts a constant there.
  defp walk({:call, at, {:atom, _, :record_info}, [_, _]}, found), do: at(found, at)

  defp walk({:call, at, {:atom, _, name}, arguments}, found),
    do: found |> at(at) |> local(name, arguments, line(at))

  defp walk({:fun, at, {:function, name, arity}}, found),
    do: found |> at(at) |> called(resolve(found, name, arity), line(at))

  defp walk({:fun, at, {:function, {:atom, _, module}, name, arity}}, found),
    do: found |> at(at) |> called({module, literal(name), literal(arity)}, line(at))

  defp walk({field, at, {:atom, _, :__struct__}, {:atom, _, module}}, found)
       when field in [:map_field_assoc, :map_field_exact],
       do: found |> at(at) |> named(module, line(at))

  # Literals, which have no parts.
  defp walk({sort, at, _value}, found)
       when sort in [:atom, :integer, :string, :var, :char, :float],
       do: at(found, at)

  defp walk(expression, found)
       when is_tuple(expression) and tuple_size(expression) > 2 and is_atom(elem(expression, 0)) do
    [_sort, at | parts] = Tuple.to_list(expression)
    walk(parts, at(found, at))
  end

  defp walk(expression, found) when is_tuple(expression),
    do: expression |> Tuple.to_list() |> walk(found)

  defp walk(_leaf, found), do: found

  defp at(found, at), do: %{found | lines: noted(line(at), found.lines)}

  defp noted(0, lines), do: lines
  defp noted(line, [line | _] = lines), do: lines
  defp noted(line, lines), do: [line | lines]

  defp called(found, callee, line), do: %{found | calls: [{callee, line} | found.calls]}
  defp named(found, module, line), do: %{found | structs: [{module, line} | found.structs]}

  defp remote(found, {:atom, _, module}, {:atom, _, name}, arguments, line) do
    found = called(found, {module, name, length(arguments)}, line)
    walk(arguments, applied(found, {module, name}, arguments, line))
  end

  defp remote(found, {:atom, _, module}, function, arguments, line),
    do: walk([function | arguments], called(found, {module, :_, length(arguments)}, line))

  defp remote(found, module, function, arguments, _line),
    do: walk([module, function | arguments], found)

  defp local(found, name, arguments, line) do
    {module, _, _} = callee = resolve(found, name, length(arguments))
    walk(arguments, found |> called(callee, line) |> applied({module, name}, arguments, line))
  end

  defp resolve(found, name, arity),
    do: {Map.get(found.imports, {name, arity}, found.module), name, arity}

  # What is given to `apply/3` and its like, where the code names the module.
  defp applied(found, {:erlang, name}, arguments, line) do
    with {:ok, before} <- Map.fetch(@applying, {name, length(arguments)}),
         [{:atom, _, module}, function, list | _] <- Enum.drop(arguments, before) do
      called(found, {module, literal(function), length_of(list, 0)}, line)
    else
      _dynamic -> found
    end
  end

  defp applied(found, _other, _arguments, _line), do: found

  defp literal({sort, _, value}) when sort in [:atom, :integer], do: value
  defp literal(_dynamic), do: :_

  defp length_of({:cons, _, _head, tail}, count), do: length_of(tail, count + 1)
  defp length_of({nil, _}, count), do: count
  defp length_of(_dynamic, _count), do: :_
end
