defmodule ElixirScope.Distributed.Debug.Evaluator.Quiet do
  @moduledoc false
  # What Elixir's compiler has to say about an expression: told to who asked, not to the node's standard
  # error. From Elixir 1.15 on errors are told beside the exception, which says no more than that there were some.

  @doc """
  An expression of which Elixir 1.14 says nothing: what it has to say there goes to standard error, and cannot be
  heard. A variable that is none would be a warning and a call; here it is an error that names it,
  as later ones have it. One that is bound and not used is nobody's concern.
  """
  @spec marked(Macro.t()) :: Macro.t()
  def marked(quoted), do: if(told?(), do: quoted, else: Macro.prewalk(quoted, &mark/1))

  defp mark({name, meta, context}) when is_atom(name) and is_atom(context),
    do: {name, [if_undefined: :raise, generated: true] ++ meta, context}

  defp mark(other), do: other

  @doc "What a function returns, and the errors of the compiler meanwhile."
  @spec do_it((... -> value)) :: {value, [String.t()]} when value: term
  def do_it(fun) do
    if told?(),
      do: heard(apply(Code, :with_diagnostics, [[log: false], fun])),
      else: {fun.(), []}
  end

  defp told?, do: function_exported?(Code, :with_diagnostics, 2)

  defp heard({value, said}),
    do: {value, for(%{severity: :error, message: message} <- said, do: to_string(message))}
end
