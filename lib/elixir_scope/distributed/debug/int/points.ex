defmodule ElixirScope.Distributed.Debug.Int.Points do
  @moduledoc false
  # Where interpreted code can be stopped: before each expression of a sequence, at its line. That is what
  # `dbg_ieval:seq` asks for; an argument on a line of its own is no such place.

  @type point :: {line :: pos_integer, {function :: atom, arity}, times :: pos_integer}

  @doc "The lines at which each function can be stopped, and at how many expressions of each."
  @spec of([{{atom, arity}, [tuple]}]) :: [point]
  def of(functions) do
    for {function, clauses} <- functions,
        {line, times} <- clauses |> lines([]) |> Enum.frequencies() |> Enum.sort(),
        line > 0,
        do: {line, function, times}
  end

  @doc "Of each function the lines at which its clauses begin, and the first one of each at which it can be stopped."
  @spec clauses([{{atom, arity}, [tuple]}]) :: %{
          {atom, arity} => [{head :: integer, first :: integer}]
        }
  def clauses(functions) do
    for {function, clauses} <- functions, into: %{} do
      {function,
       for({:clause, line, _head, _guards, [first | _]} <- clauses, do: {line, elem(first, 1)})}
    end
  end

  @doc "Whether a function makes functions, which may live on anywhere."
  @spec makes_functions?([tuple]) :: boolean
  def makes_functions?(clauses), do: made?(clauses)

  defp made?({made, _line, _name, _clauses}) when made == :make_fun, do: true
  defp made?({:make_named_fun, _line, _name, _as, _clauses}), do: true
  defp made?({:value, _line, _value}), do: false
  defp made?(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> made?()
  defp made?([first | rest]), do: made?(first) or made?(rest)
  defp made?(_other), do: false

  # Expressions of a sequence, and what is in them.
  defp sequence(expressions, found) when is_list(expressions),
    do: Enum.reduce(expressions, found, &lines(&1, [elem(&1, 1) | &2]))

  defp lines({:clause, _line, _head, _guards, body}, found), do: sequence(body, found)
  defp lines({:block, _line, body}, found), do: sequence(body, found)
  defp lines({:maybe, _line, body}, found), do: sequence(body, found)
  defp lines({:maybe, _line, body, clauses}, found), do: lines(clauses, sequence(body, found))

  defp lines({:try, _line, body, clauses, catches, after_body}, found),
    do: sequence(after_body, lines(catches, lines(clauses, sequence(body, found))))

  defp lines({:receive, _line, clauses, timeout, after_body}, found),
    do: sequence(after_body, lines(timeout, lines(clauses, found)))

  defp lines({:value, _line, _value}, found), do: found
  defp lines(tuple, found) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> lines(found)
  defp lines([first | rest], found), do: lines(rest, lines(first, found))
  defp lines(_other, found), do: found
end
