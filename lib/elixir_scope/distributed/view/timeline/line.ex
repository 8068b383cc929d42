defmodule ElixirScope.Distributed.View.Timeline.Line do
  @moduledoc false
  # One row as one line: lanes, time, what happened, id, each in its columns. Pure, but for looking up
  # where causes of long ago were.

  alias ElixirScope.Distributed.View.{Glyphs, Palette, Recall, Source, Text, Words}
  alias ElixirScope.Distributed.View.Timeline.{Drawing, Layout}

  @enforce_keys [:recall, :layout, :drawing, :first_ns, :processes, :indexes]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          recall: Recall.t(),
          layout: Layout.t(),
          drawing: Drawing.t(),
          first_ns: integer,
          processes: %{non_neg_integer => map},
          indexes: %{(pid | String.t()) => non_neg_integer}
        }

  @doc "Before the first row of a source, whose first and last one are given."
  @spec new(Source.t(), {Source.row(), Source.row()}, keyword) :: t
  def new(source, {first, last}, options) do
    first_ns = Source.ns(first)
    layout = layout(source, [first, last], Source.ns(last) - first_ns, options)

    palette = Palette.new(source.about.nodes, options[:color])
    drawing = Drawing.new(layout.lanes, Glyphs.of(options), palette)

    %__MODULE__{
      recall: Recall.new(source),
      layout: layout,
      drawing: drawing,
      first_ns: first_ns,
      processes: Map.new(source.processes, &{&1.index, &1}),
      indexes: Map.new(source.processes, &{&1.pid, &1.index})
    }
  end

  defp layout(source, ends, span_ns, options) do
    nodes = source.processes |> Enum.map(& &1.node) |> Enum.uniq()

    widest =
      for(%{event: %{id: {{_, start}, seq}}} <- ends, node <- nodes, do: {{node, start}, seq})
      |> Enum.map(&Text.width(written_id(source, options, &1)))
      |> Enum.max(fn -> 1 end)

    Layout.new(source.processes, options[:width], Text.width("+" <> Words.ms(span_ns)), widest)
  end

  @doc "The names of the lanes."
  @spec header(t) :: [iodata]
  def header(%{layout: %{width: width}, drawing: %{glyphs: glyphs, palette: palette}} = line) do
    for {lanes, columns, name, node} <- Drawing.header(line.drawing) do
      [lanes, " ", Palette.paint(palette, node, Glyphs.fit(glyphs, name, width - columns - 1))]
    end
  end

  defp written_id(source, options, id),
    do: Glyphs.fit(Glyphs.of(options), Source.id(source, id), options[:width])

  @doc "The line of a row."
  @spec row(t, Source.row()) :: {iodata, t}
  def row(line, row) do
    causes =
      for cause <- row.causes, do: Map.put(cause, :process, Recall.get(line.recall, cause.place))

    {lanes, drawing} =
      Drawing.row(line.drawing, row, arrows(line, causes ++ link(line, row.event)))

    id = id(line, row.event)
    room = Layout.text(line.layout, Text.width(id))
    parts = parts(line, row, causes, {lanes, room, id})
    {parts, %{line | drawing: drawing, recall: Recall.put(line.recall, row)}}
  end

  # An id that is longer than any that was foreseen stands alone.
  defp parts(line, row, _causes, {_lanes, room, id}) when room < 0, do: painted(line, row, id)

  defp parts(line, row, causes, {lanes, room, id}) do
    text = Glyphs.fit(line.drawing.glyphs, text(line, row, causes, room), room)
    drawn = part(lanes, line.layout.lanes.width)
    [drawn, at(line, row), written(text, room, id), painted(line, row, id)]
  end

  defp part(_drawn, 0), do: []
  defp part(drawn, _columns), do: [drawn, " "]

  defp at(%{layout: %{time: 0}}, _row), do: []

  defp at(%{layout: %{time: columns}} = line, row),
    do: [Text.pad("+" <> Words.ms(Source.ns(row) - line.first_ns), columns, :right), " "]

  defp written(text, 0, _id), do: text
  defp written(text, _room, ""), do: text
  defp written(text, room, _id), do: [Text.pad(text, room), "  "]

  defp painted(line, row, id), do: Palette.paint(line.drawing.palette, row.event.node, id)

  defp id(line, %{id: id}) do
    text = Source.id(line.recall.source, id)
    Glyphs.fit(line.drawing.glyphs, text, line.layout.width)
  end

  defp arrows(line, causes) do
    for %{kind: kind, sure: sure, process: process} <- causes,
        from = line.layout.lanes.of[process],
        arrow = Glyphs.arrow(line.drawing.glyphs, kind, sure),
        do: {from, arrow}
  end

  # A link is no cause, and is drawn like one.
  defp link(line, %{kind: :link, subject: pid}) when is_pid(pid) do
    case line.indexes do
      %{^pid => process} -> [%{kind: :link, sure: :exact, process: process}]
      _not_here -> []
    end
  end

  defp link(_line, _event), do: []

  # What happened

  defp text(_line, _row, _causes, 0), do: ""

  defp text(line, %{event: event} = row, causes, room) do
    [who(line, row), Words.what(event) | notes(line, row, causes)]
    |> Kernel.++([Words.data(event, room)])
    |> Enum.reject(&(&1 == ""))
    |> Enum.join("  ")
  end

  # Where the lane does not say it; the node stands in the id.
  defp who(_line, %{event: %{id: nil, node: node, pid: pid}}), do: Words.process(node, pid)
  defp who(_line, %{process: nil}), do: ""

  defp who(line, %{process: process, event: event}),
    do: if(own?(line, process), do: "", else: Words.process(event.node, event.pid, event.node))

  defp own?(line, process) do
    number = line.layout.lanes.of[process]
    number != nil and not Enum.at(line.layout.lanes.lanes, number).shared?
  end

  defp notes(line, row, causes) do
    Enum.map(causes, &from(line, row, &1)) ++ [pairing(row, causes), late(row)]
  end

  # An arrow that cannot be seen is said.
  defp from(_line, _row, %{sure: :ambiguous}), do: ""

  defp from(line, row, %{process: process, kind: kind}) do
    same? = process == row.process

    if same? or (own?(line, process) and own?(line, row.process)),
      do: "",
      else: "#{origin(kind)} #{name(line, process, row.event.node)}"
  end

  defp origin(:message), do: "from"
  defp origin(:spawn), do: "spawned by"
  defp origin(kind), do: "#{kind} of"

  defp name(line, process, node) do
    case line.processes do
      %{^process => found} -> Words.process(found.node, found.pid, node)
      _none -> "another"
    end
  end

  defp pairing(%{event: %{meta: %{pairing: :ambiguous}}}, _causes), do: "(ambiguous)"

  defp pairing(_row, causes),
    do: if(Enum.any?(causes, &(&1.sure == :likely)), do: "(likely)", else: "")

  defp late(%{behind_ns: 0}), do: ""
  defp late(%{behind_ns: ns}), do: "(clock #{Words.duration(ns)} behind)"
end
