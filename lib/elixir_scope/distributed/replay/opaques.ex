defmodule ElixirScope.Distributed.Replay.Opaques do
  @moduledoc false
  # What of a recorded term is not known whole, and cannot be made anew. Pure.

  alias ElixirScope.Distributed.Opaque

  @doc "The first opaque term in a term, and its path, innermost step first."
  @spec first(term, [term]) :: {atom, [term]} | nil
  def first(term, path \\ [])
  def first(%Opaque{type: type}, path), do: {type, path}
  def first(port, path) when is_port(port), do: {:port, path}

  def first(%{} = map, path) do
    map
    |> Map.to_list()
    |> Enum.find_value(fn {key, value} ->
      first(key, [key | path]) || first(value, [key | path])
    end)
  end

  def first(tuple, path) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> each(path, 0)
  def first([_ | _] = list, path), do: each(list, path, 0)
  def first(_whole, _path), do: nil

  defp each([head | tail], path, n), do: first(head, [n | path]) || each(tail, path, n + 1)
  defp each([], _path, _n), do: nil
  defp each(tail, path, n), do: first(tail, [n | path])
end
