defmodule ElixirScope.Distributed.Debug.Stopped.Pages do
  @moduledoc false
  # What is in a term, part by part: elements of lists and tuples, pairs of maps and fields of structs in the order of
  # their keys, pieces of binaries. A *path* is a list of positions. Pure.
  #
  # Invariant: pages of any size, one after the other, are all parts, each once; and from all parts the
  # term can be made again.

  # Bytes of one piece of a binary; one that is no longer has no pieces, as its preview shows it.
  @piece 256

  @typedoc "What a part is called, its key if it has one, and what it is."
  @type part :: {name :: {:index, term} | {:key, term} | :tail, term}

  @doc "How many bytes a piece of a binary has."
  @spec piece() :: pos_integer
  def piece, do: @piece

  @doc """
  How many parts a term has.

      iex> Enum.map([[1, 2], [1 | 2], {}, %{a: 1}, 1..2, "short", :atom], &ElixirScope.Distributed.Debug.Stopped.Pages.count/1)
      [2, 2, 0, 1, 3, 0, 0]
  """
  @spec count(term) :: non_neg_integer
  def count(list) when is_list(list), do: length_of(list, 0)
  def count(tuple) when is_tuple(tuple), do: tuple_size(tuple)
  def count(%{__struct__: name} = struct) when is_atom(name), do: map_size(struct) - 1
  def count(map) when is_map(map), do: map_size(map)
  def count(bits) when is_bitstring(bits), do: pieces(bits)
  def count(_other), do: 0

  # The tail of an improper list is a part, too.
  defp length_of([_ | rest], count), do: length_of(rest, count + 1)
  defp length_of([], count), do: count
  defp length_of(_tail, count), do: count + 1

  defp pieces(bits) when byte_size(bits) <= @piece, do: 0
  defp pieces(bits), do: div(byte_size(bits) + @piece - 1, @piece)

  @doc "Up to `count` parts of a term, from the one at position `start` on."
  @spec page(term, non_neg_integer, pos_integer) :: [part]
  def page(list, start, count) when is_list(list), do: elements(drop(list, start), start, count)

  def page(tuple, start, count) when is_tuple(tuple) do
    for position <- positions(start, count, tuple_size(tuple)),
        do: {{:index, position}, elem(tuple, position)}
  end

  def page(map, start, count) when is_map(map) do
    map |> keys() |> Enum.slice(start, count) |> Enum.map(&{{:key, &1}, Map.fetch!(map, &1)})
  end

  def page(bits, start, count) when is_bitstring(bits) do
    for position <- positions(start, count, pieces(bits)), do: piece(bits, position)
  end

  def page(_other, _start, _count), do: []

  defp positions(start, count, size), do: start..(min(start + count, size) - 1)//1

  defp keys(%{__struct__: name} = struct) when is_atom(name),
    do: struct |> Map.delete(:__struct__) |> Map.keys() |> Enum.sort()

  defp keys(map), do: map |> Map.keys() |> Enum.sort()

  defp drop([_ | rest], start) when start > 0, do: drop(rest, start - 1)
  defp drop(list, 0), do: list
  defp drop(_end, _start), do: []

  defp elements([first | rest], at, count) when count > 0,
    do: [{{:index, at}, first} | elements(rest, at + 1, count - 1)]

  defp elements(list, _at, _count) when is_list(list), do: []
  defp elements(tail, _at, count), do: if(count > 0, do: [{:tail, tail}], else: [])

  defp piece(bits, position) when is_binary(bits) do
    from = position * @piece
    {{:index, from}, binary_part(bits, from, min(@piece, byte_size(bits) - from))}
  end

  # The last one takes what is left, to the bit. Sizes are read where they are matched: to Elixir 1.14 a
  # pinned one is a mistake, and to 1.20 one that is not.
  defp piece(bits, position) do
    from = position * @piece
    size = min(@piece * 8, bit_size(bits) - from * 8)

    <<from::64, size::64, _before::binary-size(from), part::bitstring-size(size),
      _rest::bitstring>> = <<from::64, size::64, bits::bitstring>>

    {{:index, from}, part}
  end

  @doc """
  The part of a term that a path leads to, and the names on the way, the last one first.

      iex> ElixirScope.Distributed.Debug.Stopped.Pages.at(%{b: [1, {2, 3}]}, [0, 1, 0])
      {:ok, 2, [{:index, 0}, {:index, 1}, {:key, :b}]}
      iex> ElixirScope.Distributed.Debug.Stopped.Pages.at([1], [1])
      :error
  """
  @spec at(term, list) :: {:ok, term, [term]} | :error
  def at(term, path), do: follow(term, path, [])

  defp follow(term, [], names), do: {:ok, term, names}

  defp follow(term, [position | rest], names) when is_integer(position) and position >= 0 do
    case page(term, position, 1) do
      [{name, part}] -> follow(part, rest, [name | names])
      [] -> :error
    end
  end

  defp follow(_term, _path, _names), do: :error
end
