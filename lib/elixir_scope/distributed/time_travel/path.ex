defmodule ElixirScope.Distributed.TimeTravel.Path do
  @moduledoc false
  # Where a value stands in a state: keys and indices from the outside in, as `get_in/2` takes
  # them, and through tuples, structs and lists of pairs besides. What was not captured is
  # told from what is not there. Pure.

  alias ElixirScope.Distributed.Opaque

  # Steps of a path; states are bounded to fewer levels when they are captured.
  @most 64

  @type t :: [term]

  @typedoc "The value, that there is none, or that the capture does not say."
  @type found :: {:ok, term} | :none | :unknown

  @doc "Whether it is a path: a proper list of at most 64 steps, each of which may be any term."
  @spec valid?(term) :: boolean
  def valid?(path), do: is_list(path) and not improper?(path) and length(path) <= @most

  defp improper?([_ | rest]), do: improper?(rest)
  defp improper?(rest), do: rest != []

  @doc """
  What stands there.

      iex> Path.fetch(%{items: [{:apple, %{n: 2}}]}, [:items, :apple, :n])
      {:ok, 2}
      iex> Path.fetch({:open, %{n: 2}}, [1, :m])
      :none
  """
  @spec fetch(term, t) :: found
  def fetch(term, []), do: whole(term)
  def fetch(%Opaque{}, _path), do: :unknown
  def fetch(%{} = map, [key | path]), do: map |> Map.fetch(key) |> next(map, path)

  def fetch(tuple, [index | path]) when is_tuple(tuple) and is_integer(index) do
    if index in 0..(tuple_size(tuple) - 1)//1,
      do: fetch(elem(tuple, index), path),
      else: absent(Tuple.to_list(tuple))
  end

  def fetch(list, [index | path]) when is_list(list) and is_integer(index) and index >= 0,
    do: list |> proper() |> Enum.fetch(index) |> next(list, path)

  def fetch(list, [key | path]) when is_list(list) and is_atom(key) do
    case Enum.find(proper(list), &match?({^key, _value}, &1)) do
      {^key, value} -> fetch(value, path)
      nil -> absent(list)
    end
  end

  def fetch(_other, _path), do: :none

  defp whole(%Opaque{type: type}) when type in [:cut, :damaged], do: :unknown
  defp whole(term), do: {:ok, term}

  defp next({:ok, value}, _container, path), do: fetch(value, path)
  defp next(:error, container, _path), do: absent(container)

  # A container that a budget cut ends in a mark: what is not in it may have been behind it.
  defp absent(%{} = map), do: map |> Map.keys() |> absent()
  defp absent(list), do: if(Enum.any?(proper(list), &cut?/1), do: :unknown, else: :none)

  defp cut?(%Opaque{type: :cut}), do: true
  defp cut?(_term), do: false

  defp proper([head | tail]), do: [head | proper(tail)]
  defp proper(_end), do: []
end
