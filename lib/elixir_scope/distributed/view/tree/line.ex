defmodule ElixirScope.Distributed.View.Tree.Line do
  @moduledoc false
  # One line of a tree: times, the call in its place, the id. Each has columns of its own, so that no line
  # is wider than asked for, and an id is whole or not there. Pure.

  alias ElixirScope.Distributed.View.{Calls, Glyphs, Palette, Source, Text, Words}

  # Columns of a time, such as "1000.0 µs".
  @time 9

  # From this width on the own time has a column, too.
  @own_from 100

  # Digits of an id that are reckoned with.
  @digits 5

  # In fewer columns a call takes what it needs, and its outcome what is left.
  @narrow 40

  @type columns :: %{
          own?: boolean,
          times: pos_integer,
          id: non_neg_integer,
          call: non_neg_integer
        }

  @doc "How a line is divided. Ids take two fifths at most; where that is not enough, they are left out."
  @spec columns(Source.t(), pos_integer) :: columns
  def columns(source, width) do
    own? = width >= @own_from
    times = if own?, do: 2 * @time + 1, else: @time
    id = source |> id_width() |> fitting(width)
    beside = if id > 0, do: id + 2, else: 0
    %{own?: own?, times: times, id: id, call: max(width - times - 2 - beside, 0)}
  end

  defp id_width(%{processes: []}), do: 0

  defp id_width(source) do
    digits = max(length(Integer.digits(source.size)), @digits)

    ids =
      for process <- source.processes, uniq: true, do: Source.id(source, {{process.node, 0}, 1})

    Enum.max(Enum.map(ids, &Text.width/1)) - 1 + digits
  end

  defp fitting(id, width), do: if(id * 5 <= width * 2, do: id, else: 0)

  @doc "What stands in which column."
  @spec header(map) :: iodata
  def header(paper) do
    own = if paper.columns.own?, do: "self", else: nil
    line(times("total", own, paper), "call", "id", nil, paper)
  end

  @doc "A span in its place: `{depth, last?, node above}`, with the events that it begins and ends with."
  @spec span(map, tuple, tuple, map) :: iodata
  def span(span, {depth, last, above}, {call, ending} = events, paper) do
    guides = guides(depth, last, paper)
    room = max(paper.columns.call - Text.width(guides), 0)

    place = arrow(span, paper) <> node(span.node, above, paper)
    text = guides <> place <> what(span, events, max(room - Text.width(place), 1), paper)

    id = with %{id: id} <- call || ending, do: Source.id(paper.source, id)
    line(times(span, paper), text, id || "", span.node, paper)
  end

  @doc "That a node lost events."
  @spec loss(map, map) :: iodata
  def loss(event, paper) do
    text =
      "#{Glyphs.sign(paper.glyphs, :break)} #{node(event.node, nil, paper)}#{Words.what(event)}"

    line(times("", "", paper), text, Source.id(paper.source, event.id), event.node, paper)
  end

  defp times(span, paper) do
    own = if paper.columns.own?, do: own(span, paper), else: nil
    times(total(span, paper), own, paper)
  end

  defp total(%{total_ns: nil, point: true}, _paper), do: ""
  defp total(%{total_ns: ns}, paper), do: Calls.duration(ns, paper.glyphs.ascii?)
  defp own(%{total_ns: nil}, _paper), do: ""
  defp own(%{self_ns: ns}, paper), do: Calls.duration(ns, paper.glyphs.ascii?)

  defp times(total, own, paper) do
    both = if paper.columns.own?, do: [total, own || ""], else: [total]
    Enum.map_join(both, " ", &(&1 |> Text.fit(@time) |> Text.pad(@time, :right)))
  end

  # A terminal of a few columns has no room for calls.
  defp line(times, _text, _id, _node, %{columns: %{call: 0}} = paper),
    do: Glyphs.fit(paper.glyphs, times, paper.options[:width])

  defp line(times, text, id, node, %{columns: columns} = paper) do
    text = Glyphs.fit(paper.glyphs, text, columns.call)
    [times, "  ", paint(node, beside(text, id, columns, paper), paper)]
  end

  defp beside(text, _id, %{id: 0}, _paper), do: text

  defp beside(text, id, columns, paper) do
    # One that is longer than was reckoned with is left out, as half of it is of no use.
    id = if Text.width(id) > columns.id, do: "", else: Glyphs.fit(paper.glyphs, id, columns.id)
    if id == "", do: text, else: Text.pad(text, columns.call) <> "  " <> id
  end

  defp paint(nil, text, _paper), do: text
  defp paint(node, text, paper), do: Palette.paint(paper.palette, node, text)

  # Where lines upon lines would leave no room, the depth is told in a number.
  defp guides(0, _last, _paper), do: ""

  defp guides(depth, _last, %{columns: %{call: room}} = paper) when depth * 6 > room,
    do: "#{Glyphs.sign(paper.glyphs, :ellipsis)}#{depth} "

  defp guides(depth, last, paper) do
    trunks = for level <- 1..(depth - 1)//1, do: trunk(last[level], paper)
    branch = if last[depth], do: :last_branch, else: :branch
    IO.iodata_to_binary([trunks, Glyphs.sign(paper.glyphs, branch)])
  end

  defp trunk(true, _paper), do: "   "
  defp trunk(_more, paper), do: Glyphs.sign(paper.glyphs, :trunk)

  defp arrow(%{link: link}, _paper) when link in [:root, :program], do: ""
  defp arrow(%{sure: :likely}, paper), do: Glyphs.sign(paper.glyphs, :to) <> "? "
  defp arrow(_sure, paper), do: Glyphs.sign(paper.glyphs, :to) <> " "

  defp node(node, node, _paper), do: ""
  defp node(node, _above, %{columns: %{id: 0}}), do: "#{node}: "
  # All of its name stands in the id.
  defp node(node, _above, _paper), do: "#{short(node)}: "

  defp short(node), do: node |> to_string() |> String.split("@") |> hd()

  # What went wrong stands first, as it is to be seen at any width.
  defp what(span, {call, ending}, room, paper) do
    most = if room < @narrow, do: room, else: div(room * 2, 3)
    called = Text.fit(Calls.call(span.function, call, div(room, 2) + 1), max(most, 1))
    begun = if span.call, do: "", else: " (beginning not seen)"

    sign(span, paper) <>
      called <> begun <> outcome(span, ending, room, paper) <> waited(span, paper)
  end

  defp sign(%{ending: :exception}, paper), do: Glyphs.sign(paper.glyphs, :raised) <> " "
  defp sign(%{ending: :exit}, paper), do: Glyphs.sign(paper.glyphs, :exit) <> " "
  defp sign(_span, _paper), do: ""

  defp outcome(%{point: true}, _none, _room, _paper), do: ""
  defp outcome(%{end: nil}, _none, _room, _paper), do: " (end not seen)"
  defp outcome(%{ending: :exit}, _event, _room, _paper), do: " (its process ended)"

  defp outcome(%{ending: :exception}, %{data: data}, room, paper) when data != nil,
    do: " #{Glyphs.sign(paper.glyphs, :to)} #{Calls.raised(data, room)}"

  defp outcome(%{ending: :return}, %{data: data}, room, paper) when data != nil,
    do: " #{Glyphs.sign(paper.glyphs, :to)} #{Words.term(data, room)}"

  defp outcome(_returned, _unknown, _room, _paper), do: ""

  defp waited(%{waiting_ns: 0, network_ns: 0}, _paper), do: ""

  defp waited(%{waiting_ns: waiting, network_ns: network}, %{glyphs: %{ascii?: ascii?}}),
    do: " [waited #{Calls.duration(waiting, ascii?)}, network #{Calls.duration(network, ascii?)}]"
end
