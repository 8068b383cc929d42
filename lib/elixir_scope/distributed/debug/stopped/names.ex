defmodule ElixirScope.Distributed.Debug.Stopped.Names do
  @moduledoc false
  # The names of variables as they were written. Elixir's compiler calls `x` `_x@1`, and `_x@2` when it was
  # bound anew; what macros and the compiler bind is `_@3`, or `_3` from Elixir 1.15 on. Erlang's are as they
  # are. Pure.

  @type bindings :: [{atom, term}]

  @doc """
  The variables of a frame with their values, sorted: those that begin with an underscore last. `visible` are
  those that can be meant where it stands, or `nil` where that is not known.

      iex> alias ElixirScope.Distributed.Debug.Stopped.Names
      iex> Names.written([{:_x@1, 1}, {:_x@2, 2}, {:_@1, 3}, {:_2, 3}, {:__y@1, 4}], nil, :elixir)
      [{"x", 2}, {"_y", 4}]
      iex> Names.written([{:_x@1, 1}, {:_x@2, 2}], MapSet.new([:_x@1]), :elixir)
      [{"x", 1}]
      iex> Names.written([{:X1, 1}, {:_, 2}], nil, :erlang)
      [{"X1", 1}]
  """
  @spec written(bindings, MapSet.t(atom) | nil, :elixir | :erlang) :: [{String.t(), term}]
  def written(bindings, visible, language \\ :elixir) do
    bindings
    |> Enum.filter(fn {name, _value} -> visible == nil or MapSet.member?(visible, name) end)
    |> Enum.flat_map(&named(&1, language))
    |> Enum.reduce(%{}, &newest/2)
    |> Enum.map(fn {name, {_version, value}} -> {name, value} end)
    |> Enum.sort_by(fn {name, _value} -> {String.starts_with?(name, "_"), name} end)
  end

  defp newest({name, version, value}, known) do
    Map.update(known, name, {version, value}, fn {other, kept} ->
      if version > other, do: {version, value}, else: {other, kept}
    end)
  end

  defp named({:_, _value}, _language), do: []
  defp named({name, value}, :erlang), do: [{Atom.to_string(name), 0, value}]

  defp named({name, value}, :elixir) do
    text = Atom.to_string(name)

    case Regex.run(~r/^_(.*)@(\d+)$/su, text) do
      [_all, "", _version] -> []
      [_all, written, version] -> [{written, String.to_integer(version), value}]
      nil -> if Regex.match?(~r/^_\d+$/, text), do: [], else: [{text, 0, value}]
    end
  end
end
