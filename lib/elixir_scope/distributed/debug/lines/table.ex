defmodule ElixirScope.Distributed.Debug.Lines.Table do
  @moduledoc false
  # Which function has code on which line, read off abstract code: what the compiler was
  # given, after macros, before it inlines anything. Pure.
  #
  # A debugger stops before an expression of a body: of a function's clause, of a `case`, of
  # an anonymous function. Such an expression is a *stop*, on the line that it carries. Other
  # lines with code (a pattern, a guard, an argument on a line of its own) lead to the stop
  # that is reached first: that of the expression around them, or the first one of the clause
  # that they are the head of. What has no line (0: literals, code that macros make) is no stop.

  alias ElixirScope.Distributed.Debug.Lines.Paths

  @type functions :: [t]
  @type t :: %{
          function: atom,
          arity: arity,
          file: String.t(),
          first: pos_integer,
          last: pos_integer,
          lines: %{pos_integer => stop}
        }
  @typep stop :: pos_integer | nil

  @doc "The functions of a module's forms that have a line, each in the file it was written in."
  @spec of(forms :: [tuple], source :: String.t()) :: functions
  def of(forms, source) do
    {functions, _file} = Enum.flat_map_reduce(forms, source, &form(&1, &2, source))
    functions
  end

  # The compiler calls the module's own source as it is seen from where it ran.
  defp form({:attribute, _anno, :file, {file, _line}}, _before, source) do
    file = List.to_string(file)
    {[], if(Paths.part?(source, file), do: source, else: file)}
  end

  defp form({:function, _anno, name, arity, clauses}, file, _source),
    do: {function(name, arity, file, clauses(clauses, %{})), file}

  defp form(_other, file, _source), do: {[], file}

  defp function(_name, _arity, _file, lines) when lines == %{}, do: []

  defp function(name, arity, file, lines) do
    {first, last} = lines |> Map.keys() |> Enum.min_max()
    [%{function: name, arity: arity, file: file, first: first, last: last, lines: lines}]
  end

  defp clauses(clauses, lines), do: Enum.reduce(clauses, lines, &clause/2)

  # The body first: where a line is both, it is the expression that stands there.
  defp clause({:clause, anno, patterns, guards, body}, lines) do
    lines = body(body, lines)
    nested([{:head, anno, patterns, guards}], first_stop(body), lines)
  end

  defp first_stop(body), do: Enum.find_value(body, &stop/1)

  # An expression without a line is not stopped at: the one before it is the closest.
  defp body(expressions, lines) do
    {lines, _last} = Enum.reduce(expressions, {lines, first_stop(expressions)}, &expression/2)
    lines
  end

  defp expression(expression, {lines, before}) do
    line = stop(expression)
    lines = if line, do: Map.put(lines, line, line), else: lines
    {nested([expression], line || before, lines), line || before}
  end

  defp stop(node), do: positive(line(elem(node, 1)))

  defp positive(line) when is_integer(line) and line > 0, do: line
  defp positive(_none), do: nil

  defp line(anno) do
    :erl_anno.line(anno)
  rescue
    _no_annotation -> nil
  end

  # Everything within an expression leads to `stop`, but for bodies, which have their own.
  defp nested(nodes, stop, lines), do: Enum.reduce(nodes, lines, &node(&1, stop, &2))

  defp node({:clause, _, _, _, _} = clause, _stop, lines), do: clause(clause, lines)

  defp node({:block, anno, body}, stop, lines), do: within(anno, stop, body(body, lines))

  defp node({:try, anno, tried, of, rescued, last}, stop, lines) do
    lines = body(last, body(tried, lines))
    within(anno, stop, clauses(of ++ rescued, lines))
  end

  defp node({:receive, anno, clauses, timeout, body}, stop, lines) do
    lines = body(body, clauses(clauses, lines))
    within(anno, stop, node(timeout, stop, lines))
  end

  defp node({:maybe, anno, body}, stop, lines), do: within(anno, stop, body(body, lines))

  defp node({:maybe, anno, body, {:else, _anno, clauses}}, stop, lines),
    do: within(anno, stop, clauses(clauses, body(body, lines)))

  defp node({:fun, anno, {:clauses, clauses}}, stop, lines),
    do: within(anno, stop, clauses(clauses, lines))

  defp node({:bin_element, anno, value, size, _types}, stop, lines),
    do: within(anno, stop, nested([value, size], stop, lines))

  defp node(list, stop, lines) when is_list(list), do: nested(proper(list), stop, lines)

  defp node(node, stop, lines) when is_tuple(node) and tuple_size(node) > 1 do
    [_tag, anno | parts] = Tuple.to_list(node)
    within(anno, stop, nested(parts, stop, lines))
  end

  defp node(_atom_or_number, _stop, lines), do: lines

  defp within(anno, stop, lines) do
    case positive(line(anno)) do
      nil -> lines
      line -> Map.update(lines, line, stop, &(&1 || stop))
    end
  end

  # What a string holds may be an improper list in no form; but forms come from elsewhere.
  defp proper(list), do: if(List.improper?(list), do: [], else: list)

  @doc """
  The functions with code on a line: those first that the compiled code has there, by `holders`, and of
  these the one that spans most lines. `holders` is only called where there are several.
  """
  @spec on(functions, pos_integer, (() -> [{atom, arity}])) :: functions
  def on(functions, line, holders) do
    case Enum.filter(functions, &is_map_key(&1.lines, line)) do
      [_, _ | _] = several -> ranked(several, holders.())
      one_or_none -> one_or_none
    end
  end

  defp ranked(functions, holders) do
    Enum.sort_by(functions, fn %{function: name, arity: arity} = one ->
      {{name, arity} not in holders, one.first - one.last, name, arity}
    end)
  end

  @doc "The lines on which something can be stopped, in order."
  @spec stops(functions) :: [pos_integer]
  def stops(functions) do
    lines = for %{lines: lines} <- functions, {line, line} <- lines, do: line
    lines |> Enum.uniq() |> Enum.sort()
  end

  @doc "The line with code that is closest, the one behind where two are."
  @spec nearest(functions, pos_integer) :: pos_integer | nil
  def nearest(functions, line) do
    lines = for %{lines: lines} <- functions, {there, _stop} <- lines, do: there
    Enum.min_by(lines, &{abs(&1 - line), &1 < line}, fn -> nil end)
  end

  @doc "The last line with code."
  @spec last(functions) :: non_neg_integer
  def last(functions), do: functions |> Enum.map(& &1.last) |> Enum.max(fn -> 0 end)
end
