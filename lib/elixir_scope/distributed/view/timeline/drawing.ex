defmodule ElixirScope.Distributed.View.Timeline.Drawing do
  @moduledoc false
  # The lanes of one row after the other. A lane is dotted until its first event and ends with its
  # last one; where its node lost events it breaks, and begins again with what is known next. An arrow
  # lies in the row of the effect, from the lane of the cause. Pure.

  alias ElixirScope.Distributed.View.{Glyphs, Palette}
  alias ElixirScope.Distributed.View.Timeline.Lanes

  @enforce_keys [:lanes, :glyphs, :palette, :standing]
  defstruct [:lanes, :glyphs, :palette, :standing, states: %{}]

  # Of a lane that had no event yet there is no state.
  @typep state :: :open | :broken | :over

  @type t :: %__MODULE__{
          lanes: Lanes.t(),
          glyphs: Glyphs.t(),
          palette: Palette.t(),
          # What is seen of the lanes where nothing happens: a row changes one of them.
          standing: cells,
          states: %{non_neg_integer => state}
        }

  @typedoc "An arrow that ends at the event of a row: from which lane, and how it looks."
  @type arrow :: {from :: non_neg_integer, {String.t(), String.t(), String.t()}}

  # A sign in a column, and whose colour it has.
  @typep cells :: %{non_neg_integer => {String.t(), node | nil}}

  @doc "Before the first row."
  @spec new(Lanes.t(), Glyphs.t(), Palette.t()) :: t
  def new(lanes, glyphs, palette) do
    drawing = %__MODULE__{lanes: lanes, glyphs: glyphs, palette: palette, standing: %{}}
    %{drawing | standing: Map.new(lanes.lanes, &cell(drawing, &1, :before))}
  end

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

  defp standing(drawing, %{kind: :gap, node: node}) do
    for %{shared?: false, node: ^node, number: number} = lane <- drawing.lanes.lanes,
        drawing.states[number] == :open,
        into: drawing.standing,
        do: cell(drawing, lane, :break)
  end

  defp standing(drawing, _event), do: drawing.standing

  defp crossed(cells, _drawing, _arrows, nil), do: cells

  defp crossed(cells, drawing, arrows, here) do
    for {from, arrow} <- arrows, from != here.number, reduce: cells do
      cells -> arrow(cells, drawing, Enum.at(drawing.lanes.lanes, from), here.column, arrow)
    end
  end

  defp arrow(cells, drawing, %{column: from, node: node} = lane, to, {line, left, right}) do
    {step, head} = if from < to, do: {1, right}, else: {-1, left}
    open? = drawing.states[lane.number] in [nil, :open]

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
    for %{number: number, node: ^node} = lane <- drawing.lanes.lanes,
        drawing.states[number] == :open,
        reduce: drawing,
        do: (drawing -> put(drawing, lane, :broken))
  end

  defp behind(drawing, _row, nil), do: drawing
  defp behind(drawing, row, here), do: put(drawing, here, state(row, here))

  defp put(%{states: states} = drawing, %{number: number} = lane, state) do
    case states do
      %{^number => ^state} -> drawing
      _other -> %{seen(drawing, lane, state) | states: Map.put(states, number, state)}
    end
  end

  defp seen(drawing, lane, :open) do
    {column, cell} = cell(drawing, lane, if(lane.shared?, do: :shared, else: :lane))
    put_in(drawing.standing[column], cell)
  end

  defp seen(drawing, lane, _broken_or_over),
    do: %{drawing | standing: Map.delete(drawing.standing, lane.column)}

  # Others that share the lane go on.
  defp state(%{place: place}, %{last: last}) when place >= last, do: :over
  defp state(%{event: %{kind: :exit}}, %{shared?: false}), do: :over
  defp state(_row, _here), do: :open

  defp cell(drawing, lane, sign), do: {lane.column, {sign(drawing, sign), lane.node}}
  defp sign(drawing, name), do: Glyphs.sign(drawing.glyphs, name)

  # From the right; neighbours of one colour are painted at once, and a blank has any.
  defp ink(drawing, cells, columns), do: ink(columns - 1, cells, drawing.palette, nil, [], [])

  defp ink(-1, _cells, palette, node, signs, painted),
    do: [Palette.paint(palette, node, signs) | painted]

  defp ink(column, cells, palette, node, signs, painted) do
    case cells do
      %{^column => {sign, ^node}} ->
        ink(column - 1, cells, palette, node, [sign | signs], painted)

      %{^column => {sign, other}} ->
        ink(column - 1, cells, palette, other, [sign], [
          Palette.paint(palette, node, signs) | painted
        ])

      _blank ->
        ink(column - 1, cells, palette, node, [" " | signs], painted)
    end
  end
end
