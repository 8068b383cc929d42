defmodule ElixirScope.Distributed.Debug.Beams.Forms do
  @moduledoc false
  # The functions of a module out of its abstract code. Pure.

  alias ElixirScope.Distributed.Debug.Beams.{Code, Module}

  @typedoc "A function, and whose structs it names."
  @type read :: {Module.fun(), [{module, Module.line()}]}

  @doc "Every function, in the order of the source; `exports` says which are public."
  @spec functions([tuple], module, [{atom, arity}]) :: [read]
  def functions(forms, module, exports) do
    forms = expanded(forms)
    scope = %{module: module, imports: imports(forms)}
    {read, _file} = Enum.flat_map_reduce(forms, nil, &form(&1, &2, scope, MapSet.new(exports)))
    read
  end

  # The defaults of a record's fields are code of whoever makes one.
  defp expanded(forms) do
    if Enum.any?(forms, &match?({:attribute, _, :record, _}, &1)),
      do: :erl_expand_records.module(forms, []),
      else: forms
  end

  defp form({:attribute, _, :file, {file, _line}}, _file, _scope, _exports),
    do: {[], to_string(file)}

  defp form({:function, at, name, arity, clauses}, file, scope, exports) do
    found = Code.of_clauses(clauses, scope)
    heads = for {:clause, at, _, _, _} <- clauses, do: Code.line(at)
    first = Code.line(at)

    function = %{
      name: name,
      arity: arity,
      kind: kind(name, {name, arity} in exports),
      file: file,
      first_line: first,
      last_line: Enum.max([first | heads ++ found.lines]),
      clauses: heads,
      lines: found.lines,
      calls: found.calls
    }

    {[{function, found.structs}], file}
  end

  defp form(_other, file, _scope, _exports), do: {[], file}

  defp kind(_name, false), do: :defp
  defp kind(name, true), do: kind(name)

  @doc "What an exported function of that name is."
  @spec kind(atom) :: :def | :defmacro
  def kind(name), do: if(macro?(Atom.to_string(name)), do: :defmacro, else: :def)

  defp macro?("MACRO-" <> _), do: true
  defp macro?(_name), do: false

  @doc "The line of a form."
  @spec line(term) :: Module.line()
  defdelegate line(at), to: Code

  # By their name alone a module's own functions are called, else what it imports, else Erlang's.
  defp imports(forms) do
    own = for {:function, _, name, arity, _} <- forms, do: {name, arity}
    imported = for {:attribute, _, :import, {of, list}} <- forms, f <- list, do: {f, of}
    builtin() |> Map.merge(Map.new(imported)) |> Map.drop(own)
  end

  defp builtin do
    for {name, arity} <- :erlang.module_info(:exports),
        :erl_internal.bif(name, arity),
        into: %{},
        do: {{name, arity}, :erlang}
  end
end
