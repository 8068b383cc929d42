defmodule ElixirScope.Distributed.View.Sequence.Plain do
  @moduledoc false
  # A sequence for a terminal: the participants by their numbers, and a line for each step. Pure.

  alias ElixirScope.Distributed.View.{Footer, Glyphs, Palette, Source, Text, Words}
  alias ElixirScope.Distributed.View.Sequence.Steps

  # With less text than that the time gives way.
  @least 24

  @enforce_keys [:source, :glyphs, :palette, :width, :digits, :first_ns, :time, :nodes]
  defstruct @enforce_keys

  @doc "The lines."
  @spec lines(Source.t(), keyword) :: Enumerable.t()
  def lines(source, options) do
    case Source.ends(source) do
      nil -> [Footer.line(source.about, 0, options)]
      ends -> lines(source, ends, options)
    end
  end

  defp lines(source, ends, options) do
    {own, others} = Steps.participants(source)
    plain = new(source, ends, own, options)
    footer = &["", Footer.line(source.about, &1, options)]
    steps = source |> Steps.stream(options[:notes]) |> Steps.lines(&step(plain, &1), footer)
    Stream.concat([names(plain, own, others), [""], steps])
  end

  defp new(source, {first, last}, own, options) do
    time = Text.width("+" <> Words.ms(Source.ns(last) - Source.ns(first)))
    digits = own |> length() |> Integer.to_string() |> byte_size()
    ids = for %{event: %{id: id}} <- [first, last], do: Text.width(Source.id(source, id))
    beside = time + arrow(digits) + Enum.max(ids, fn -> 0 end) + 6

    %__MODULE__{
      source: source,
      glyphs: Glyphs.of(options),
      palette: Palette.new(source.about.nodes, options[:color]),
      width: options[:width],
      digits: digits,
      first_ns: Source.ns(first),
      time: if(options[:width] - beside < @least, do: 0, else: time),
      nodes: Map.new(own, fn {number, process} -> {number, process.node} end)
    }
  end

  defp names(plain, own, others) do
    for(
      {number, %{node: node, pid: pid}} <- own,
      do: name(plain, number, Words.process(node, pid))
    ) ++
      for(
        _some <- List.duplicate(:some, min(others, 1)),
        do: name(plain, :others, "#{others} quieter processes")
      ) ++
      [name(plain, :unseen, "not seen in this answer")]
  end

  defp name(plain, number, text) do
    text = Glyphs.fit(plain.glyphs, shown(plain, number) <> " " <> text, plain.width)
    Palette.paint(plain.palette, plain.nodes[number], text)
  end

  defp shown(plain, number), do: number |> sign() |> Text.pad(plain.digits, :right)

  defp sign(:others), do: "*"
  defp sign(:unseen), do: "?"
  defp sign(nil), do: ""
  defp sign(number), do: Integer.to_string(number)

  # "1 ─▸ 2"
  defp arrow(digits), do: digits * 2 + 4

  defp step(plain, %{row: %{event: event}} = step) do
    id = Glyphs.fit(plain.glyphs, Source.id(plain.source, event.id), plain.width)
    left = left(plain, step)
    room = max(plain.width - Text.width(left) - Text.width(id) - 2, 0)

    if room == 0,
      do: id,
      else: [left, text(plain, step, room, id), Palette.paint(plain.palette, event.node, id)]
  end

  defp left(%{time: 0} = plain, step), do: ends(plain, step) <> "  "

  defp left(plain, step) do
    time = "+" <> Words.ms(Source.ns(step.row) - plain.first_ns)
    Text.pad(time, plain.time, :right) <> "  " <> ends(plain, step) <> "  "
  end

  defp ends(plain, %{to: nil} = step), do: Text.pad(shown(plain, step.from), arrow(plain.digits))

  defp ends(plain, step),
    do: "#{shown(plain, step.from)} #{line(plain, step)} #{Text.pad(sign(step.to), plain.digits)}"

  defp line(plain, %{what: :lost}), do: head(plain, :exit)
  defp line(plain, %{what: :unsent}), do: head(plain, :message, :likely)
  defp line(plain, %{what: what, sure: sure}), do: head(plain, what, sure)

  defp head(plain, kind, sure \\ :exact) do
    {line, _left, right} = Glyphs.arrow(plain.glyphs, kind, sure)
    line <> right
  end

  defp text(plain, step, room, id) do
    text = Glyphs.fit(plain.glyphs, Steps.words(step, room), room)
    if id == "", do: text, else: [Text.pad(text, room), "  "]
  end
end
