defmodule ElixirScope.Distributed.Debug.Stopped.Auto do
  @moduledoc false
  # What is interpreted on the way into a call: the modules that the line names, or that its variables hold
  # (modules, functions, structs with the implementations of their protocols), as far as the owner's patterns
  # allow. What cannot be interpreted is stepped over.

  alias ElixirScope.Distributed.Capture.{Pattern, Targets.Modules}
  alias ElixirScope.Distributed.Debug.{Int.Metas, Interpreter}
  alias ElixirScope.Distributed.Debug.Interpreter.Server
  alias ElixirScope.Distributed.Debug.Stopped.{Driver, Frames, Look, Shelf}

  # Of the terms that variables hold.
  @most 200

  @doc "Interprets for an owner what a step into the line of a process would enter."
  @spec ahead(pid, pid, pid) :: :ok
  def ahead(owner, pid, driver) do
    with {:ok, %{auto: [_ | _] = patterns}} <- Shelf.get({:owner, owner}),
         {:ok, %{phase: :standing} = stop} <- Driver.ask(driver, :look),
         {:ok, frame} <- Look.frame(pid, stop, 0),
         [_ | _] = modules <- frame |> candidates() |> Enum.filter(&wanted?(&1, patterns)),
         {:ok, server} <- Interpreter.ensure() do
      Server.interpret(server, owner, modules)
    end

    :ok
  end

  defp wanted?(module, patterns) do
    not Metas.interpreted?(module) and Enum.any?(patterns, &named?(&1.module, module)) and
      Code.ensure_loaded?(module)
  end

  defp named?({:glob, glob}, module), do: Pattern.glob_matches?(glob, module)
  defp named?({:app, app}, module), do: module in Modules.of_application(app)
  defp named?(module, module), do: true
  defp named?(_other, _module), do: false

  defp candidates(frame) do
    {name, arity} = Frames.home(frame.function, frame.arity)
    terms = Enum.map(frame.bindings, &elem(&1, 1))

    atoms =
      case Metas.clauses(frame.module, name, arity) do
        {:ok, clauses} -> mentioned(clauses, frame.line)
        :error -> []
      end

    held = Enum.flat_map(terms, &held/1)
    Enum.uniq(atoms ++ held ++ implementations([frame.module | atoms], terms))
  end

  @doc "Every atom in the expressions of a line, in code as the interpreter has it."
  @spec mentioned(term, integer) :: [atom]
  def mentioned(code, line), do: code |> at_line(line) |> atoms([]) |> Enum.uniq()

  defp at_line(tuple, line) when is_tuple(tuple) and elem(tuple, 1) == line, do: [tuple]
  defp at_line(tuple, line) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> at_line(line)
  defp at_line([first | rest], line), do: at_line(first, line) ++ at_line(rest, line)
  defp at_line(_other, _line), do: []

  # The interpreter writes values as they are, and calls of modules that are known by their names.
  defp atoms({:value, _line, value}, found) when is_atom(value), do: [value | found]
  defp atoms({:value, _line, fun}, found) when is_function(fun), do: held(fun) ++ found
  defp atoms({:value, _line, _value}, found), do: found

  defp atoms({:call_remote, _line, module, _name, args, _last}, found),
    do: atoms(args, [module | found])

  defp atoms(tuple, found) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> atoms(found)
  defp atoms([first | rest], found), do: atoms(rest, atoms(first, found))
  defp atoms(_other, found), do: found

  defp held(module) when is_atom(module), do: [module]
  defp held(%{__struct__: module}), do: [module]
  defp held(fun) when is_function(fun), do: [:erlang.fun_info(fun, :module) |> elem(1)]
  defp held(_other), do: []

  defp implementations(modules, terms) do
    for protocol <- modules,
        function_exported?(protocol, :__protocol__, 1),
        type <- terms |> Enum.take(@most) |> Enum.map(&type/1) |> Enum.uniq(),
        do: Module.concat(protocol, type)
  end

  defp type(%{__struct__: module}) when is_atom(module), do: module

  for {check, type} <- [
        is_atom: Atom,
        is_integer: Integer,
        is_float: Float,
        is_list: List,
        is_tuple: Tuple,
        is_map: Map,
        is_bitstring: BitString,
        is_function: Function,
        is_pid: PID
      ] do
    defp type(term) when unquote(check)(term), do: unquote(type)
  end

  defp type(_other), do: Any
end
