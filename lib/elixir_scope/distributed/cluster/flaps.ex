defmodule ElixirScope.Distributed.Cluster.Flaps do
  @moduledoc false
  # Which members come back again and again: a connection to the same incarnation that was
  # lost and is there again, three times within twenty intervals. Who starts anew each time
  # does not flap, it crashes.

  @times 3
  @window 20

  @type t :: %__MODULE__{interval: pos_integer, returns: %{node => [integer]}}

  defstruct [:interval, returns: %{}]

  @doc "Nobody came back yet; `interval` is in milliseconds."
  @spec new(pos_integer) :: t
  def new(interval), do: %__MODULE__{interval: interval}

  @doc "A member came back."
  @spec returned(t, node, integer) :: t
  def returned(flaps, node, now) do
    times = [now | Map.get(flaps.returns, node, [])]
    put_in(flaps.returns[node], Enum.take(times, @times))
  end

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

  defp fresh?(flaps, time, now), do: now - time <= @window * flaps.interval
end
