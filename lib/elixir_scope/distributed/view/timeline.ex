defmodule ElixirScope.Distributed.View.Timeline do
  @moduledoc """
  Events of many nodes as one list, earliest first, one line each: how long after the
  first, on which node, in which process, what.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   at: {0, 1_000_000, :web@host}, node: :web@host, kind: :mark, subject: :checkout, data: %{items: 3}
      ...> }
      iex> result = %ElixirScope.Distributed.Query.Result{events: [event], nodes: [:web@host]}
      iex> IO.iodata_to_binary(ElixirScope.Distributed.View.Timeline.render(result))
      "+0.000 ms  web@host  -  checkout  %{items: 3}\\n1 event of 1 node, 0 dropped, none missing"
  """

  alias ElixirScope.Distributed.Query.Result

  @colors [:cyan, :green, :yellow, :magenta, :blue, :red]
  @gap "  "

  @doc """
  The timeline of a query's result.

    * `:width` - no line is longer (default 120);
    * `:color` - a colour for each node (default `false`).
  """
  @spec render(Result.t(), keyword) :: iodata
  def render(%Result{} = result, options \\ []) do
    rows = Enum.map(result.events, &row(&1, first(result.events)))
    widths = rows |> Enum.zip_with(&longest/1) |> Enum.drop(-1)
    colors = colors(result, options[:color])

    [
      Enum.zip_with([rows, result.events], fn [row, event] ->
        [row |> line(widths, options[:width] || 120) |> paint(colors[event.node]), ?\n]
      end),
      footer(result)
    ]
  end

  defp first([]), do: 0
  defp first([%{at: {_logical, physical_ns, _node}} | _later]), do: physical_ns

  defp row(event, first),
    do: [
      after_first(event, first),
      to_string(event.node),
      pid(event.pid),
      what(event),
      data(event)
    ]

  defp after_first(%{at: {_logical, physical_ns, _node}}, first) do
    "+#{:erlang.float_to_binary((physical_ns - first) / 1_000_000, decimals: 3)} ms"
  end

  defp pid(nil), do: "-"
  defp pid(pid), do: inspect(pid)

  defp what(%{kind: :mark, subject: subject}), do: text(subject)
  defp what(%{kind: kind, subject: {m, f, a}}), do: "#{kind} #{Exception.format_mfa(m, f, a)}"
  defp what(%{kind: kind, subject: nil}), do: to_string(kind)
  defp what(%{kind: kind, subject: subject}), do: "#{kind} #{text(subject)}"

  defp text(atom) when is_atom(atom), do: Atom.to_string(atom)
  defp text(other), do: inspect(other)

  defp data(%{data: nil}), do: ""

  defp data(%{data: data, meta: meta}),
    do: inspect(data) <> if(meta[:truncated?], do: " …", else: "")

  defp longest(column), do: column |> Enum.map(&String.length/1) |> Enum.max()

  defp line(row, widths, width) do
    row
    |> Enum.zip_with(widths ++ [0], &String.pad_trailing/2)
    |> Enum.join(@gap)
    |> String.trim_trailing()
    |> String.replace("\n", " ")
    |> cut(width)
  end

  defp cut(line, width) do
    if String.length(line) > width, do: String.slice(line, 0, width - 1) <> "…", else: line
  end

  defp colors(_result, off) when off in [nil, false], do: %{}
  defp colors(result, true), do: result.nodes |> Enum.zip(Stream.cycle(@colors)) |> Map.new()

  defp paint(line, nil), do: line
  defp paint(line, color), do: IO.ANSI.format([color, line], true)

  defp footer(result) do
    "#{count(length(result.events), "event")} of #{count(length(result.nodes), "node")}, " <>
      "#{result.dropped} dropped, #{missing(Map.keys(result.missing))} missing"
  end

  defp missing([]), do: "none"
  defp missing(nodes), do: Enum.join(nodes, ", ")

  defp count(1, noun), do: "1 #{noun}"
  defp count(n, noun), do: "#{n} #{noun}s"
end
