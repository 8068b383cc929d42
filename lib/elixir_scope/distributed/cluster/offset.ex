defmodule ElixirScope.Distributed.Cluster.Offset do
  @moduledoc false
  # How far two clocks are apart, from the four stamps of an exchange, as in NTP
  # (RFC 5905, section 8): the exchange with the shortest round trip is the one the
  # network disturbed least, so the best of the last eight is believed.

  alias ElixirScope.Distributed.Types.GlobalTimestamp

  @window 8

  # Members whose clocks are compared with ours; a stranger's are forgotten with the next round.
  @most 512

  @type t :: {offset_ns :: integer, uncertainty_ns :: non_neg_integer}
  @type window :: [t]

  @doc """
  One exchange: `sent` and `returned` by our clock, `received` and `answered` by theirs.

      iex> stamp = &{0, &1, :a@h}
      iex> Offset.sample(stamp.(0), stamp.(150), stamp.(160), stamp.(110))
      {100, 50}
  """
  @spec sample(
          GlobalTimestamp.t(),
          GlobalTimestamp.t(),
          GlobalTimestamp.t(),
          GlobalTimestamp.t()
        ) :: t
  def sample({_, sent, _}, {_, received, _}, {_, answered, _}, {_, returned, _}) do
    offset = div(received - sent + (answered - returned), 2)
    round_trip = returned - sent - (answered - received)
    {offset, max(div(round_trip, 2), 0)}
  end

  @doc """
  Adds a sample to a window of them, newest first. Those that contradict it are forgotten: a clock
  was set since then, or drifted further than they were sure.

      iex> [] |> Offset.add({100, 5}) |> Offset.add({103, 20}) |> Offset.add({104, 1})
      [{104, 1}, {103, 20}, {100, 5}]
      iex> Offset.add([{103, 20}, {100, 5}], {60_000, 50})
      [{60_000, 50}]
  """
  @spec add(window | nil, t) :: window
  def add(nil, sample), do: [sample]

  def add(window, sample),
    do: Enum.take([sample | Enum.filter(window, &agree?(&1, sample))], @window)

  @doc "Adds a sample of a node to the windows of all."
  @spec learn(%{node => window}, node, t) :: %{node => window}
  def learn(windows, node, sample) when is_map_key(windows, node) or map_size(windows) < @most,
    do: Map.put(windows, node, add(windows[node], sample))

  def learn(windows, _stranger, _sample), do: windows

  @doc "The bound of all windows with its value."
  @spec bounds(%{node => window}) :: map
  def bounds(windows), do: %{offsets: map_size(windows), offset_limit: @most}

  defp agree?({one, sure}, {other, certain}), do: abs(one - other) <= sure + certain

  @doc "The most certain sample of a window."
  @spec best(window) :: t
  def best(window), do: Enum.min_by(window, fn {_offset, uncertainty} -> uncertainty end)
end
