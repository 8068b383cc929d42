defmodule ElixirScope.Distributed.View.Timeline.Lanes do
  @moduledoc false
  # Which column of the drawing is whose. Lanes stand in the order of the nodes, then of the first
  # events. Where there is no room for all, the busiest processes keep lanes of their own and
  # the others share the last one. Pure.

  alias ElixirScope.Distributed.View.{Footer, Words}

  # A name stands above each lane; nobody reads more of them.
  @most 32

  # Between two lanes, and besides between two nodes.
  @pitch 2
  @between 1

  defstruct lanes: [], of: %{}, width: 0

  @type lane :: %{
          number: non_neg_integer,
          column: non_neg_integer,
          node: node | nil,
          name: String.t(),
          shared?: boolean,
          last: non_neg_integer
        }

  @type t :: %__MODULE__{
          lanes: [lane],
          of: %{(process :: non_neg_integer) => number :: non_neg_integer},
          width: non_neg_integer
        }

  @doc "The lanes of these processes in so many columns."
  @spec new([map], non_neg_integer) :: t
  def new(processes, room) do
    most = min(@most, div(room + 1, @pitch))
    busiest = Enum.sort_by(processes, &{-&1.events, &1.first})
    Enum.find_value(most..0//-1, %__MODULE__{}, &fitting(busiest, &1, room))
  end

  # So many lanes, if they fit.
  defp fitting(_busiest, 0, _room), do: nil

  defp fitting(busiest, count, room) do
    {own, shared} = Enum.split(busiest, if(length(busiest) > count, do: count - 1, else: count))
    own = in_order(own)
    lanes = place(own ++ together(shared))
    width = List.last(lanes, %{column: -1}).column + 1
    if width <= room, do: %__MODULE__{lanes: lanes, of: of(own, shared), width: width}
  end

  defp in_order(processes) do
    nodes = processes |> Enum.sort_by(& &1.first) |> Enum.map(& &1.node) |> Enum.uniq()
    ranks = nodes |> Enum.with_index() |> Map.new()
    Enum.sort_by(processes, &{ranks[&1.node], &1.first})
  end

  defp place(processes) do
    {lanes, _at} = Enum.map_reduce(processes, {0, nil, 0}, &lane/2)
    lanes
  end

  defp of(own, shared) do
    own_lanes =
      for {%{index: index}, number} <- Enum.with_index(own), into: %{}, do: {index, number}

    for %{index: index} <- shared, into: own_lanes, do: {index, length(own)}
  end

  defp together([]), do: []

  defp together(shared) do
    last = shared |> Enum.map(& &1.last) |> Enum.max()
    [%{shared: length(shared), node: nil, last: last}]
  end

  defp lane(of, {number, before, column}) do
    column = if number > 0 and of.node != before, do: column + @between, else: column

    lane = %{
      number: number,
      column: column,
      node: of.node,
      name: name(of),
      shared?: is_map_key(of, :shared),
      last: of.last
    }

    {lane, {number + 1, of.node, column + @pitch}}
  end

  defp name(%{shared: count}),
    do: "#{Footer.grouped(count)} quieter processes, each named on its lines"

  defp name(%{node: node, pid: pid}), do: Words.process(node, pid)
end
