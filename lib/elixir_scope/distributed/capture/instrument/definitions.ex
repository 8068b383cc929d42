defmodule ElixirScope.Distributed.Capture.Instrument.Definitions do
  @moduledoc false
  # Watches a module being compiled and tells the compiler, by way of `@compile`, which of its
  # functions `Core` has to change. Everything else about the module stays as it is: its
  # definitions, its documentation and its debug information are those of the source.

  alias ElixirScope.Distributed.Capture.Instrument.{Choice, Core, Settings}

  @state :elixir_scope_instrument

  @doc "Instruments a module that is being compiled, by the options of `use`."
  @spec install(module, keyword) :: :ok
  def install(module, options), do: watch(module, {:use, options})

  @doc "Does nothing to a module, but takes the `@scope` of its functions as said."
  @spec ignore(module) :: :ok
  def ignore(module), do: watch(module, :ignore)

  @doc "Instruments a module by patterns, unless it says something itself or was seen before."
  @spec offer(module, map) :: :ok
  def offer(module, settings) do
    cond do
      Module.get_attribute(module, @state) -> :ok
      Choice.module?(settings, module) -> watch(module, {:patterns, settings})
      true -> Module.put_attribute(module, @state, :seen)
    end
  end

  @doc false
  # The callback of `@on_definition`.
  def on_definition(env, kind, name, arguments, _guards, _body) when kind in [:def, :defp] do
    {how, chosen} = Module.get_attribute(env.module, @state)
    function = {name, length(arguments)}
    scope = scope(how, env)

    if scope != nil or not is_map_key(chosen, function) do
      choice = choose(how, scope, env.module, function)
      Module.put_attribute(env.module, @state, {how, Map.put(chosen, function, choice)})
      tell(env.module, function, choice, chosen[function])
    end
  end

  def on_definition(env, kind, name, arguments, _guards, _body) do
    {how, _chosen} = Module.get_attribute(env.module, @state)

    if scope(how, env) not in [nil, false],
      do: Settings.wrong!(env, "@scope: #{kind} #{name}/#{length(arguments)} is no function")
  end

  # A module can be offered before it says `use`: each of the two is put once.
  defp watch(module, how) do
    before = Module.get_attribute(module, @state)
    Module.put_attribute(module, @state, {how, %{}})
    if before in [nil, :seen], do: put(module, :on_definition, {__MODULE__, :on_definition})

    if how != :ignore and not instruments?(before),
      do: put(module, :compile, {:core_transform, Core})

    :ok
  end

  defp instruments?({how, _chosen}), do: how != :ignore
  defp instruments?(_before), do: false

  defp put(module, attribute, value), do: Module.put_attribute(module, attribute, value)

  # In modules that did not ask for it, `@scope` is theirs.
  defp scope({:patterns, _settings}, _env), do: nil

  defp scope(_how, env) do
    scope = Module.get_attribute(env.module, :scope)
    Module.delete_attribute(env.module, :scope)
    if scope != nil, do: checked(scope, env)
  end

  defp checked(scope, env) when is_boolean(scope), do: scope && checked([], env)

  # What is not given is left to the options of the module.
  defp checked(scope, env) do
    _complete = Settings.checked!(:scope, scope, env)
    Enum.to_list(scope)
  end

  defp choose(:ignore, _scope, _module, _function), do: false

  defp choose({:patterns, settings}, nil, module, function),
    do: Choice.by_patterns(settings, module, function)

  defp choose({:use, options}, nil, _module, function), do: Choice.by_options(options, function)
  defp choose({:use, options}, scope, _module, _function), do: Choice.by_scope(scope, options)

  # The later word holds, as for a function that overrides another.
  defp tell(_module, _function, false, before) when before in [nil, false], do: :ok

  defp tell(module, {name, arity}, choice, _before),
    do: put(module, :compile, {:elixir_scope, {name, arity, choice}})
end
