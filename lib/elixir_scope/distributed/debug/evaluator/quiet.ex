defmodule ElixirScope.Distributed.Debug.Evaluator.Quiet do
  @moduledoc false
  # What Elixir's compiler has to say about an expression: told to who asked, not to the node's standard
  # error. From Elixir 1.15 on errors are told beside the exception, which says no more than that there were some.

  @doc "What a function returns, and the errors of the compiler meanwhile."
  @spec do_it((... -> value)) :: {value, [String.t()]} when value: term
  def do_it(fun) do
    if function_exported?(Code, :with_diagnostics, 2),
      do: heard(apply(Code, :with_diagnostics, [[log: false], fun])),
      else: {fun.(), []}
  end

  defp heard({value, said}),
    do: {value, for(%{severity: :error, message: message} <- said, do: to_string(message))}
end
