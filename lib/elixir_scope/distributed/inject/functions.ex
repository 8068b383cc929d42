defmodule ElixirScope.Distributed.Inject.Functions do
  @moduledoc false
  # From patterns to the functions of another node, by the rules of `Capture.Targets`: the same bans,
  # the same refusal of loops. Only what is loaded there is traced: a module that is loaded, or loaded
  # again, while it runs is not waited for.

  alias ElixirScope.Distributed.Capture.{Pattern, Targets}
  alias ElixirScope.Distributed.Capture.Targets.{Bans, Merge, TailCalls}
  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Inject.Remote

  @generated [module_info: 0, module_info: 1, __info__: 1, behaviour_info: 1]

  # As `Capture.Targets.Loops` has it.
  @module_bytes 1024 * 1024

  defstruct targets: [], modules: %{}, refused: []

  @typedoc """
  `modules` are all functions of each module that is traced; `refused` those of whole modules whose
  returns are not recorded, as they would never end.
  """
  @type t :: %__MODULE__{
          targets: [Targets.target()],
          modules: %{module => [{atom, arity}]},
          refused: [mfa]
        }

  @doc "The functions that patterns stand for on the node."
  @spec resolve(Remote.t(), [Pattern.t()]) :: {:ok, t} | {:error, Error.t()}
  def resolve(at, patterns) do
    with {:ok, named} <- each(patterns, &modules(at, &1)),
         named = Enum.concat(named),
         functions = functions(at, for({_pattern, module} <- named, uniq: true, do: module)),
         {:ok, found} <- each(named, &select(&1, functions)),
         targets = found |> Enum.concat() |> Merge.functions(),
         :ok <- bounded(targets) do
      refuse_loops(at, %__MODULE__{targets: targets, modules: functions})
    end
  end

  # Which modules: `{pattern, module}`.

  defp modules(at, pattern) do
    with :ok <- Bans.check(pattern),
         {:ok, modules} <- several(at, pattern.module),
         :ok <- allowed(pattern, modules),
         do: {:ok, Enum.map(modules, &{pattern, &1})}
  end

  defp several(at, {:glob, glob}) do
    at
    |> Remote.call(:erlang, :loaded, [])
    |> Enum.filter(&Pattern.glob_matches?(glob, &1))
    |> any("no loaded module like #{glob}")
  end

  defp several(at, {:app, app}) do
    modules =
      case Remote.call(at, :application, :get_key, [app, :modules]) do
        {:ok, modules} -> modules
        :undefined -> []
      end

    loaded = Remote.call(at, :lists, :map, [&:erlang.module_loaded/1, modules])
    loaded = for {module, true} <- Enum.zip(modules, loaded), do: module
    any(loaded, "no loaded application #{inspect(app)} with loaded modules")
  end

  defp several(at, module) do
    if Remote.call(at, :erlang, :module_loaded, [module]),
      do: {:ok, [module]},
      else: missing("no loaded module #{inspect(module)}", nearest(at, module))
  end

  defp any([], what), do: missing(what, [])
  defp any(modules, _what), do: {:ok, modules}

  defp nearest(at, module) do
    names = at |> Remote.call(:erlang, :loaded, []) |> Enum.map(&inspect/1)
    Enum.filter([Enum.max_by(names, &near(&1, module))], &(near(&1, module) > 0.8))
  end

  defp near(name, module), do: String.jaro_distance(name, inspect(module))

  # Of what many patterns or a name with a star stand for, none may be banned.
  defp allowed(%{module: module}, [module]), do: :ok

  defp allowed(pattern, modules) do
    with {:ok, _all} <- each(modules, &with(:ok <- Bans.check(pattern, &1), do: {:ok, &1})),
         do: :ok
  end

  # Which functions.

  defp functions(at, modules) do
    arguments = [&:erlang.get_module_info/2, modules, List.duplicate(:functions, length(modules))]
    Map.new(Enum.zip(modules, Remote.call(at, :lists, :zipwith, arguments)))
  end

  defp select({pattern, module}, functions) do
    all = functions[module]

    case for {f, a} <- all, meant?(pattern, f, a), do: {{module, f, a}, pattern} do
      [] when is_atom(pattern.module) -> missing(written(pattern), others(pattern, all))
      found -> {:ok, found}
    end
  end

  defp written(%{module: module, function: :_}), do: "no function in #{inspect(module)}"
  defp written(%{module: m, function: f, arity: :_}), do: "no function #{inspect(m)}.#{f}"

  defp written(pattern),
    do: "no function #{Exception.format_mfa(pattern.module, pattern.function, pattern.arity)}"

  defp others(%{function: function}, all),
    do: for({^function, arity} <- all, do: "#{function}/#{arity}")

  defp meant?(%{function: :_, arity: wanted}, function, arity),
    do: wanted in [:_, arity] and not generated?(function, arity)

  defp meant?(%{function: named, arity: wanted}, function, arity),
    do: named == function and wanted in [:_, arity]

  defp generated?(function, arity) do
    {function, arity} in @generated or
      String.starts_with?(Atom.to_string(function), "-inlined-")
  end

  defp bounded(targets) do
    if length(targets) <= Targets.most(),
      do: :ok,
      else:
        {:error,
         Error.new(:too_many_functions, functions: length(targets), limit: Targets.most())}
  end

  # Loops: each of their turns would wait for a return that never comes.

  defp refuse_loops(at, found) do
    wanted = for target <- found.targets, returns?(target), do: target
    modules = for %{mfa: {module, _, _}} <- wanted, uniq: true, do: module
    loops = modules |> Enum.flat_map(&loops(at, &1)) |> MapSet.new()

    case Enum.find(wanted, &(&1.mfa in loops and named?(&1))) do
      nil -> {:ok, without_returns(found, loops)}
      target -> {:error, Error.new(:runaway_return, function: target.mfa)}
    end
  end

  defp without_returns(found, loops) do
    refused = for target <- found.targets, returns?(target), target.mfa in loops, do: target.mfa
    targets = Enum.map(found.targets, &if(&1.mfa in refused, do: calls_only(&1), else: &1))
    %{found | targets: targets, refused: Enum.sort(refused)}
  end

  defp calls_only(target) do
    [pattern | also] = for one <- [target.pattern | target.also], do: %{one | return: false}
    %{target | pattern: pattern, also: also}
  end

  defp returns?(target), do: Enum.any?([target.pattern | target.also], & &1.return)

  defp named?(target),
    do: Enum.any?([target.pattern | target.also], &(&1.return and &1.function != :_))

  # By the debug information of the file there. Without it the count of open calls has to do.
  defp loops(at, module) do
    with file when is_list(file) <- Remote.call(at, :code, :which, [module]),
         {:ok, info} when info != [] <- Remote.call(at, :file, :read_file_info, [file]),
         true <- elem(info, 1) <= @module_bytes,
         {:ok, code} <- Remote.call(at, :file, :read_file, [file]),
         {:ok, {^module, [debug_info: {:debug_info_v1, backend, data}]}} <-
           :beam_lib.chunks(code, [:debug_info]),
         {:ok, forms} <- forms(backend, module, data) do
      for {function, arity} <- TailCalls.loops(module, forms), do: {module, function, arity}
    else
      _unknown -> []
    end
  end

  defp forms(backend, module, data) when backend in [:elixir_erl, :erl_abstract_code],
    do: backend.debug_info(:erlang_v1, module, data, [])

  defp forms(_other, _module, _data), do: :unknown

  defp each(list, fun) do
    Enum.reduce_while(list, {:ok, []}, fn one, {:ok, before} ->
      case fun.(one) do
        {:ok, found} -> {:cont, {:ok, [found | before]}}
        {:error, error} -> {:halt, {:error, error}}
      end
    end)
    |> case do
      {:ok, found} -> {:ok, Enum.reverse(found)}
      error -> error
    end
  end

  defp missing(what, suggestions),
    do: {:error, Error.new(:no_match, what: what, suggestions: suggestions)}
end
