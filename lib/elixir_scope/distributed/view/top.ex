defmodule ElixirScope.Distributed.View.Top do
  @moduledoc """
  The functions in which the time went: by total, own time, calls, median, 99th percentile or longest call.

      ElixirScope.Distributed.View.top([from: DateTime.add(DateTime.utc_now(), -60)], by: :self)

  A call within a call of the same function counts once in the total. Calls of which an end is missing count
  as calls, and have no time. With `per_node: true` each node is counted by itself.

  With `refresh_ms:` it is drawn again and again, over what happened in the last `window_ms:`, until it is
  interrupted or has been drawn `times:` times; what begins or ends outside of the window has no time.

      ElixirScope.Distributed.View.top(%{}, refresh_ms: 1_000, window_ms: 10_000)

      iex> alias ElixirScope.Distributed.{Causality, Event, View}
      iex> event = &%Event{
      ...>   id: {{:web@host, 1}, &1}, at: {0, &1 * 1_000, :web@host}, mono_ns: &1 * 1_000, node: :web@host,
      ...>   pid: self(), kind: &2, subject: {Shop, :buy, 1}
      ...> }
      iex> {:ok, causality} = Causality.build([event.(1, :call), event.(3, :return)])
      iex> causality |> View.Top.render(width: 60, ascii: false) |> Enum.map(&to_string/1)
      [
        "   total*      self     calls  function",
        "   2.0 µs    2.0 µs         1  Shop.buy/1",
        "",
        "2 events of 1 node, 0 dropped, none missing"
      ]
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.{Calls, Footer, Glyphs, Palette, Text}

  # Columns of a figure.
  @figure 9

  # Columns that a function is to have, before figures are left out.
  @name 30

  # In the order in which they are shown; the ones that are first left out for want of room come last below.
  @columns [:total, :self, :calls, :p50, :p99, :max, :raised]
  @dear [:total, :calls, :self, :max, :p99, :p50, :raised]

  @doc """
  The lines of a picture. `refresh_ms:`, `window_ms:` and `times:` are for `ElixirScope.Distributed.View.top/2`.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:top)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:top, options),
         do: causality |> Spans.of() |> lines(options)
  end

  defp lines(%{causality: %{about: about}} = spans, options) do
    {functions, rows} = Spans.top(spans, options)
    paper = paper(about, options)

    table =
      if rows == [], do: nothing(paper), else: [header(paper) | Enum.map(rows, &row(&1, paper))]

    table ++
      more(functions - length(rows), paper) ++ ["", Footer.line(about, about.events, options)]
  end

  defp paper(about, options) do
    %{
      width: options[:width],
      by: options[:by],
      columns: columns(options),
      glyphs: Glyphs.of(options),
      palette: Palette.new(about.nodes, options[:color])
    }
  end

  # What it is sorted by is always among them.
  defp columns(options) do
    count = max(div(options[:width] - @name, @figure + 1), 1)
    wanted = Enum.take(Enum.uniq([options[:by] | @dear]), count)
    Enum.filter(@columns, &(&1 in wanted))
  end

  defp nothing(paper), do: [fit("no calls among these events", paper)]

  defp header(paper) do
    titles = for column <- paper.columns, do: title(column, paper.by)
    fit(Enum.join(titles, " ") <> "  function", paper)
  end

  defp title(by, by),
    do: Text.pad("#{by}*", @figure + 1, :right) |> String.replace_prefix(" ", "")

  defp title(column, _by), do: Text.pad("#{column}", @figure, :right)

  defp row(row, paper) do
    figures = for column <- paper.columns, do: figure(row, column, paper)
    node = if row.node, do: " (#{row.node})", else: ""
    name = Calls.function(row.function) <> node
    text = fit(Enum.join(figures, " ") <> "  " <> Text.clean(name), paper)
    if row.node, do: Palette.paint(paper.palette, row.node, text), else: text
  end

  defp figure(row, column, paper),
    do: row |> value(column, paper) |> Text.fit(@figure) |> Text.pad(@figure, :right)

  defp value(row, :calls, _paper), do: Footer.grouped(row.calls)
  defp value(row, :raised, _paper), do: Footer.grouped(row.raised)
  # Where the end of none of them is known, there is no time.
  defp value(%{max_ns: nil}, _time, _paper), do: "?"
  defp value(row, :total, paper), do: time(row.total_ns, paper)
  defp value(row, :self, paper), do: time(row.self_ns, paper)
  defp value(row, :p50, paper), do: time(row.p50_ns, paper)
  defp value(row, :p99, paper), do: time(row.p99_ns, paper)
  defp value(row, :max, paper), do: time(row.max_ns, paper)

  defp time(ns, %{glyphs: %{ascii?: ascii?}}), do: Calls.duration(ns, ascii?)

  defp more(0, _paper), do: []
  defp more(count, paper), do: [fit("#{Footer.count(count, "function")} more", paper)]

  defp fit(text, paper), do: Glyphs.fit(paper.glyphs, text, paper.width)
end
