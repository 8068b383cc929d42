defmodule ElixirScope.Distributed.Debug.CompileTracer.Reference do
  @moduledoc false
  # Which of the compiler's events are references, and of which kind: the rules are those by which the compiler
  # itself tells Mix what a file needs. Pure.

  alias ElixirScope.Distributed.Debug.Graph

  @type t :: {needed :: module, Graph.kind(), Graph.place()}

  # From then on, a module that is only named in a pattern or a guard is not needed for it.
  @patterns_count Version.compare(System.version(), "1.15.0-dev") == :lt

  @doc "The reference that an event is."
  @spec of(tuple, Macro.Env.t()) :: t | nil
  def of({:require, meta, module, _options}, env),
    do:
      if(meta[:from_macro],
        do: at(module, :compile, meta, env),
        else: at(module, :exports, meta, env)
      )

  def of({:struct_expansion, meta, module, _keys}, env), do: at(module, :exports, meta, env)
  def of({:alias_reference, meta, module}, env), do: named(module, meta, env)

  def of({:remote_function, meta, module, _name, _arity}, env),
    do: at(module, mode(env), meta, env)

  def of({:imported_function, meta, module, _name, _arity}, env),
    do: at(module, mode(env), meta, env)

  def of({:remote_macro, meta, module, _name, _arity}, env), do: at(module, :compile, meta, env)
  def of({:imported_macro, meta, module, _name, _arity}, env), do: at(module, :compile, meta, env)
  def of(_other, _env), do: nil

  defp named(module, meta, %{function: nil} = env), do: at(module, :compile, meta, env)

  defp named(module, meta, %{context: context} = env) when context == nil or @patterns_count,
    do: at(module, :runtime, meta, env)

  defp named(_module, _meta, _env), do: nil

  # What a module's body calls runs while that is compiled.
  defp mode(%{function: nil}), do: :compile
  defp mode(_env), do: :runtime

  defp at(module, kind, meta, env) do
    if compiler?(Atom.to_string(module)),
      do: nil,
      else: {module, kind, {env.file, meta[:line] || env.line}}
  end

  # What `def` and the like are made of: every module would need it, and none does.
  defp compiler?("elixir_" <> _), do: true
  defp compiler?(_name), do: false
end
