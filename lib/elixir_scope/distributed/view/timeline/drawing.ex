defmodule ElixirScope.Distributed.View.Timeline.Drawing do
  @moduledoc false
  # The lanes of one row after the other. A lane is dotted until its first event and ends with its
  # last one; where its node lost events it breaks, and begins again with what is known next. An arrow
  # lies in the row of the effect, from the lane of the cause. Pure.

  alias ElixirScope.Distributed.View.{Glyphs, Palette}
  alias ElixirScope.Distributed.View.Timeline.Lanes

  @enforce_keys [:lanes, :glyphs, :palette]
  defstruct [:lanes, :glyphs, :palette, states: %{}]

  # Of a lane that had no event yet there is no state.
  @typep state :: :open | :broken | :over

  @type t :: %__MODULE__{
          lanes: Lanes.t(),
          glyphs: Glyphs.t(),
          palette: Palette.t(),
          states: %{non_neg_integer => state}
        }

  @typedoc "An arrow that ends at the event of a row: from which lane, and how it looks."
  @type arrow :: {from :: non_neg_integer, {String.t(), String.t(), String.t()}}

  # A sign in a column, and whose colour it has.
  @typep cells :: %{non_neg_integer => {String.t(), node | nil}}

  @doc "The names of the lanes, each above its own."
  @spec header(t) :: [{iodata, columns :: non_neg_integer, String.t(), node | nil}]
  def header(%{lanes: %{lanes: lanes}} = drawing) do
    for %{number: number, column: column, node: node, name: name} <- lanes do
      above = for lane <- Enum.take(lanes, number), do: cell(drawing, lane, :lane)
      cells = Map.new([{column, {sign(drawing, :begin), node}} | above])
      {ink(drawing, cells, column + 1), column + 1, name, node}
    end
  end

  @doc "The lanes in the row of an event, and the drawing behind it."
  @spec row(t, map, [arrow]) :: {iodata, t}
  def row(drawing, row, arrows) do
    number = drawing.lanes.of[row.process]
    here = number && Enum.at(drawing.lanes.lanes, number)

    cells =
      drawing
      |> standing(row.event)
      |> crossed(drawing, arrows, here)
      |> marked(drawing, row.event, here)

    {ink(drawing, cells, drawing.lanes.width), behind(drawing, row, here)}
  end

  @spec standing(t, map) :: cells
  defp standing(%{lanes: %{lanes: lanes}} = drawing, event) do
    for lane <- lanes,
        sign = standing_sign(drawing.states[lane.number], lane, event),
        into: %{},
        do: cell(drawing, lane, sign)
  end

  defp standing_sign(:open, %{node: node, shared?: false}, %{kind: :gap, node: node}), do: :break
  defp standing_sign(:open, %{shared?: true}, _event), do: :shared
  defp standing_sign(:open, _lane, _event), do: :lane
  defp standing_sign(nil, _lane, _event), do: :before
  defp standing_sign(_broken_or_over, _lane, _event), do: nil

  defp crossed(cells, _drawing, _arrows, nil), do: cells

  defp crossed(cells, drawing, arrows, here) do
    for {from, arrow} <- arrows, from != here.number, reduce: cells do
      cells -> arrow(cells, drawing, Enum.at(drawing.lanes.lanes, from), here.column, arrow)
    end
  end

  defp arrow(cells, drawing, %{column: from, node: node} = lane, to, {line, left, right}) do
    {step, head} = if from < to, do: {1, right}, else: {-1, left}
    open? = drawing.states[lane.number] == :open

    between =
      for column <- (from + step)..(to - step)//step,
          sign = if(column == to - step, do: head, else: passing(cells[column], drawing, line)),
          do: {column, {sign, node}}

    cells |> Map.merge(Map.new(between)) |> Map.put(from, {foot(drawing, step, open?), node})
  end

  defp passing(nil, _drawing, line), do: line
  defp passing(_something, drawing, _line), do: sign(drawing, :cross)

  defp foot(drawing, 1, true), do: sign(drawing, :from_left)
  defp foot(drawing, -1, true), do: sign(drawing, :from_right)
  defp foot(drawing, 1, false), do: sign(drawing, :last_left)
  defp foot(drawing, -1, false), do: sign(drawing, :last_right)

  defp marked(cells, _drawing, _event, nil), do: cells

  defp marked(cells, drawing, event, here),
    do: Map.put(cells, here.column, {sign(drawing, mark(event)), event.node})

  defp mark(%{kind: :gap}), do: :break
  defp mark(%{kind: :exception}), do: :raised
  defp mark(%{kind: :exit}), do: :exit
  defp mark(_event), do: :event

  defp behind(drawing, %{event: %{kind: :gap, node: node}}, _here) do
    broken = for %{number: number, node: ^node} <- drawing.lanes.lanes, do: number
    %{drawing | states: Enum.reduce(broken, drawing.states, &break/2)}
  end

  defp behind(drawing, _row, nil), do: drawing
  defp behind(drawing, row, here), do: put_in(drawing.states[here.number], state(row, here))

  defp break(number, %{} = states) do
    if states[number] == :open, do: %{states | number => :broken}, else: states
  end

  # Others that share the lane go on.
  defp state(%{place: place}, %{last: last}) when place >= last, do: :over
  defp state(%{event: %{kind: :exit}}, %{shared?: false}), do: :over
  defp state(_row, _here), do: :open

  defp cell(drawing, lane, sign), do: {lane.column, {sign(drawing, sign), lane.node}}
  defp sign(drawing, name), do: Glyphs.sign(drawing.glyphs, name)

  # Neighbours of one colour are painted at once.
  defp ink(_drawing, _cells, 0), do: []

  defp ink(drawing, cells, columns) do
    0..(columns - 1)
    |> Enum.map(&Map.get(cells, &1, {" ", nil}))
    |> Enum.chunk_by(&elem(&1, 1))
    |> Enum.map(fn [{_sign, node} | _] = run ->
      Palette.paint(drawing.palette, node, Enum.map(run, &elem(&1, 0)))
    end)
  end
end
