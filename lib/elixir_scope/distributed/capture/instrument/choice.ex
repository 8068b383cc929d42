defmodule ElixirScope.Distributed.Capture.Instrument.Choice do
  @moduledoc false
  # Which functions of a module are recorded, and what of them. Pure.

  alias ElixirScope.Distributed.Capture.Pattern

  @doc "Whether the patterns want anything of a module."
  @spec module?(map, module) :: boolean
  def module?(settings, module),
    do: Enum.any?(settings.patterns, &of?(&1, module)) and not own?(module)

  @doc "What is recorded of a function that patterns choose; `false` for nothing."
  @spec by_patterns(map, module, {atom, arity}) :: keyword | false
  def by_patterns(settings, module, function) do
    wanted = Enum.any?(settings.patterns, &matches?(&1, module, function))
    unwanted = Enum.any?(settings.except, &matches?(&1, module, function))
    wanted and not unwanted and by_hand?(function) and recorded(settings.options)
  end

  @doc "What is recorded of a function by the options of `use`; `false` for nothing."
  @spec by_options(keyword, {atom, arity}) :: keyword | false
  def by_options(options, function) do
    wanted = options[:only] == nil or named?(options[:only], function)
    wanted and not named?(options[:except], function) and by_hand?(function) and recorded(options)
  end

  @doc "What is recorded where `@scope` is `scope`; what it leaves open, `options` say."
  @spec by_scope(keyword | false, keyword) :: keyword | false
  def by_scope(false, _options), do: false
  def by_scope(scope, options), do: options |> recorded() |> Keyword.merge(scope)

  defp recorded(options), do: [args: options[:args], returns: options[:returns], entry: false]

  defp named?(names, {name, arity}), do: name in names or {name, arity} in names

  # Such as `__struct__/0`: nobody wrote them.
  defp by_hand?({name, _arity}), do: not String.starts_with?(Atom.to_string(name), "__")

  # What records cannot be recorded.
  defp own?(module) do
    inspected = inspect(module)

    inspected == "ElixirScope.Distributed" or
      String.starts_with?(inspected, "ElixirScope.Distributed.")
  end

  defp matches?(pattern, module, {name, arity}) do
    of?(pattern, module) and pattern.function in [:_, name] and pattern.arity in [:_, arity]
  end

  defp of?(%Pattern{module: {:glob, glob}}, module), do: Pattern.glob_matches?(glob, module)
  defp of?(%Pattern{module: {:app, _app}}, _module), do: true
  defp of?(%Pattern{module: wanted}, module), do: wanted == module
end
