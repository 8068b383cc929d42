defmodule ElixirScope.Distributed.Debug.Beams.Names do
  @moduledoc false
  # Names of modules out of files of ours. One that this VM does not know becomes an atom where there is
  # room for it: as for the names in a BEAM file.

  alias ElixirScope.Distributed.Debug.Beams.Room

  # The longest that the VM takes.
  @characters 255

  @doc "The atom of a name."
  @spec atom(String.t()) :: {:ok, atom} | {:error, :bad_name | :too_many_atoms}
  def atom(text) do
    {:ok, String.to_existing_atom(text)}
  rescue
    ArgumentError -> new(text)
  end

  defp new(text) do
    if String.valid?(text) and String.length(text) <= @characters,
      do: Room.with(1, fn -> {:ok, String.to_atom(text)} end),
      else: {:error, :bad_name}
  end
end
