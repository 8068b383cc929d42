defmodule ScopeEntered do
  # Entry points of requests, for tests of traces that give each call an id. They run what they
  # are given, and what they return is something else, so that no call is their last.

  def within(fun), do: {:within, fun.()}
  def again(0, fun), do: {:again, fun.()}
  def again(n, fun), do: {n, again(n - 1, fun)}
  def either(n, fun), do: {n, fun.()}

  @functions [within: 1, again: 2, either: 2]

  @doc "Its functions that tests trace."
  def functions, do: for({name, arity} <- @functions, do: {__MODULE__, name, arity})
end
