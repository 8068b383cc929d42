defmodule ElixirScope.Distributed.Capture.Pattern.Check do
  @moduledoc false
  # Whether a pattern from elsewhere is one that our own grammar makes (`Pattern`, `Pattern.Text`,
  # `Pattern.Match`): its head and its guards become a match specification of the VM, so only what
  # could have been written here may pass. A guard of that grammar compares and computes; it can
  # neither send, nor trace, nor call anything.
  #
  # To be called with terms of a bounded size alone: see `Operations.Shape.small?/2`.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Pattern.Match

  @longest_glob 255
  @constants [nil, true, false, []]

  @doc "Whether it is a pattern."
  @spec pattern?(term) :: boolean
  def pattern?(%Pattern{} = pattern) do
    Enum.sort(Map.keys(pattern)) == Enum.sort(Map.keys(%Pattern{module: nil})) and
      module?(pattern.module) and is_atom(pattern.function) and arity?(pattern.arity) and
      is_boolean(pattern.return) and calls?(pattern)
  end

  def pattern?(_other), do: false

  defp module?({:glob, glob}),
    do: is_binary(glob) and byte_size(glob) <= @longest_glob and String.valid?(glob)

  defp module?({:app, app}), do: is_atom(app)
  defp module?(module), do: is_atom(module) and module not in [nil, true, false]

  defp arity?(arity), do: arity == :_ or arity in 0..255

  # Conditions are of one function's arguments.
  defp calls?(%{head: :_, guards: []}), do: true

  defp calls?(%{head: head, guards: guards, arity: arity})
       when is_list(head) and is_list(guards) do
    not List.improper?(head) and length(head) == arity and head?(head) and
      each?(guards, places(head, []))
  end

  defp calls?(_pattern), do: false

  # Heads

  defp head?(atom) when is_atom(atom), do: Match.place?(atom) or not special?(atom)
  # Also of lists whose end is a variable.
  defp head?([]), do: true
  defp head?([first | rest]), do: head?(first) and head?(rest)
  defp head?(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> head?()
  # By its keys: what stands in it as a struct is none that counts.
  defp head?(map) when is_map(map),
    do: Enum.all?(Map.keys(map), &literal?/1) and map |> Map.values() |> head?()

  defp head?(other), do: literal?(other)

  # The VM gives these a meaning of their own.
  defp special?(atom), do: Atom.to_string(atom) =~ ~r/\A\$(\d+|_|\$)\z/

  defp literal?(:_), do: false
  defp literal?(atom) when is_atom(atom), do: not special?(atom)
  defp literal?([]), do: true
  defp literal?([first | rest]), do: literal?(first) and literal?(rest)
  defp literal?(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> literal?()
  defp literal?(map) when is_map(map), do: map |> Map.to_list() |> literal?()
  defp literal?(other), do: is_number(other) or is_binary(other)

  defp places(atom, found) when is_atom(atom),
    do: if(Match.place?(atom), do: [atom | found], else: found)

  defp places([first | rest], found), do: places(rest, places(first, found))
  defp places(tuple, found) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> places(found)
  defp places(map, found) when is_map(map), do: map |> Map.values() |> places(found)
  defp places(_literal, found), do: found

  # Guards

  defp guard?({:const, literal}, _places), do: literal?(literal) or literal == :_
  defp guard?({self}, _places) when self in [:self, :node], do: true
  defp guard?({tuple}, places) when is_tuple(tuple), do: each?(Tuple.to_list(tuple), places)
  defp guard?({:map_get, key, map}, places), do: each?([key, map], places)
  defp guard?({:is_map_key, key, map}, places), do: each?([key, map], places)
  defp guard?({:element, at, tuple}, places), do: each?([at, tuple], places)
  defp guard?(list, places) when is_list(list), do: each?(list, places)

  defp guard?(call, places) when is_tuple(call) and tuple_size(call) in 2..3 do
    [operator | arguments] = Tuple.to_list(call)
    Match.operator?(operator, length(arguments)) and each?(arguments, places)
  end

  defp guard?(number, _places) when is_number(number), do: true
  defp guard?(atom, places), do: atom in @constants or atom in places

  defp each?([], _places), do: true
  defp each?([guard | rest], places), do: guard?(guard, places) and each?(rest, places)
  defp each?(_improper, _places), do: false
end
