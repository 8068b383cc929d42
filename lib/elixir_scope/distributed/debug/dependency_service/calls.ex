defmodule ElixirScope.Distributed.Debug.DependencyService.Calls do
  @moduledoc false
  # Whom a function calls, by what its module's file says. Erlang's and Elixir's own modules are not
  # looked into, as nothing of the project is named there. A call of a protocol's function is one of
  # all its implementations.

  alias ElixirScope.Distributed.Debug.{Graph, Known}

  @doc "The functions called; `graph` knows who implements a protocol."
  @spec of({module, atom, arity | :_}, Graph.t()) :: [{module, atom, arity | :_}]
  def of({module, name, arity}, graph) do
    case Known.kept(module) do
      {:ok, %{debug_info?: true} = known} ->
        own(known, name, arity) ++ implementations(known, name, arity, graph)

      _nothing_known ->
        []
    end
  end

  defp own(%{module: module}, name, arity),
    do: if(Known.system(module), do: [], else: calls(module, name, arity))

  defp calls(module, name, arity) when name == :_ or arity == :_ do
    {:ok, functions} = Known.functions(module)

    for one <- functions,
        any?(name, one.name),
        any?(arity, one.arity),
        {to, _line} <- one.calls,
        uniq: true,
        do: to
  end

  defp calls(module, name, arity), do: Known.calls(module, name, arity)

  defp any?(:_, _value), do: true
  defp any?(same, same), do: true
  defp any?(_one, _other), do: false

  defp implementations(%{protocol?: false}, _name, _arity, _graph), do: []

  defp implementations(%{module: protocol}, name, arity, graph) do
    with {:ok, needing} <- Graph.reverse(graph, protocol, kinds: [:exports]) do
      for {module, _kinds} <- needing, implements?(module, protocol), do: {module, name, arity}
    else
      {:error, _unknown} -> []
    end
  end

  defp implements?(module, protocol),
    do: match?({:ok, %{impl: %{protocol: ^protocol}}}, Known.kept(module))
end
