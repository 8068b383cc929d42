defmodule ElixirScope.Distributed.Debug.Desk.Register do
  @moduledoc false
  # In whose name this node answers what: the scopes and sides that are registered, in the table and,
  # for visible nodes, in OTP's `:pg`. The desk is the member of each group, and its process calls this.
  #
  # `:pg` and not `:global`, since several nodes may offer the same, and that is no conflict: a name of
  # `:global` has one holder, so that after a partition one of two is killed or unnamed, and to
  # register takes a lock of all nodes. A group of `:pg` is what each side of a partition still
  # reaches, and both after it; nothing waits for anybody.

  alias ElixirScope.Distributed.{Debug, Error, Operations, Scope}
  alias ElixirScope.Distributed.Debug.Table
  alias ElixirScope.Distributed.Debug.Services.Versions

  @typedoc "The supervisor of each scope in whose name something is offered."
  @type t :: %{pid => scope :: atom}
  @type side :: :language | :target

  @doc "The group of a service's desks."
  @spec group(atom, atom) :: term
  def group(scope, service), do: {:elixir_scope, scope, service}

  @doc "What is registered on this node."
  @spec all() :: [{scope :: atom, side}]
  def all, do: for({{scope, side}, true} <- Table.all(:registered), do: {scope, side})

  @doc "What was registered before the desk began again; a scope may have ended meanwhile."
  @spec restore() :: t
  def restore do
    Enum.reduce(all(), %{}, fn {scope, side}, scopes ->
      Table.delete({:registered, {scope, side}})
      with {:error, _not_running} <- join(scopes, scope, side), do: scopes
    end)
  end

  @doc "Answers in the name of a scope, until it ends."
  @spec join(t, atom, side) :: t | {:error, Error.t()}
  def join(scopes, name, side) do
    with {:ok, scope} <- Scope.fetch(name),
         pid when is_pid(pid) <- Scope.whereis(scope.name, Scope) do
      unless Table.get({:registered, {scope.name, side}}), do: enter(scope.name, side)
      followed(scopes, pid, scope.name)
    else
      nil -> {:error, Error.new(:not_running, scope: name)}
      {:error, error} -> {:error, error}
    end
  end

  defp enter(name, side) do
    Table.put({:registered, {name, side}}, true)

    for service <- Debug.Operations.services(side),
        do: :pg.join(Debug, group(name, service), self())
  end

  defp followed(scopes, pid, _name) when is_map_key(scopes, pid), do: scopes

  defp followed(scopes, pid, name) do
    Process.monitor(pid)
    Map.put(scopes, pid, name)
  end

  @doc "A scope has ended."
  @spec left(t, pid) :: t
  def left(scopes, pid) do
    {name, scopes} = Map.pop(scopes, pid)

    for side <- [:language, :target],
        Table.get({:registered, {name, side}}),
        do: leave(name, side)

    scopes
  end

  defp leave(name, side) do
    Table.delete({:registered, {name, side}})

    for service <- Debug.Operations.services(side),
        do: :pg.leave(Debug, group(name, service), self())
  end

  @doc "What is told to who says hello."
  @spec introduction() :: map
  def introduction do
    %{
      versions: Versions.own(),
      desk: self(),
      services:
        for({scope, side} <- all(), name <- Debug.Operations.services(side), do: {scope, name}),
      grants: Map.new(Scope.running(), &{&1.name, Operations.grants(&1.options)}),
      now_ms: System.monotonic_time(:millisecond)
    }
  end
end
