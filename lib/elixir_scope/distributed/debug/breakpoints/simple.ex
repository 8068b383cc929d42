defmodule ElixirScope.Distributed.Debug.Breakpoints.Simple do
  @moduledoc false
  # Expressions that can be evaluated where they are asked about: comparisons and `and`, `or`, `not`
  # over variables, literals and fields. They neither loop nor grow, and cost a hundredth of a process
  # with a copy of the variables. Whatever else an expression has is `:none` here.

  @compared [:==, :!=, :===, :!==, :<, :>, :<=, :>=]

  @doc "The value, or `:none` where it is not as simple."
  @spec value(Macro.t(), map) :: {:ok, term} | :none
  def value(_quoted, %{language: :erlang}), do: :none

  def value(quoted, %{bindings: bindings}) do
    {:ok, of(quoted, bindings)}
  catch
    :not_simple -> :none
  end

  defp of(literal, _bindings)
       when is_number(literal) or is_atom(literal) or is_binary(literal),
       do: literal

  defp of({operator, _meta, [left, right]}, bindings) when operator in @compared,
    do: apply(Kernel, operator, [of(left, bindings), of(right, bindings)])

  defp of({:and, _meta, [left, right]}, bindings),
    do: if(boolean(left, bindings), do: of(right, bindings), else: false)

  defp of({:or, _meta, [left, right]}, bindings),
    do: if(boolean(left, bindings), do: true, else: of(right, bindings))

  defp of({:not, _meta, [one]}, bindings), do: not boolean(one, bindings)

  # A field of a map; anything else before the dot is a module, or raises.
  defp of({{:., _dot, [before, field]}, _meta, []}, bindings) when is_atom(field) do
    case of(before, bindings) do
      %{^field => value} -> value
      _other -> throw(:not_simple)
    end
  end

  defp of({name, _meta, context}, bindings) when is_atom(name) and is_atom(context) do
    case List.keyfind(bindings, Atom.to_string(name), 0) do
      {_name, value} -> value
      nil -> throw(:not_simple)
    end
  end

  defp of(_other, _bindings), do: throw(:not_simple)

  defp boolean(quoted, bindings) do
    value = of(quoted, bindings)
    if is_boolean(value), do: value, else: throw(:not_simple)
  end
end
