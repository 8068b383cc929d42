defmodule ElixirScope.Distributed.Cluster.Flaps do
  @moduledoc false
  # Which members come back again and again: a connection to the same incarnation that was
  # lost and is there again, three times within twenty intervals. Who starts anew each time
  # does not flap, it crashes.

  @times 3
  @window 20

  # Nodes that are remembered; more than that come back only where names are made up.
  @most 512

  @type t :: %__MODULE__{interval: pos_integer, returns: %{node => [integer]}}

  defstruct [:interval, returns: %{}]

  @doc "Nobody came back yet; `interval` is in milliseconds."
  @spec new(pos_integer) :: t
  def new(interval), do: %__MODULE__{interval: interval}

  @doc "A member came back."
  @spec returned(t, node, integer) :: t
  def returned(flaps, node, now) do
    times = [now | Map.get(flaps.returns, node, [])]
    flaps |> room(node) |> put_in([Access.key!(:returns), node], Enum.take(times, @times))
  end

  @doc "Its bound with its value."
  @spec bounds(t) :: map
  def bounds(flaps), do: %{returns: map_size(flaps.returns), return_limit: @most}

  @doc "Forgets what is long past."
  @spec forget(t, integer) :: t
  def forget(flaps, now) do
    recent =
      for {node, [last | _] = times} <- flaps.returns,
          fresh?(flaps, last, now),
          into: %{},
          do: {node, times}

    %{flaps | returns: recent}
  end

  @doc "The members that flap."
  @spec now(t, integer) :: [node]
  def now(flaps, now) do
    for {node, times} <- flaps.returns,
        length(times) == @times and fresh?(flaps, List.last(times), now),
        do: node
  end

  # Who came back longest ago makes room.
  defp room(%{returns: returns} = flaps, node)
       when map_size(returns) < @most or is_map_key(returns, node),
       do: flaps

  defp room(%{returns: returns} = flaps, _node) do
    {oldest, _times} = Enum.min_by(returns, fn {_node, [last | _]} -> last end)
    %{flaps | returns: Map.delete(returns, oldest)}
  end

  defp fresh?(flaps, time, now), do: now - time <= @window * flaps.interval
end
