defmodule ElixirScope.Distributed.Debug.Stopped.Names do
  @moduledoc false
  # The names of variables as they were written. Elixir's compiler calls `x` `_x@1`, and `_x@2` when it was
  # bound anew; what macros and the compiler bind is `_@3`. Erlang's are as they are. Pure.

  @elixir ~r/^_(.*)@(\d+)$/su

  @type bindings :: [{atom, term}]

  @doc """
  The variables of a frame with their values, sorted: those that begin with an underscore last. `visible` are
  those that can be meant where it stands, or `nil` where that is not known.

      iex> alias ElixirScope.Distributed.Debug.Stopped.Names
      iex> Names.written([{:_x@1, 1}, {:_x@2, 2}, {:_@1, 3}, {:__y@1, 4}], nil)
      [{"x", 2}, {"_y", 4}]
      iex> Names.written([{:_x@1, 1}, {:_x@2, 2}], MapSet.new([:_x@1]))
      [{"x", 1}]
      iex> Names.written([{:X1, 1}, {:_, 2}], nil)
      [{"X1", 1}]
  """
  @spec written(bindings, MapSet.t(atom) | nil) :: [{String.t(), term}]
  def written(bindings, visible) do
    bindings
    |> Enum.filter(fn {name, _value} -> visible == nil or MapSet.member?(visible, name) end)
    |> Enum.flat_map(&named/1)
    |> Enum.reduce(%{}, &newest/2)
    |> Enum.map(fn {name, {_version, value}} -> {name, value} end)
    |> Enum.sort_by(fn {name, _value} -> {String.starts_with?(name, "_"), name} end)
  end

  defp newest({name, version, value}, known) do
    Map.update(known, name, {version, value}, fn {other, kept} ->
      if version > other, do: {version, value}, else: {other, kept}
    end)
  end

  defp named({:_, _value}), do: []

  defp named({name, value}) do
    text = Atom.to_string(name)

    case Regex.run(@elixir, text) do
      [_all, "", _version] -> []
      [_all, written, version] -> [{written, String.to_integer(version), value}]
      nil -> [{text, 0, value}]
    end
  end
end
