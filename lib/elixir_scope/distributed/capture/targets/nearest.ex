defmodule ElixirScope.Distributed.Capture.Targets.Nearest do
  @moduledoc false
  # What was probably meant by a pattern that names nothing.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Error

  @similar 0.8
  @suggestions 3
  @longest 255

  @doc "The error of a module, or of a glob, that there is not."
  @spec module(module | {:glob, String.t()} | {:app, atom}) :: Error.t()
  def module({:app, app}), do: application(app)
  def module({:glob, glob}), do: no_match("no module like #{glob}", nearest_modules(glob))

  def module(module) do
    name = inspect(module)
    no_match("no module #{name}", nearest_modules(name))
  end

  @doc "The error of an application that is not loaded or has no modules."
  @spec application(atom) :: Error.t()
  def application(app) do
    apps = for {app, _, _} <- :application.loaded_applications(), do: inspect(app)
    no_match("no loaded application #{inspect(app)} with modules", nearest(inspect(app), apps))
  end

  @doc "The error of a process that there is not, or of a name without one."
  @spec process(pid | atom) :: Error.t()
  def process(pid) when is_pid(pid), do: no_match("no process #{inspect(pid)}", [])

  def process(name) do
    names = for registered <- Process.registered(), do: inspect(registered)
    no_match("no process called #{inspect(name)}", nearest(inspect(name), names))
  end

  @doc "The error of a function that its module does not have."
  @spec function(Pattern.t()) :: Error.t()
  def function(%Pattern{module: module, function: :_}),
    do: no_match("no functions in #{inspect(module)}", [])

  def function(%Pattern{} = pattern) do
    functions = functions(Modules.functions(pattern.module))
    suggestions = of_other_arity(pattern, functions) || of_other_name(pattern, functions)
    no_match("no function #{written(pattern)}", Enum.take(suggestions, @suggestions))
  end

  defp of_other_arity(pattern, functions) do
    case Enum.filter(functions, fn {name, _arity} -> name == pattern.function end) do
      [] -> nil
      same_name -> names(same_name)
    end
  end

  # Those of the arity that was written, if there are any.
  defp of_other_name(pattern, functions) do
    names = for {name, _arity} <- functions, uniq: true, do: Atom.to_string(name)
    near = nearest(Atom.to_string(pattern.function), names)
    near = for name <- near, {f, a} <- functions, Atom.to_string(f) == name, do: {f, a}

    case Enum.filter(near, fn {_name, arity} -> arity == pattern.arity end) do
      [] -> names(near)
      same_arity -> names(same_arity)
    end
  end

  defp names(functions), do: for({name, arity} <- functions, do: "#{name}/#{arity}")

  defp functions({_state, functions}) when is_list(functions), do: functions
  defp functions(_unknown), do: []

  defp nearest_modules(name), do: nearest(name, Enum.map(Modules.all(), &inspect/1))

  # What is longer than any name is cut: similarity costs the product of the lengths.
  defp nearest(name, names) do
    name = String.slice(name, 0, @longest)

    names
    |> Enum.map(&{String.jaro_distance(name, &1), &1})
    |> Enum.filter(fn {similarity, other} -> similarity >= @similar and other != name end)
    |> Enum.sort(:desc)
    |> Enum.map(fn {_similarity, name} -> name end)
    |> Enum.take(@suggestions)
  end

  defp written(%Pattern{module: module, function: function, arity: :_}),
    do: "#{inspect(module)}.#{function}"

  defp written(%Pattern{module: module, function: function, arity: arity}),
    do: Exception.format_mfa(module, function, arity)

  defp no_match(what, suggestions),
    do: Error.new(:no_match, what: what, suggestions: suggestions)
end
