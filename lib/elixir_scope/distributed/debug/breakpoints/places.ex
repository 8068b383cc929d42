defmodule ElixirScope.Distributed.Debug.Breakpoints.Places do
  @moduledoc false
  # Which places have breakpoints, and the name of each. Pure.
  #
  # Invariant: a place is in it as long as it has a breakpoint, with a name that no other place has; names
  # that are free are used before new ones are made.

  alias ElixirScope.Distributed.Debug.Breakpoints.Board

  @enforce_keys [:most]
  defstruct [:most, at: %{}, free: [], next: 1]

  @type place :: {module, pos_integer}
  @type key :: term
  @type t :: %__MODULE__{}

  @doc "None, and how many there may be."
  @spec new(pos_integer) :: t
  def new(most), do: %__MODULE__{most: most}

  @doc "A breakpoint is at some places; those that are new, with their names."
  @spec add(t, [place], key) :: {:ok, t, [{place, atom}]} | {:error, :too_many_breakpoints}
  def add(places, wanted, key) do
    new = Enum.reject(wanted, &is_map_key(places.at, &1))

    if map_size(places.at) + length(new) <= places.most do
      places = Enum.reduce(new, places, &named(&2, &1))
      places = Enum.reduce(wanted, places, &with_key(&2, &1, key))
      {:ok, places, for(place <- new, do: {place, name(places, place)})}
    else
      {:error, :too_many_breakpoints}
    end
  end

  @doc "A breakpoint is no longer at some places; those where there is none now, with their names."
  @spec remove(t, [place], key) :: {t, [{place, atom}]}
  def remove(places, from, key) do
    Enum.reduce(from, {places, []}, fn place, {places, free} ->
      case places.at do
        %{^place => {number, keys}} ->
          without(places, place, number, List.delete(keys, key), free)

        _none ->
          {places, free}
      end
    end)
  end

  @doc "The name of a place, and its breakpoints in the order in which they came."
  @spec at(t, place) :: {:ok, atom, [key]} | :error
  def at(places, place) do
    case places.at do
      %{^place => {number, keys}} -> {:ok, Board.name(number), Enum.reverse(keys)}
      _none -> :error
    end
  end

  defp named(%{free: [number | free]} = places, place),
    do: %{places | free: free, at: Map.put(places.at, place, {number, []})}

  defp named(%{next: next} = places, place),
    do: %{places | next: next + 1, at: Map.put(places.at, place, {next, []})}

  defp with_key(places, place, key) do
    {number, keys} = places.at[place]
    %{places | at: Map.put(places.at, place, {number, [key | List.delete(keys, key)]})}
  end

  defp without(places, place, number, [], free) do
    places = %{places | at: Map.delete(places.at, place), free: [number | places.free]}
    {places, [{place, Board.name(number)} | free]}
  end

  defp without(places, place, number, keys, free),
    do: {%{places | at: Map.put(places.at, place, {number, keys})}, free}

  defp name(places, place), do: places.at[place] |> elem(0) |> Board.name()
end
