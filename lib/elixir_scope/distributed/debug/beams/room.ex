defmodule ElixirScope.Distributed.Debug.Beams.Room do
  @moduledoc false
  # Atoms are never given back, and a VM whose table is full ends. So whoever makes some out of a file says
  # first how many these can be, and is refused where the table would be filled beyond a share. What
  # several make at the same time is added up. A process that is killed meanwhile leaves its claim behind.

  # Of the table's size; what is above it is left to the rest of the VM.
  @share {3, 4}

  @doc "Runs `fun`, which makes at most `atoms` new ones, if there is room for them."
  @spec with(non_neg_integer, (... -> result)) :: result | {:error, :too_many_atoms}
        when result: term
  def with(atoms, fun) do
    claims = claims()
    :counters.add(claims, 1, atoms)

    try do
      if made() + :counters.get(claims, 1) <= limit(), do: fun.(), else: {:error, :too_many_atoms}
    after
      :counters.sub(claims, 1, atoms)
    end
  end

  @doc "How many atoms there may be."
  @spec limit() :: pos_integer
  def limit do
    {part, whole} = @share
    div(:erlang.system_info(:atom_limit) * part, whole)
  end

  defp made, do: :erlang.system_info(:atom_count)

  # Of two that come first at once one is forgotten: its claim is, once.
  defp claims do
    case :persistent_term.get(__MODULE__, nil) do
      nil ->
        claims = :counters.new(1, [:atomics])
        :persistent_term.put(__MODULE__, claims)
        claims

      claims ->
        claims
    end
  end
end
