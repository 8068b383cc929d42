defmodule ElixirScope.Distributed.Tidy.Documents do
  @moduledoc false
  # What must be written down: documentation, types and an example for what is public,
  # the reason for what is internal; and how long a module may be.

  import ElixirScope.Distributed.Tidy

  @doc "Every public function of a documented module has a doc, a spec and an example."
  def functions(files) do
    for file <- files,
        module <- modules(file),
        written?(module.doc),
        violation <- of_module(module) do
      {line, message} = violation
      violation(file, line, message)
    end
  end

  @doc "Every `@moduledoc false` is followed by a comment with the reason."
  def reasons(files) do
    for file <- files,
        module <- modules(file),
        module.doc == false,
        not commented?(file, module) do
      violation(
        file,
        module.doc_line,
        "@moduledoc false without a comment that says why the module exists"
      )
    end
  end

  @doc "Every module says what it is, or that it is internal."
  def moduledocs(files) do
    for file <- files, module <- modules(file), module.doc == nil do
      violation(file, module.line, "#{inspect(module.name)} has no @moduledoc")
    end
  end

  @doc "No file of the library has `limit` lines or more, documentation not counted."
  def sizes(files, limit) do
    for file <- files, lines = lines(file), lines >= limit do
      violation(
        file,
        1,
        "#{lines} lines without documentation, the limit is #{limit}: split it by concept"
      )
    end
  end

  @doc "Every struct of the types file is built somewhere in the other files."
  def structs_built(types, files) do
    built = files |> Enum.flat_map(&builds/1) |> MapSet.new()

    for module <- modules(types), module.struct, module.name not in built do
      violation(types, module.line, "#{inspect(module.name)} is built nowhere in lib")
    end
  end

  defp lines(file) do
    length(String.split(String.trim(file.source), "\n")) -
      Enum.sum(Enum.map(walk(file, &doc_lines/1), & &1.lines))
  end

  defp doc_lines({:@, _, [{name, _, [text]}]}) when name in [:doc, :moduledoc, :typedoc] do
    case text(text) do
      nil -> []
      text -> [%{lines: text |> String.split("\n") |> length() |> Kernel.+(1)}]
    end
  end

  defp doc_lines(_node), do: []

  defp commented?(file, module) do
    file.source
    |> String.split("\n")
    |> Enum.drop(module.doc_line)
    |> Enum.find(&(String.trim(&1) != ""))
    |> then(&(is_binary(&1) and String.trim(&1) =~ ~r/^# \S/))
  end

  # Functions

  defp of_module(module) do
    module.functions
    |> Enum.reject(fn {_name_arity, function} -> function.doc in [false, :implements] end)
    |> Enum.flat_map(fn {{name, arity}, function} ->
      for message <- lacks(module, {name, arity}, function),
          do: {function.line, "#{name}/#{arity} #{message}"}
    end)
  end

  defp lacks(module, {name, arity}, function) do
    example? = example?(module.doc) or example?(function.doc)

    for {true, message} <- [
          {not written?(function.doc), "has no @doc"},
          {function.kind == :function and not spec?(module, name, arity, function),
           "has no @spec"},
          {function.kind == :function and not example?,
           "has no example in its doc or its module's"}
        ],
        do: message
  end

  defp spec?(module, name, arity, function) do
    Enum.any?((arity - function.defaults)..arity, &({name, &1} in module.specs))
  end

  # What a doc reads from another file is not judged here.
  defp written?(doc), do: is_binary(doc) or doc == :computed

  defp example?(:computed), do: true
  defp example?(text), do: is_binary(text) and text =~ ~r/iex>|^ {4,}\S/m

  # Modules, as `name`, `line`, `doc`, `doc_line`, `functions`, `specs`, `struct`

  defp modules(file), do: walk(file, &module/1) |> Enum.map(&%{&1 | name: &1.in})

  defp module({:defmodule, meta, [_name, [do: body]]}) do
    module = %{
      name: nil,
      line: meta[:line],
      doc: nil,
      doc_line: nil,
      functions: %{},
      specs: [],
      struct: false
    }

    {module, _pending} = body |> statements() |> Enum.reduce({module, nil}, &statement/2)
    [module]
  end

  defp module(_node), do: []

  defp statements({:__block__, _, statements}), do: statements
  defp statements(statement), do: [statement]

  defp statement({:@, meta, [{:moduledoc, _, [value]}]}, {module, pending}),
    do: {%{module | doc: moduledoc(value), doc_line: meta[:line]}, pending}

  defp statement({:@, _, [{:doc, _, [options]}]}, state) when is_list(options), do: state
  defp statement({:@, _, [{:doc, _, [value]}]}, {module, _}), do: {module, moduledoc(value)}

  defp statement({:@, _, [{:impl, _, _}]}, {module, pending}),
    do: {module, pending || :implements}

  defp statement({:@, _, [{:spec, _, [spec]}]}, {module, pending}),
    do: {%{module | specs: [spec(spec) | module.specs]}, pending}

  defp statement({:@, meta, [{callback, _, [spec]}]}, {module, pending})
       when callback in [:callback, :macrocallback],
       do: {add(module, spec(spec), meta, pending, :callback, 0), nil}

  defp statement({kind, meta, [head | _]}, {module, pending})
       when kind in [:def, :defmacro, :defdelegate] do
    {name, arguments} = name(head)
    defaults = Enum.count(arguments, &match?({:\\, _, _}, &1))
    kind = if kind == :defmacro, do: :macro, else: :function
    {add(module, {name, length(arguments)}, meta, pending, kind, defaults), nil}
  end

  defp statement({struct, _, _}, {module, pending}) when struct in [:defstruct, :defexception],
    do: {%{module | struct: true}, pending}

  defp statement({private, _, _}, {module, _}) when private in [:defp, :defmacrop],
    do: {module, nil}

  defp statement(_other, state), do: state

  # Of several clauses the first one has the doc.
  defp add(module, name_arity, meta, doc, kind, defaults) do
    function = %{doc: doc, line: meta[:line], kind: kind, defaults: defaults}
    %{module | functions: Map.put_new(module.functions, name_arity, function)}
  end

  defp spec({:when, _, [spec | _]}), do: spec(spec)

  defp spec({:"::", _, [head | _]}) do
    {name, arguments} = name(head)
    {name, length(arguments)}
  end

  defp name({:when, _, [head | _]}), do: name(head)
  defp name({name, _, arguments}), do: {name, if(is_list(arguments), do: arguments, else: [])}

  defp moduledoc(false), do: false
  defp moduledoc(value), do: text(value) || :computed

  # A doc may be put together from pieces: what is literal in it counts.
  defp text(text) when is_binary(text), do: text
  defp text({:<<>>, _, parts}), do: for(part <- parts, is_binary(part), into: "", do: part)
  defp text({:<>, _, [left, right]}), do: (text(left) || "") <> (text(right) || "")
  defp text({sigil, _, [{:<<>>, _, [text]}, _]}) when sigil in [:sigil_S, :sigil_s], do: text
  defp text(_other), do: nil

  # Structs: built, not matched and not a type

  defp builds(file) do
    {_ast, built} = file.ast |> without_patterns() |> Macro.prewalk([], &build/2)
    built
  end

  defp build({:%, _, [name, {:%{}, _, _}]} = node, built) when is_atom(name),
    do: {node, [name | built]}

  defp build({function, _, [name | _]} = node, built)
       when function in [:struct, :struct!] and is_atom(name),
       do: {node, [name | built]}

  defp build(node, built), do: {node, built}

  defp without_patterns(ast) do
    Macro.prewalk(ast, fn
      {:@, _, [{name, _, _}]} when name in [:spec, :type, :typep, :callback, :opaque] ->
        nil

      {operator, meta, [_pattern, right]} when operator in [:=, :->, :<-] ->
        {operator, meta, [nil, right]}

      {:match?, meta, [_pattern, value]} ->
        {:match?, meta, [nil, value]}

      {kind, meta, [_head, body]} when kind in [:def, :defp] ->
        {kind, meta, [nil, body]}

      node ->
        node
    end)
  end
end
