defmodule ElixirScope.Distributed.View.Flame.Bars do
  @moduledoc false
  # A flame as lines with bars: a frame each, deeper ones further in, of siblings the longest first. Pure.

  alias ElixirScope.Distributed.View.{Calls, Footer, Glyphs, Palette, Text}
  alias ElixirScope.Distributed.View.Flame.Folded

  # Columns of a time, of a share, and of a number of calls.
  @time 9
  @share 4
  @count 7

  # A bar takes a part of the line, and no more than so many columns.
  @longest_bar 30

  @doc "The lines of a flame."
  @spec lines(map, Enumerable.t(), keyword) :: Enumerable.t()
  def lines(%{causality: %{about: about}}, frames, options) do
    all = Enum.reduce(frames, %{ns: 0, unknown: 0}, &sum/2)
    paper = paper(about, all, options)

    rows =
      Stream.transform(
        frames,
        fn -> %{stack: [], hidden: 0} end,
        &row(&1, &2, paper),
        &{rest(&1, all, about, paper), &1},
        fn _state -> :ok end
      )

    Stream.concat(header(paper), rows)
  end

  defp sum(frame, all),
    do: %{ns: all.ns + frame.self_ns, unknown: all.unknown + frame.unknown}

  defp paper(about, all, options) do
    width = options[:width]

    %{
      all: all.ns,
      least: all.ns * options[:least_percent],
      options: options,
      glyphs: Glyphs.of(options),
      palette: Palette.new(about.nodes, options[:color]),
      bar: min(div(width, 5), @longest_bar),
      width: width
    }
  end

  defp header(%{all: 0} = paper),
    do: [Glyphs.fit(paper.glyphs, "no time in calls among these events", paper.width)]

  defp header(paper) do
    [fit(columns("", "total", "self", "calls", "frame", paper), paper)]
  end

  defp columns(share, total, own, count, frame, paper) do
    [
      Text.pad(share, @share + 1 + paper.bar),
      Text.pad(Text.fit(total, @time), @time, :right),
      Text.pad(Text.fit(own, @time), @time, :right),
      Text.pad(Text.fit(count, @count), @count, :right) <> " ",
      frame
    ]
    |> Enum.join(" ")
  end

  defp fit(text, paper), do: Glyphs.fit(paper.glyphs, text, paper.width)

  defp row(frame, state, paper) do
    above = Enum.drop(state.stack, length(state.stack) - frame.depth)
    name = Folded.name(frame, above)
    node = frame.node || with [{_name, node} | _] <- above, do: node
    state = %{state | stack: [{name, node} | above]}

    if frame.total_ns * 100 < paper.least or paper.all == 0,
      do: {[], %{state | hidden: state.hidden + 1}},
      else: {[shown(frame, name, node, paper)], state}
  end

  defp shown(frame, name, node, paper) do
    ascii? = paper.glyphs.ascii?
    percent = div(frame.total_ns * 100 + div(paper.all, 2), paper.all)
    bar = "#{String.pad_leading("#{percent}%", @share)} #{bar(frame.total_ns, paper)}"
    {total, own} = {Calls.duration(frame.total_ns, ascii?), Calls.duration(frame.self_ns, ascii?)}
    name = indent(frame.depth, paper) <> name
    text = columns(bar, total, own, Footer.grouped(frame.count), name, paper)
    Palette.paint(paper.palette, node, fit(text, paper))
  end

  # One that is too deep to be drawn is told by its depth.
  defp indent(depth, %{width: width} = paper) when depth * 4 > width,
    do: "#{Glyphs.sign(paper.glyphs, :ellipsis)}#{depth} "

  defp indent(depth, _paper), do: String.duplicate("  ", depth)

  defp bar(ns, %{bar: columns, all: all, glyphs: %{ascii?: ascii?}}) do
    full = div(ns * columns * 2 + div(all, 2), all)
    {full, half} = {div(full, 2), rem(full, 2)}
    if ascii?, do: String.duplicate("#", full + half), else: blocks(full, half)
  end

  defp blocks(full, half), do: String.duplicate("█", full) <> String.duplicate("▌", half)

  defp rest(state, all, about, paper) do
    notes = hidden(state.hidden, paper) ++ unknown(all.unknown)
    lines = for note <- notes, do: fit(note, paper)
    lines ++ ["", Footer.line(about, about.events, paper.options)]
  end

  defp hidden(0, _paper), do: []
  defp hidden(_count, %{all: 0}), do: []

  defp hidden(count, paper),
    do: ["#{Footer.count(count, "frame")} below #{paper.options[:least_percent]}% not shown"]

  defp unknown(0), do: []

  defp unknown(count),
    do: ["#{Footer.count(count, "call")} whose time is not known, as an end is missing"]
end
