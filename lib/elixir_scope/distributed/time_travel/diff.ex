defmodule ElixirScope.Distributed.TimeTravel.Diff do
  @moduledoc false
  # How one term became another: a lazy list of what was set, added and removed, each with its path.
  # Maps and keyword lists are compared by their keys, tuples of one size by their places, and
  # other lists between what they begin and end with in common. Pure.

  alias ElixirScope.Distributed.Opaque
  alias ElixirScope.Distributed.TimeTravel.Path

  @type t ::
          {:set, Path.t(), old :: term, new :: term}
          | {:added, Path.t(), term}
          | {:removed, Path.t(), term}

  @doc """
  The differences, outermost and first places first.

      iex> Enum.to_list(Diff.between(%{a: 1, b: 2}, %{a: 3, c: 4}))
      [{:set, [:a], 1, 3}, {:removed, [:b], 2}, {:added, [:c], 4}]
  """
  @spec between(term, term) :: Enumerable.t()
  def between(old, new), do: between(old, new, [])

  @doc "The first of them, `nil` where the terms are equal in everything, `1` and `1.0` told apart."
  @spec first(term, term) :: t | nil
  def first(old, new), do: old |> between(new) |> Enum.at(0)

  defp between(same, same, _path), do: []
  defp between(%Opaque{} = old, new, path), do: set(old, new, path)
  defp between(old, %Opaque{} = new, path), do: set(old, new, path)

  defp between(%{} = old, %{} = new, path) do
    if Map.get(old, :__struct__) == Map.get(new, :__struct__),
      do: by_key(old, new, keys(old, new), path),
      else: set(old, new, path)
  end

  defp between(old, new, path)
       when is_tuple(old) and is_tuple(new) and tuple_size(old) == tuple_size(new),
       do: by_place(Tuple.to_list(old), Tuple.to_list(new), 0, path)

  defp between([_ | _] = old, [_ | _] = new, path) do
    cond do
      improper?(old) or improper?(new) -> set(old, new, path)
      pairs?(old) and pairs?(new) and keyed?(old, new) -> pairs(old, new, path)
      true -> lists(old, new, path)
    end
  end

  defp between(old, new, path), do: set(old, new, path)

  defp set(old, new, path), do: [{:set, Enum.reverse(path), old, new}]

  defp keys(old, new), do: Enum.sort(Enum.uniq(Map.keys(old) ++ Map.keys(new)))

  defp by_key(old, new, keys, path),
    do: Stream.flat_map(keys, &one(Map.fetch(old, &1), Map.fetch(new, &1), [&1 | path]))

  defp one({:ok, old}, {:ok, new}, path), do: between(old, new, path)
  defp one({:ok, old}, :error, path), do: [{:removed, Enum.reverse(path), old}]
  defp one(:error, {:ok, new}, path), do: [{:added, Enum.reverse(path), new}]

  defp by_place(old, new, from, path) do
    [old, new]
    |> Enum.zip()
    |> Stream.with_index(from)
    |> Stream.flat_map(fn {{old, new}, place} -> between(old, new, [place | path]) end)
  end

  # Keyword lists whose keys are in the same order as far as both have them.
  defp pairs?(list), do: Keyword.keyword?(list) and unique?(Keyword.keys(list))
  defp unique?(keys), do: keys == Enum.uniq(keys)

  defp keyed?(old, new) do
    {of_old, of_new} = {Keyword.keys(old), Keyword.keys(new)}
    common(of_old, of_new) == common(of_new, of_old)
  end

  defp common(keys, others), do: Enum.filter(keys, &(&1 in others))

  defp pairs(old, new, path) do
    keys = Enum.uniq(Keyword.keys(old) ++ Keyword.keys(new))
    by_key(Map.new(old), Map.new(new), keys, path)
  end

  defp lists(old, new, path) do
    {start, old, new} = after_common(old, new, 0)
    {_end, old, new} = after_common(Enum.reverse(old), Enum.reverse(new), 0)
    {old, new} = {Enum.reverse(old), Enum.reverse(new)}
    both = min(length(old), length(new))
    changed = by_place(Enum.take(old, both), Enum.take(new, both), start, path)

    Stream.concat([
      changed,
      rest(:removed, old, both, start, path),
      rest(:added, new, both, start, path)
    ])
  end

  defp after_common([same | old], [same | new], n), do: after_common(old, new, n + 1)
  defp after_common(old, new, n), do: {n, old, new}

  defp rest(how, list, both, start, path) do
    list
    |> Enum.drop(both)
    |> Enum.with_index(start + both)
    |> Enum.map(fn {term, place} -> {how, Enum.reverse([place | path]), term} end)
  end

  defp improper?([_ | rest]), do: improper?(rest)
  defp improper?(rest), do: rest != []
end
