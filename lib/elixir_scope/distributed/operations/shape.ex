defmodule ElixirScope.Distributed.Operations.Shape do
  @moduledoc false
  # What a term from elsewhere is, found out with bounded work: nothing here walks further than
  # a number that the caller gives, and nothing that is found is called.
  #
  # Invariant: no function raises, whatever it is given.

  @longest_number 0xFFFFFFFFFFFFFFFF

  @typedoc "What is left of a number of terms and of bytes."
  @type budget :: {terms :: non_neg_integer, bytes :: non_neg_integer}

  @doc "What a message of `type` holds, as the fields of more than one message do."
  @spec check(atom, term) :: {:ok, term} | :error
  def check(:stamp, value), do: passed(stamp?(value), value)
  # Who stops may have no clock any more.
  def check(:sent_at, value), do: passed(value == nil or stamp?(value), value)
  def check(:ref, value), do: passed(value == nil or is_reference(value), value)
  def check(_type, _value), do: :error

  @doc "The value, if it passed."
  @spec passed(boolean, value) :: {:ok, value} | :error when value: term
  def passed(true, value), do: {:ok, value}
  def passed(false, _value), do: :error

  @doc "Whether it is a stamp that the native clock can hold."
  @spec stamp?(term) :: boolean
  def stamp?({logical, physical_ns, node}),
    do: logical in 0..255 and number?(physical_ns) and is_atom(node)

  def stamp?(_other), do: false

  @doc "Whether it is a number of 64 bits without a sign."
  @spec number?(term) :: boolean
  def number?(value), do: is_integer(value) and value >= 0 and value <= @longest_number

  @doc "Whether it is text of so many bytes at most."
  @spec text?(term, non_neg_integer) :: boolean
  def text?(value, most),
    do: is_binary(value) and byte_size(value) <= most and String.valid?(value)

  @doc "Whether every element of what is a list to its end passes, and there are no more than `most`."
  @spec each?(term, non_neg_integer, (term -> boolean)) :: boolean
  def each?([], _most, _check), do: true

  def each?([one | rest], most, check) when most > 0,
    do: check.(one) and each?(rest, most - 1, check)

  def each?(_other, _most, _check), do: false

  @doc "Whether it is a map of exactly these keys, and each value passes."
  @spec fields?(term, %{atom => (term -> boolean)}) :: boolean
  def fields?(map, checks) when is_map(map) and map_size(map) == map_size(checks) do
    Enum.all?(checks, fn {key, check} -> is_map_key(map, key) and check.(Map.get(map, key)) end)
  end

  def fields?(_other, _checks), do: false

  @doc """
  Whether a term consists of so few terms and bytes, and of data alone: a function is none. With
  `:proper`, lists are lists to their end.

      iex> {Shape.small?([1, %{a: "b"}], {9, 9}), Shape.small?([1 | 2], {9, 9})}
      {true, false}
  """
  @spec small?(term, budget, :proper | :any) :: boolean
  def small?(term, {terms, bytes}, lists \\ :proper),
    do: spend(term, {terms, bytes, lists}) != :over

  defp spend(_term, :over), do: :over
  defp spend(_term, {0, _bytes, _lists}), do: :over
  defp spend(term, {terms, bytes, lists}), do: inside(term, {terms - 1, bytes, lists})

  defp inside(term, left) when is_atom(term) or is_float(term) or is_pid(term), do: left
  defp inside(term, left) when is_reference(term) or is_port(term), do: left
  # More than 64 bits are wanted nowhere, and to work with them is work.
  defp inside(term, left) when term in -@longest_number..@longest_number, do: left
  defp inside(term, left) when is_bitstring(term), do: bytes(byte_size(term), left)
  defp inside(term, left) when is_list(term), do: list(term, left)
  defp inside(term, left) when is_tuple(term), do: tuple(term, tuple_size(term), left)
  defp inside(term, {terms, _, _} = left) when map_size(term) <= terms, do: map(term, left)
  defp inside(_function_or_large, _left), do: :over

  defp bytes(size, {terms, bytes, lists}) when size <= bytes, do: {terms, bytes - size, lists}
  defp bytes(_size, _left), do: :over

  defp list([], left), do: left
  defp list(_rest, :over), do: :over
  defp list([one | rest], left), do: list(rest, spend(one, left))
  defp list(_improper, {_terms, _bytes, :proper}), do: :over
  defp list(tail, left), do: spend(tail, left)

  defp tuple(_term, 0, left), do: left
  defp tuple(_term, _at, :over), do: :over
  defp tuple(term, at, left), do: tuple(term, at - 1, spend(elem(term, at - 1), left))

  defp map(term, left) do
    :maps.fold(fn key, value, left -> spend(value, spend(key, left)) end, left, term)
  end
end
