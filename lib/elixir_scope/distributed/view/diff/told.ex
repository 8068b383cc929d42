defmodule ElixirScope.Distributed.View.Diff.Told do
  @moduledoc false
  # One difference: what differs, in the first line; then the calls that it lies in and the ids of its events.

  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.Causality.Spans.Plain
  alias ElixirScope.Distributed.View.{Calls, Glyphs, Source, Words}

  # Calls that are told around a difference, the nearest.
  @around 6

  # Columns that a value is worth.
  @value 60

  @doc "The lines of a difference."
  @spec lines(map, map, map, map) :: [String.t()]
  def lines(found, one, other, paper) do
    {left, right} = {event(found.left, one), event(found.right, other)}
    subject = {found, {one, left}, {other, right}}

    ([what(subject)] ++ around(subject) ++ ids(subject) ++ [""])
    |> Enum.map(&Glyphs.fit(paper.glyphs, &1, paper.width))
  end

  defp event(nil, _side), do: nil

  defp event(%{place: place}, %{spans: %{causality: causality}}),
    do: causality |> Calls.events([place]) |> Map.get(place)

  # In words

  defp what({%{change: :missing}, {_one, event}, _right}),
    do: "only in the first: " <> done(event)

  defp what({%{change: :added}, _left, {_other, event}}),
    do: "only in the second: " <> done(event)

  defp what({%{change: :replaced}, {_, left}, {_, right}}),
    do: "#{done(left)}, then in its place #{done(right)}"

  defp what({%{change: :reception}, {_, event}, _right}),
    do: "#{done(event)}: received in one of the two alone"

  defp what({%{change: :ending}, {_, left}, {_, right}}),
    do: "#{function(left || right)} #{ending(left)}, then #{ending(right)}"

  defp what({%{change: :result}, {_, left}, {_, right}}),
    do: "#{function(left)} #{verb(left)} #{values(left, right)}"

  defp what({%{change: :content}, {_, left}, {_, right}}), do: content(left, right)

  defp content(%{kind: :call} = left, right),
    do: "#{function(left)} called with #{arguments(left, right)}"

  defp content(%{kind: kind} = left, right) when kind in [:send, :receive],
    do: "#{kind} #{values(left, right)}"

  defp content(%{subject: one} = left, %{subject: other}) when is_atom(one) and one != other,
    do: "#{left.kind} #{inspect(one)}, then #{inspect(other)}"

  defp content(left, right) when left != nil and right != nil,
    do: "#{Words.what(left)} #{values(left, right)}"

  defp content(_left, _right), do: "an event that cannot be read"

  # Which of them, before what it was: arguments have a place and no name.
  defp arguments(left, right) do
    case Plain.first_difference({left.data, left}, {right.data, right}) do
      {[at | way], one, other} when is_integer(at) ->
        "argument #{at + 1}#{path(way)} #{value(one)}, then #{value(other)}"

      _whole ->
        values(left, right)
    end
  end

  defp values(%{data: data} = left, %{data: other_data} = right) do
    case Plain.first_difference({data, left}, {other_data, right}) do
      nil -> "#{value(data)}, then #{value(other_data)}"
      {[], one, other} -> "#{value(one)}, then #{value(other)}"
      {way, one, other} -> "at #{path(way)} #{value(one)}, then #{value(other)}"
    end
  end

  defp values(_left, _right), do: "what cannot be read"

  defp path([]), do: ""
  defp path(way), do: Enum.map_join(way, &"[#{Words.term(&1, @value)}]")

  defp value(term), do: Words.term(term, @value)

  defp done(nil), do: "an event that cannot be read"
  defp done(%{kind: :call} = event), do: "call #{Calls.call(event.subject, event, @value)}"
  defp done(event), do: "#{Words.what(event)} #{Words.data(event, @value)}"

  defp ending(nil), do: "cannot be read"
  defp ending(%{kind: :call}), do: "did not end"
  defp ending(%{kind: :return, data: data}), do: "returned #{value(data)}"
  defp ending(%{kind: :exception, data: data}), do: "raised #{Calls.raised(data, @value)}"
  defp ending(%{kind: :exit}), do: "ended with its process"
  defp ending(event), do: Words.what(event)

  defp verb(%{kind: :exception}), do: "raised"
  defp verb(_return), do: "returned"

  defp function(%{subject: {_m, _f, _a} = mfa}), do: Calls.function(mfa)
  defp function(%{} = event), do: Words.what(event)
  defp function(nil), do: "an event that cannot be read"

  # Where it is

  defp around({%{left: left, right: right}, {one, _}, {other, _}}) do
    {shown, %{spans: spans}} = if left, do: {left, one}, else: {right, other}
    above = above(shown.span, spans, @around + 1, [])
    shortened = if length(above) > @around, do: ["…" | tl(above)], else: above
    if above == [], do: [], else: ["  in #{Enum.join(shortened, " > ")}"]
  end

  defp above(nil, _spans, _left, names), do: names
  defp above(_span, _spans, 0, names), do: names

  defp above(index, spans, left, names) do
    case Spans.rows(spans, index, 0, 1) do
      [span] -> above(span.parent, spans, left - 1, [Calls.function(span.function) | names])
      [] -> names
    end
  end

  defp ids({_found, {one, left}, {other, right}}) do
    for {name, %{id: id}, side} <- [{"first ", left, one}, {"second", right, other}],
        do: "  #{name} #{Source.id(side.source, id)}"
  end
end
