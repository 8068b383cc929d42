defmodule ElixirScope.Distributed.Debug.Breakpoints.Place do
  @moduledoc false
  # What a place that was written means on this node: first which module, then, of one that is
  # interpreted, before which of its expressions processes are to stop.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Debug.Lines

  @type where :: tuple | String.t()
  @type named :: %{
          module: module,
          line: pos_integer | nil,
          function: {atom, arity | :_} | nil,
          asked: pos_integer | nil
        }
  @type found :: %{
          function: atom,
          arity: arity,
          line: pos_integer,
          lines: [pos_integer],
          times: %{pos_integer => pos_integer}
        }

  @doc "The module of a place, and what of it is meant."
  @spec name(where) :: {:ok, named} | {:error, term}
  def name({file, line}) when is_binary(file) do
    with {:ok, place} <- Lines.at(file, line) do
      {:ok, %{module: place.module, line: place.line || line, function: nil, asked: line}}
    end
  end

  def name({module, line}) when is_atom(module) and is_integer(line),
    do: {:ok, %{module: module, line: line, function: nil, asked: line}}

  def name(written) do
    with {:ok, [pattern]} <- Pattern.parse(written, atoms: :existing),
         %{module: module, function: function, arity: arity} when is_atom(module) <- pattern,
         true <- function != :_ and pattern.head == :_ do
      {:ok, %{module: module, line: nil, function: {function, arity}, asked: nil}}
    else
      {:error, error} -> {:error, error}
      _several -> {:error, :no_place}
    end
  end

  @doc "Where it stops, of a module whose places are known."
  @spec find(named, map) :: {:ok, found} | {:error, term}
  def find(%{function: {name, arity}}, held) do
    case for({{^name, a}, clauses} <- held.clauses, arity in [:_, a], do: {a, clauses}) do
      [] -> {:error, :no_function}
      functions -> entries(name, functions, held)
    end
  end

  def find(%{line: line}, held) do
    case at(held.points, line) || behind(held, line) do
      {line, {name, arity}, _times} ->
        {:ok,
         %{function: name, arity: arity, line: line, lines: [line], times: times(held, [line])}}

      nil ->
        {:error, {:no_code_on_line, nearest(held.points, line)}}
    end
  end

  # Functions of several arities are named by the first.
  defp entries(name, functions, held) do
    lines =
      for {_arity, clauses} <- functions,
          {_head, first} <- clauses,
          first > 0,
          uniq: true,
          do: first

    {arity, _clauses} = hd(functions)

    if lines == [],
      do: {:error, :no_code_on_line},
      else:
        {:ok,
         %{
           function: name,
           arity: arity,
           line: Enum.min(lines),
           lines: lines,
           times: times(held, lines)
         }}
  end

  # At how many expressions of a line.
  defp times(held, lines),
    do:
      for(
        {line, _function, times} <- held.points,
        line in lines,
        reduce: %{},
        do: (all -> Map.update(all, line, times, &max(&1, times)))
      )

  defp at(points, line), do: Enum.find(points, &(elem(&1, 0) == line))

  # The line of a head, of an argument, a comment or nothing: the next one of the same function.
  defp behind(held, line) do
    held.points
    |> Enum.filter(fn {at, function, _times} ->
      at > line and begun?(held.clauses[function], line)
    end)
    |> Enum.min_by(&elem(&1, 0), fn -> nil end)
  end

  defp begun?(clauses, line), do: Enum.any?(clauses, fn {head, _first} -> head <= line end)

  defp nearest(points, line) do
    case Enum.min_by(points, &abs(elem(&1, 0) - line), fn -> nil end) do
      {nearest, _function, _times} -> nearest
      nil -> nil
    end
  end
end
