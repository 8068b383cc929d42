defmodule ElixirScope.Distributed.Debug.Int.Written do
  @moduledoc false
  # Variables of interpreted code under the names that the programmer wrote. Elixir's compiler numbers a
  # name each time it is bound anew (`_total@1`, `_total@2`); the highest number that is bound is the one that
  # counts. What the compiler made itself has no `@`. Erlang's are as they are.

  @doc "The variables by name; of no name that was not there before is an atom made."
  @spec names([{atom, term}]) :: %{atom => term}
  def names(bindings) do
    bindings
    |> Enum.flat_map(&named/1)
    |> Enum.sort_by(fn {_name, number, _value} -> number end)
    |> Map.new(fn {name, _number, value} -> {name, value} end)
  end

  defp named({variable, value}) do
    with "_" <> rest <- Atom.to_string(variable),
         [name, number] <- String.split(rest, "@"),
         {number, ""} <- Integer.parse(number) do
      [{String.to_existing_atom(name), number, value}]
    else
      _of_erlang -> erlang(variable, value)
    end
  rescue
    # Nobody can have asked for one whose name is no atom.
    ArgumentError -> []
  end

  defp erlang(variable, value),
    do: if(Atom.to_string(variable) =~ ~r/\A[A-Z]/, do: [{variable, 0, value}], else: [])
end
