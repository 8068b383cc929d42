defmodule ElixirScope.Distributed.Capture.Targets do
  @moduledoc false
  # From patterns to the functions of this node. A module is never loaded for the sake of
  # being traced: what is not loaded yet is waited for, and resolved when it comes.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Targets.{Bans, Loops, Merge, Modules, Nearest}
  alias ElixirScope.Distributed.Error

  @most 10_000

  # Of a whole module nobody means these, and the compiler calls them at odd times.
  @generated [module_info: 0, module_info: 1, __info__: 1, behaviour_info: 1]

  defstruct functions: [], waiting: [], refused: []

  @typedoc """
  A function and which of its calls: those of `pattern` and, behind it, of each of `also`.

  They are clauses of one match specification and in its order: the first that matches says
  whether the return is wanted.
  """
  @type target :: %{mfa: mfa, pattern: Pattern.t(), also: [Pattern.t()]}

  @typedoc """
  `waiting` are patterns that modules may yet be loaded for. `refused` are functions of whole
  modules whose returns are not recorded, as they would never end: their calls are.
  """
  @type t :: %__MODULE__{functions: [target], waiting: [Pattern.t()], refused: [mfa]}

  @doc "The most functions that patterns may stand for."
  @spec most() :: pos_integer
  def most, do: @most

  @doc "The functions on this node that patterns stand for."
  @spec resolve([Pattern.t()]) :: {:ok, t} | {:error, Error.t()}
  def resolve(patterns) do
    with {:ok, found} <- collect(patterns),
         functions = Merge.functions(for {mfas, _} <- found, mfa <- mfas, do: mfa),
         :ok <- bounded(functions),
         {:ok, functions, refused} <- Loops.refuse(functions) do
      waiting = for {_, waiting} <- found, pattern <- waiting, uniq: true, do: pattern
      {:ok, %__MODULE__{functions: functions, waiting: waiting, refused: refused}}
    end
  end

  @doc "Whether a module that was just loaded is one of those patterns."
  @spec matches_module?([Pattern.t()], module) :: boolean
  def matches_module?(patterns, module), do: Enum.any?(patterns, &named?(&1, module))

  @doc """
  The functions of a module that was loaded, or loaded again.

  Nobody can be told about a ban or a loop any more: of a banned module there is nothing,
  and a loop is recorded without its returns.
  """
  @spec resolve_module([Pattern.t()], module) :: [target]
  def resolve_module(patterns, module) do
    patterns
    |> Enum.filter(&(named?(&1, module) and Bans.check(&1, module) == :ok))
    |> Enum.flat_map(&selected(&1, module))
    |> Merge.functions()
    |> Loops.without_returns()
  end

  # Each pattern to what it names now and what it waits for.

  defp collect(patterns) do
    Enum.reduce_while(patterns, {:ok, []}, fn pattern, {:ok, found} ->
      case one(pattern) do
        {:ok, functions, waiting} -> {:cont, {:ok, found ++ [{functions, waiting}]}}
        {:error, error} -> {:halt, {:error, error}}
      end
    end)
  end

  defp one(pattern) do
    with :ok <- Bans.check(pattern), do: named(pattern)
  end

  defp named(%Pattern{module: module} = pattern) when is_atom(module) do
    case Modules.functions(module) do
      :none -> {:error, Nearest.module(module)}
      {state, functions} -> found(state, pattern, select(functions, pattern))
    end
  end

  defp named(%Pattern{module: several} = pattern) do
    with {:ok, modules} <- several(several),
         :ok <- allowed(pattern, modules) do
      {loaded, coming} = Enum.split_with(modules, &Modules.loaded?/1)
      functions = Enum.flat_map(loaded, &selected(pattern, &1))

      if functions == [] and coming == [],
        do: {:error, Nearest.module(several)},
        else: {:ok, functions, [pattern]}
    end
  end

  defp several({:glob, glob}) do
    {:ok, Enum.filter(Modules.all(), &Pattern.glob_matches?(glob, &1))}
  end

  defp several({:app, app}) do
    case Modules.of_application(app) do
      [] -> {:error, Nearest.application(app)}
      modules -> {:ok, modules}
    end
  end

  defp allowed(pattern, modules) do
    Enum.find_value(modules, :ok, fn module ->
      with :ok <- Bans.check(pattern, module), do: nil
    end)
  end

  defp found(_state, pattern, []), do: {:error, Nearest.function(pattern)}
  defp found(:loaded, pattern, mfas), do: {:ok, Enum.map(mfas, &{&1, pattern}), []}
  defp found(:waiting, pattern, _mfas), do: {:ok, [], [pattern]}

  # Functions of one module

  defp selected(pattern, module) do
    functions = Modules.loaded_functions(module)
    for mfa <- select(functions, %{pattern | module: module}), do: {mfa, pattern}
  end

  # A module without its symbols may have any function.
  defp select(:unknown, pattern), do: [{pattern.module, pattern.function, pattern.arity}]

  defp select(functions, %Pattern{module: module} = pattern) do
    for {function, arity} <- functions, meant?(pattern, function, arity) do
      {module, function, arity}
    end
  end

  defp meant?(%Pattern{function: :_, arity: wanted}, function, arity),
    do: wanted in [:_, arity] and not generated?(function, arity)

  defp meant?(%Pattern{function: named, arity: wanted}, function, arity),
    do: named == function and wanted in [:_, arity]

  defp generated?(function, arity) do
    {function, arity} in @generated or
      String.starts_with?(Atom.to_string(function), "-inlined-")
  end

  defp named?(%Pattern{module: {:glob, glob}}, module), do: Pattern.glob_matches?(glob, module)
  defp named?(%Pattern{module: {:app, app}}, module), do: module in Modules.of_application(app)
  defp named?(%Pattern{module: named}, module), do: named == module

  defp bounded(functions) when length(functions) <= @most, do: :ok

  defp bounded(functions) do
    {:error, Error.new(:too_many_functions, functions: length(functions), limit: @most)}
  end
end
