defmodule ElixirScope.Distributed.View.Timeline.Layout do
  @moduledoc false
  # What of a line there is room for: lanes, time, what happened, the id. The narrower, the less:
  # the time goes first, then lanes, then what happened, and the id last, so that every line that there
  # is can be asked about. Pure.

  alias ElixirScope.Distributed.View.Timeline.Lanes

  # The part of a line that lanes may take, a third or a quarter of it, and the most columns.
  @share 3
  @small_share 4
  @lanes 64

  # With less text than that something else goes; the last steps bear less.
  @text 24
  @less_text 16
  @few_lanes 5
  @little_text 12

  @between 2

  defstruct [:width, :lanes, :time, :text?]

  @type t :: %__MODULE__{
          width: pos_integer,
          lanes: Lanes.t(),
          time: non_neg_integer,
          text?: boolean
        }

  @doc "The layout for these processes, where a time takes `time` columns, and an id about `id`."
  @spec new([map], pos_integer, pos_integer, pos_integer) :: t
  def new(processes, width, time, id) do
    [{@share, time, @text}, {@share, 0, @text}, {@small_share, 0, @less_text}]
    |> Enum.map(fn {share, time, text} -> {width |> div(share) |> min(@lanes), time, text} end)
    |> Kernel.++([{@few_lanes, 0, @little_text}, {0, 0, @little_text}])
    |> Enum.map(fn {room, time, text} -> {Lanes.new(processes, room), time, text} end)
    |> Enum.find(&fits?(&1, width - id - @between))
    |> layout(width)
  end

  defp fits?({lanes, time, text}, room), do: beside(lanes, time) + text <= room

  defp layout({lanes, time, _text}, width),
    do: %__MODULE__{width: width, lanes: lanes, time: time, text?: true}

  defp layout(nil, width),
    do: %__MODULE__{width: width, lanes: %Lanes{}, time: 0, text?: false}

  @doc "The columns left for what happened, beside an id of so many; fewer than none, where it has no room itself."
  @spec text(t, non_neg_integer) :: integer
  def text(%{text?: false}, _id), do: 0

  def text(layout, id),
    do: layout.width - beside(layout.lanes, layout.time) - id - @between

  defp beside(lanes, time), do: part(lanes.width) + part(time)

  # Each part has a space behind it.
  defp part(0), do: 0
  defp part(columns), do: columns + 1
end
