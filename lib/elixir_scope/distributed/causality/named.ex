defmodule ElixirScope.Distributed.Causality.Named do
  @moduledoc false
  # Which event of a picture is meant by what was given for its id: text may leave out which start of
  # a node it was, where there was one.

  alias ElixirScope.Distributed.{Error, Event}
  alias ElixirScope.Distributed.Event.Id

  # Events that are looked at one and all, to know the starts of all nodes.
  @few 500

  @typedoc "What of a picture is looked at: its processes, how large it is, and its rows."
  @type seen :: %{
          required(:processes) => [map],
          required(:size) => non_neg_integer,
          required(:rows) => (non_neg_integer, pos_integer -> [map]),
          optional(atom) => term
        }

  @doc "The id that is meant, with the start of its node."
  @spec id(Id.given(), (... -> seen)) :: {:ok, Id.id()} | {:error, Error.t()}
  def id(given, seen) do
    case Id.read(given) do
      {:ok, {{_node, nil}, _seq} = short} -> Id.find(short, origins(seen.()))
      whole_or_error -> whole_or_error
    end
  end

  @doc """
  The starts of nodes that are known: of a large picture those of the first and the last event of each node's
  processes, as the starts of a node follow each other.
  """
  @spec origins(seen) :: [Event.origin()]
  def origins(seen),
    do: for(%{event: %{id: {origin, _seq}}} <- telling(seen), uniq: true, do: origin)

  defp telling(%{size: size} = seen) when size <= @few, do: seen.rows.(0, size)

  defp telling(seen) do
    for {_node, of} <- Enum.group_by(seen.processes, & &1.node),
        place <- [Enum.min_by(of, & &1.first).first, Enum.max_by(of, & &1.last).last],
        row <- seen.rows.(place, 1),
        do: row
  end
end
