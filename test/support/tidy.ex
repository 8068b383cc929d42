defmodule ElixirScope.Distributed.Tidy do
  @moduledoc false
  # What a program can check of the design's rules. A check takes parsed files and
  # gives violations, each with the place and what to do; `test/tidy_test.exs` runs
  # them on the library and on planted sources that break them.

  @enforce_keys [:path, :source, :ast]
  defstruct @enforce_keys

  @type file :: %__MODULE__{path: String.t(), source: String.t(), ast: Macro.t()}
  @type violation :: String.t()

  @doc "A call of a function of another module, as it stands in a file."
  @type call :: %{
          module: module,
          function: atom,
          arguments: [Macro.t()],
          line: pos_integer,
          in: module | nil
        }

  @spec files([String.t()] | String.t()) :: [file]
  def files(patterns) do
    paths = patterns |> List.wrap() |> Enum.flat_map(&Path.wildcard/1) |> Enum.sort()
    Enum.map(paths, &parse(&1, File.read!(&1)))
  end

  @spec parse(String.t(), String.t()) :: file
  def parse(path, source) do
    ast = source |> Code.string_to_quoted!(file: path) |> expand_aliases() |> expand_pipes()
    %__MODULE__{path: path, source: source, ast: ast}
  end

  @spec violation(file, pos_integer | nil, String.t()) :: violation
  def violation(file, line, message), do: "#{file.path}:#{line || 1}: #{message}"

  @doc "Every remote call, capture and delegation of a file, with the module it stands in."
  @spec calls(file) :: [call]
  def calls(file), do: walk(file, &call/1)

  @doc """
  What `fun` finds in the nodes of a file, with the module each stands in as `:in`.

  A node without a line of its own is said to be on the last line before it.
  """
  @spec walk(file, (Macro.t() -> [map])) :: [map]
  def walk(file, fun) do
    start = %{modules: [], found: [], line: 1}
    {_ast, state} = Macro.traverse(file.ast, start, &enter(&1, &2, fun), &leave/2)
    Enum.reverse(state.found)
  end

  @doc "Whether a file is one of `paths`, or below one that ends in `/`."
  @spec among?(file, [String.t()]) :: boolean
  def among?(file, paths) do
    Enum.any?(paths, fn path ->
      if String.ends_with?(path, "/"),
        do: String.starts_with?(file.path, path),
        else: file.path == path
    end)
  end

  defp enter(node, state, fun) do
    state = node |> opened(state) |> Map.put(:line, line(node) || state.line)
    found = for map <- fun.(node), do: in_place(map, state)
    {node, %{state | found: Enum.reverse(found, state.found)}}
  end

  defp leave({:defmodule, _meta, _arguments} = node, state),
    do: {node, %{state | modules: tl(state.modules)}}

  defp leave(node, state), do: {node, state}

  defp opened({:defmodule, _meta, [name | _]}, %{modules: modules} = state),
    do: %{state | modules: [module_name(name, modules) | modules]}

  defp opened(_node, state), do: state

  defp in_place(map, state),
    do: map |> Map.put(:in, List.first(state.modules)) |> Map.put_new(:line, state.line)

  defp line({_form, meta, _arguments}) when is_list(meta), do: meta[:line]
  defp line(_node), do: nil

  defp module_name(name, [outer | _]) when is_atom(name), do: nested(name, outer)
  defp module_name(name, []) when is_atom(name), do: name
  defp module_name(_dynamic, _modules), do: nil

  # `defmodule Inner` inside `Outer` is `Outer.Inner`; a full name is itself.
  defp nested(name, outer) do
    if String.starts_with?(Atom.to_string(name), "Elixir.ElixirScope"),
      do: name,
      else: Module.concat(outer, name)
  end

  defp call({{:., meta, [module, function]}, _, arguments})
       when is_atom(module) and is_atom(function) do
    [%{module: module, function: function, arguments: arguments, line: meta[:line]}]
  end

  defp call({:apply, meta, [module, function, arguments]})
       when is_atom(module) and is_atom(function) do
    [%{module: module, function: function, arguments: List.wrap(arguments), line: meta[:line]}]
  end

  defp call({:defdelegate, meta, [heads, options]}) when is_list(options) do
    if is_atom(options[:to]),
      do: Enum.map(List.wrap(heads), &delegated(&1, options, meta)),
      else: []
  end

  defp call(_node), do: []

  defp delegated({name, _meta, arguments}, options, meta) do
    function = Keyword.get(options, :as, name)
    %{module: options[:to], function: function, arguments: arguments || [], line: meta[:line]}
  end

  # Aliases become the modules they mean, so that no check is fooled by a short name.
  # Scopes of aliases are not told apart: one file does not use one name for two.
  defp expand_aliases(ast) do
    {_ast, aliases} = Macro.prewalk(ast, %{}, &collect/2)
    Macro.prewalk(ast, &expand(&1, aliases))
  end

  defp collect({:defmodule, _, [{:__aliases__, _, parts}, _body]} = node, aliases) do
    {node, Map.put_new(aliases, :__MODULE__, resolve(parts, aliases))}
  end

  defp collect({:alias, _, [{:__aliases__, _, parts} | options]} = node, aliases) do
    {node, Map.put(aliases, as(options) || List.last(parts), resolve(parts, aliases))}
  end

  defp collect({:alias, _, [{{:., _, [{:__aliases__, _, base}, :{}]}, _, names}]} = node, aliases) do
    base = resolve(base, aliases)
    {node, Enum.reduce(names, aliases, &collect_one(&1, base, &2))}
  end

  defp collect(node, aliases), do: {node, aliases}

  defp collect_one({:__aliases__, _, parts}, base, aliases) do
    Map.put(aliases, List.last(parts), Module.concat([base | parts]))
  end

  defp as([[as: {:__aliases__, _, [name]}]]), do: name
  defp as(_options), do: nil

  defp expand({:__aliases__, _, [first | _] = parts}, aliases)
       when is_atom(first) or is_tuple(first),
       do: resolve(parts, aliases)

  defp expand(node, _aliases), do: node

  # `x |> f(y)` is `f(x, y)`: what is checked of a call's arguments holds in a pipe too.
  defp expand_pipes(ast) do
    Macro.postwalk(ast, fn
      {:|>, _, [left, {_, _, arguments} = right]} when is_list(arguments) ->
        Macro.pipe(left, right, 0)

      node ->
        node
    end)
  end

  defp resolve([{:__MODULE__, _, _} | rest], aliases), do: resolve([:__MODULE__ | rest], aliases)

  defp resolve([first | rest] = parts, aliases) do
    case aliases do
      %{^first => module} -> Module.concat([module | rest])
      %{} -> if Enum.all?(parts, &is_atom/1), do: Module.concat(parts), else: nil
    end
  end
end
