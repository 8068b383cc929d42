defmodule ElixirScope.Distributed.Debug.Evaluator.Surroundings do
  @moduledoc false
  # What the names in an expression mean: the aliases, imports and requires above the line in the source, where
  # the node has the file. BEAM files do not hold them: their code is expanded. `use` is left out, as it may do
  # anything. Public functions of the module need no prefix.

  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.CLI.Atoms

  @most_bytes 1_000_000
  @directives [:alias, :import, :require]
  @parsing [static_atoms_encoder: &__MODULE__.named/2, emit_warnings: false]

  @doc "The environment of a frame's expressions."
  @spec of(map) :: Macro.Env.t()
  def of(%{module: module, line: line} = frame) do
    env = Code.env_for_eval(file: "evaluate", line: 1)
    directives = for one <- directives(module, frame[:source], line), do: placed(one, module)
    env = Enum.reduce(directives, env, &apply_one/2)
    %{env | functions: [{module, public(module)} | env.functions]}
  end

  @doc "An expression in which `__MODULE__` is a module."
  @spec placed(Macro.t(), module) :: Macro.t()
  def placed(quoted, module) do
    Macro.prewalk(quoted, fn
      {:__MODULE__, _meta, context} when is_atom(context) -> module
      other -> other
    end)
  end

  # What the module's own functions would hide of Kernel stays as it is.
  defp public(module) do
    kernel = Kernel.__info__(:functions) ++ Kernel.__info__(:macros)
    module.__info__(:functions) -- kernel
  rescue
    UndefinedFunctionError -> []
  end

  # One that cannot be done any more means nothing here.
  defp apply_one(directive, env) do
    {_value, _bindings, env} =
      directive |> Macro.prewalk(&known/1) |> Code.eval_quoted_with_env([], env)

    env
  rescue
    _any -> env
  end

  defp directives(module, source, line) do
    with file when is_binary(file) <- source || source(module),
         {:ok, %{type: :regular, size: size}} when size <= @most_bytes <- File.stat(file),
         {:ok, text} <- File.read(file),
         {:ok, quoted} <- Code.string_to_quoted(text, @parsing) do
      above(quoted, line)
    else
      _no_source -> []
    end
  end

  @doc false
  # A file is no reason for new atoms: what this node has no name for stays text.
  def named(text, _where), do: {:ok, Atoms.existing(text) || text}

  # But for what directives name: a module is there, where a part of its name is none by itself.
  defp known({:__aliases__, meta, parts}),
    do: {:__aliases__, meta, Enum.map(parts, &if(is_binary(&1), do: Atoms.make!(&1), else: &1))}

  defp known(other), do: other

  defp source(module) do
    case Modules.info(module, :compile)[:source] do
      source when is_list(source) -> List.to_string(source)
      _none -> nil
    end
  end

  @doc """
  The directives that hold at a line: of each block around it, those that stand before it.

      iex> {:ok, quoted} = Code.string_to_quoted("defmodule A do\\n  alias B.C\\n  def f do\\n    C.x()\\n  end\\nend")
      iex> ElixirScope.Distributed.Debug.Evaluator.Surroundings.above(quoted, 4) |> Enum.map(&Macro.to_string/1)
      ["alias B.C"]
  """
  @spec above(Macro.t(), pos_integer) :: [Macro.t()]
  def above({:__block__, _meta, expressions}, line), do: sequence(expressions, line)
  def above({name, _meta, [_ | _]} = one, _line) when name in @directives, do: [one]

  def above({_name, _meta, arguments}, line) when is_list(arguments) do
    case List.last(arguments) do
      [{:do, _body} | _] = blocks ->
        Enum.flat_map(blocks, fn {_key, body} -> above(body, line) end)

      _none ->
        []
    end
  end

  def above(_other, _line), do: []

  defp sequence(expressions, line) do
    {before, _behind} = Enum.split_while(expressions, &(line_of(&1) <= line))
    {around, last} = Enum.split(before, -1)
    Enum.filter(around, &directive?/1) ++ Enum.flat_map(last, &above(&1, line))
  end

  defp directive?({name, _meta, [_ | _]}) when name in @directives, do: true
  defp directive?(_other), do: false

  defp line_of({_name, meta, _arguments}) when is_list(meta), do: meta[:line] || 0
  defp line_of(_other), do: 0
end
