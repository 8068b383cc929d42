defmodule ElixirScope.Distributed.View.Tree do
  @moduledoc """
  What happened as calls that nest: a request over all processes and nodes that it reached.

      ElixirScope.Distributed.View.tree([correlation_id: "r-17"], width: 100)

  Each line is a call: how long it took, how much of that was its own, arguments, what it returned, and the
  id of its first event. What another process did because of it stands below it, behind an arrow; the node
  stands there where it is another one. `→?` is likely and not more (see
  `ElixirScope.Distributed.Causality.Spans`). A call that was left by an exception or by the end of its process
  is marked, and so is one of which the end, or the beginning, is not known; where a node lost events, a line
  says so.

      iex> alias ElixirScope.Distributed.{Causality, Event, View}
      iex> event = &%Event{
      ...>   id: {{:web@host, 1}, &1}, at: {0, &1 * 1_000, :web@host}, mono_ns: &1 * 1_000, node: :web@host,
      ...>   pid: self(), kind: &2, subject: {Shop, :buy, 1}, data: &3
      ...> }
      iex> {:ok, causality} = Causality.build([event.(1, :call, [7]), event.(3, :return, :sold)])
      iex> causality |> View.Tree.render(width: 60, color: false, ascii: false) |> Enum.map(&to_string/1)
      [
        "    total  call                               id",
        "   2.0 µs  web: Shop.buy(7) → :sold           web@host#1",
        "",
        "2 events of 1 node, 0 dropped, none missing"
      ]
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.{Calls, Footer, Glyphs, Palette, Source}
  alias ElixirScope.Distributed.View.Tree.Line

  # Spans whose events are decoded at once.
  @part 250

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:tree)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:tree, options),
         spans = Spans.of(causality),
         {:ok, top} <- top(spans, options[:id]),
         do: lines(spans, top, options)
  end

  @doc false
  # The span that an option names.
  def top(_spans, nil), do: {:ok, nil}
  def top(spans, id), do: Spans.find(spans, id)

  defp lines(spans, top, options) do
    paper = paper(spans, options)
    losses = if top, do: [], else: losses(spans)
    above = %{depth: depth(spans, top), nodes: %{}, last: %{}, losses: losses, shown: 0}

    rows =
      spans
      |> Spans.stream(top)
      |> deep(above.depth, options[:depth])
      |> Stream.chunk_every(@part)
      |> Stream.transform(
        fn -> above end,
        &part(&1, &2, paper),
        &{rest(&1, paper), &1},
        fn _above -> :ok end
      )

    Stream.concat(header(spans, paper), rows)
  end

  defp paper(%{causality: causality}, options) do
    source = Source.of(causality)

    %{
      source: source,
      causality: causality,
      options: options,
      glyphs: Glyphs.of(options),
      palette: Palette.new(source.about.nodes, options[:color]),
      columns: Line.columns(source, options[:width])
    }
  end

  defp header(%{about: %{spans: 0}}, paper),
    do: [Glyphs.fit(paper.glyphs, "no calls among these events", paper.options[:width])]

  defp header(_spans, paper), do: [Line.header(paper)]

  defp depth(_spans, nil), do: 0
  defp depth(spans, top), do: spans |> Spans.rows(top, 0, 1) |> hd() |> Map.fetch!(:depth)

  defp deep(rows, _top, nil), do: rows
  defp deep(rows, top, most), do: Stream.filter(rows, &(&1.depth - top < most))

  defp losses(%{causality: causality} = spans) do
    places = Spans.losses(spans)
    causality |> Calls.events(places) |> Enum.sort()
  end

  defp part(rows, above, paper) do
    events = Calls.ends(paper.causality, rows)
    Enum.flat_map_reduce(rows, above, &row(&1, &2, events, paper))
  end

  defp row(span, above, events, paper) do
    {before, losses} = Enum.split_while(above.losses, fn {place, _} -> place < first(span) end)
    depth = span.depth - above.depth
    # A node is told where it is another than that of the line above in the tree.
    node = if depth > 0, do: above.nodes[depth - 1]
    above = %{above | losses: losses, last: Map.put(above.last, depth, span.last)}

    line =
      Line.span(span, {depth, above.last, node}, {events[span.call], events[span.end]}, paper)

    shown = above.shown + Enum.count([span.call, span.end], & &1) + length(before)

    {lost(before, paper) ++ [line],
     %{above | nodes: Map.put(above.nodes, depth, span.node), shown: shown}}
  end

  defp first(span), do: span.call || span.end

  defp lost(losses, paper), do: for({_place, event} <- losses, do: Line.loss(event, paper))

  defp rest(above, paper) do
    shown = above.shown + length(above.losses)
    lost(above.losses, paper) ++ ["", Footer.line(paper.source.about, shown, paper.options)]
  end
end
