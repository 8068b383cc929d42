defmodule ElixirScope.Distributed.Capture.Plan.Condition do
  @moduledoc false
  # The head of a pattern as one guard over the list of arguments, so that the heads of
  # several can be asked in one clause. What stands in front of `:andalso` protects what
  # stands behind it: a guard that fails is false.

  alias ElixirScope.Distributed.Capture.Pattern

  @arguments :"$_"

  @doc "The guard for one pattern."
  @spec of(Pattern.t()) :: term
  def of(pattern) do
    {head, guards} = Pattern.match_head(pattern)
    {tests, places} = arguments(head)
    all(tests ++ Enum.map(guards, &place(&1, places)))
  end

  @doc "A guard for all of these."
  @spec all([term]) :: term
  def all([]), do: true
  def all([one]), do: one
  def all([one | more]), do: {:andalso, one, all(more)}

  @doc "A guard for any of these."
  @spec any([term]) :: term
  def any([one]), do: one
  def any([one | more]), do: {:orelse, one, any(more)}

  defp arguments(:_), do: {[], %{}}
  defp arguments(list), do: test(list, @arguments, {[], %{}}) |> ordered()

  defp ordered({tests, places}), do: {Enum.reverse(tests), places}

  # Whether what stands at `place` is what a head asks for there.
  defp test(:_, _place, found), do: found

  defp test([head | tail], place, {tests, places}) do
    found = {[{:"=/=", place, []}, {:is_list, place} | tests], places}
    found = test(head, {:hd, place}, found)
    test(tail, {:tl, place}, found)
  end

  defp test(tuple, place, {tests, places}) when is_tuple(tuple) do
    sized = {:"=:=", {:size, place}, tuple_size(tuple)}

    tuple
    |> Tuple.to_list()
    |> Enum.with_index(1)
    |> Enum.reduce({[sized, {:is_tuple, place} | tests], places}, fn {element, at}, found ->
      test(element, {:element, at, place}, found)
    end)
  end

  defp test(map, place, {tests, places}) when is_map(map) do
    Enum.reduce(map, {[{:is_map, place} | tests], places}, fn {key, value}, {tests, places} ->
      has = {:is_map_key, {:const, key}, place}
      test(value, {:map_get, {:const, key}, place}, {[has | tests], places})
    end)
  end

  defp test(atom, place, {tests, places}) when is_atom(atom) do
    cond do
      not variable?(atom) -> {[same(place, atom) | tests], places}
      is_map_key(places, atom) -> {[{:"=:=", place, places[atom]} | tests], places}
      true -> {tests, Map.put(places, atom, place)}
    end
  end

  defp test(literal, place, {tests, places}), do: {[same(place, literal) | tests], places}

  defp same(place, literal), do: {:"=:=", place, {:const, literal}}

  # Variables become the places that they stood at.
  defp place({:const, _literal} = constant, _places), do: constant
  defp place(atom, places) when is_atom(atom), do: Map.get(places, atom, atom)

  defp place(tuple, places) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> Enum.map(&place(&1, places)) |> List.to_tuple()

  defp place(list, places) when is_list(list), do: Enum.map(list, &place(&1, places))
  defp place(literal, _places), do: literal

  defp variable?(atom), do: Atom.to_string(atom) =~ ~r/\A\$\d+\z/
end
