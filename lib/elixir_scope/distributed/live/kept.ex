defmodule ElixirScope.Distributed.Live.Kept do
  @moduledoc false
  # The subscriptions of this VM, found by what they are called, with their figures: among the names
  # of the processes of all scopes.

  alias ElixirScope.Distributed.Live.Subscription
  alias ElixirScope.Distributed.Scope

  @doc "The calling process is the subscription `ref` of a scope."
  @spec put(atom, reference, map) :: {:ok, pid} | {:error, term}
  def put(scope, ref, figures), do: Registry.register(Scope.names(), key(scope, ref), figures)

  @doc "Other figures of the calling process."
  @spec update(atom, reference, map) :: term
  def update(scope, ref, figures),
    do: Registry.update_value(Scope.names(), key(scope, ref), fn _before -> figures end)

  @doc "Those of a scope, or of all (`:_`); the one that is called so, or all."
  @spec all(atom, reference | :_) :: [{pid, figures :: map}]
  def all(scope, ref \\ :_),
    do:
      Registry.select(Scope.names(), [{{key(scope, ref), :"$1", :"$2"}, [], [{{:"$1", :"$2"}}]}])

  defp key(scope, ref), do: {scope, {Subscription, ref}}
end
