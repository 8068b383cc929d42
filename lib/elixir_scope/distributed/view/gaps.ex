defmodule ElixirScope.Distributed.View.Gaps do
  @moduledoc """
  What is missing from a picture: where, when, how much, why, and whose events may be among it.

      +0.400 ms  120 events lost, a ring was full                       orders@127.0.0.1#10
          around it: "r-17", "r-18"
      stock@127.0.0.1 is missing (timeout): what only it has is not here

  The causes are: a full ring; a trace that left events out as more came than it may record (thinning), had no
  budget left for them, or ended; retention; a node that began anew, or does not answer; what was
  damaged or lost on the way; data that was cut to a budget; the limit of the question. Gaps of one node and
  one cause that are no more than a second apart are one line. Around each are named at most eight of
  the correlations that were there shortly before and after: events of theirs may be among what was
  lost.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   id: {{:web@host, 1}, 1}, at: {0, 1_000_000, :web@host}, node: :web@host, kind: :mark,
      ...>   subject: :checkout, data: %{items: 3}
      ...> }
      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([event])
      iex> picture |> ElixirScope.Distributed.View.Gaps.render(width: 60) |> Enum.to_list()
      ["nothing is known to be missing", "", "1 event of 1 node, 0 dropped, none missing"]
  """

  alias ElixirScope.Distributed.Capture.Governor
  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.View.{Footer, Glyphs, Palette, Source, Text, Words}
  alias ElixirScope.Distributed.View.Gaps.{Asked, Losses}

  # A name of a correlation that is longer is cut.
  @name 40

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:gaps)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:gaps, options),
         do: causality |> Source.of() |> lines(paper(options))
  end

  @doc false
  # What a question about something else leaves out.
  @spec widen(term) :: {:ok, term} | {:error, Error.t()}
  defdelegate widen(source), to: Asked

  # With what is written: signs, colours, columns.
  defp paper(options), do: %{options: options, glyphs: Glyphs.of(options), width: options[:width]}

  defp lines(source, paper) do
    first_ns = with {first, _last} <- Source.ends(source), do: Source.ns(first)
    more = %{source: source, first_ns: first_ns, palette: palette(source, paper)}
    paper = Map.merge(paper, more)

    source
    |> Source.stream()
    |> Stream.transform(
      fn -> {%Losses{}, 0} end,
      &row(&1, &2, paper),
      &{rest(&1, source, paper), &1},
      fn _state -> :ok end
    )
  end

  defp palette(source, paper), do: Palette.new(source.about.nodes, paper.options[:color])

  defp row(row, {losses, sum}, paper) do
    {over, losses} = Losses.add(losses, row)
    {Enum.flat_map(over, &loss(&1, paper)), {losses, sum + told(over)}}
  end

  # Those that stand for events which `dropped` of an answer counts.
  defp told(losses) do
    losses
    |> Enum.filter(&(&1.cause in [:ring, :thinned, :budget, :dropped]))
    |> Enum.map(&(&1.events || 0))
    |> Enum.sum()
  end

  defp rest({losses, sum}, source, paper) do
    rest = Losses.rest(losses)
    answer = answer(source.about, sum + told(rest))

    nothing =
      if sum == 0 and rest == [] and answer == [],
        do: ["nothing is known to be missing"],
        else: []

    Enum.flat_map(rest, &loss(&1, paper)) ++
      Enum.map(answer ++ nothing, &Glyphs.fit(paper.glyphs, &1, paper.width)) ++
      ["", Footer.line(source.about, source.size, paper.options)]
  end

  # Of the answer as a whole

  defp answer(about, told) do
    for({node, reason} <- Enum.sort(about.missing), do: missing(node, reason)) ++
      expired(about.expired) ++ untold(about.dropped - told) ++ cut(about)
  end

  defp missing(node, reason),
    do: "#{node} is missing (#{Footer.word(reason)}): what only it has is not here"

  defp expired(0), do: []

  defp expired(count),
    do: ["at most #{Footer.count(count, "event")} expired: retention took them everywhere"]

  defp untold(count) when count > 0 do
    [
      "#{Footer.count(count, "event")} lost, and nothing here says where: damaged, or lost on the way"
    ]
  end

  defp untold(_none), do: []

  defp cut(%{more?: true}), do: ["the limit cut the answer: there are more events than these"]
  defp cut(_all), do: []

  # Of one node

  defp loss(loss, paper) do
    id = Glyphs.fit(paper.glyphs, Source.id(paper.source, loss.id), paper.width)
    room = max(paper.width - Text.width(id) - 2, 0)
    text = Glyphs.fit(paper.glyphs, "#{period(loss, paper)}  #{where(loss)}#{words(loss)}", room)
    line = [Text.pad(text, room), "  ", Palette.paint(paper.palette, loss.node, id)]
    [if(room == 0, do: id, else: line) | affected(loss, paper)]
  end

  # The id begins with it.
  defp where(%{id: nil, node: node}), do: "#{node}  "
  defp where(_loss), do: ""

  defp period(%{from_ns: ns, to_ns: ns}, paper), do: after_first(ns, paper)

  defp period(loss, paper),
    do: "#{after_first(loss.from_ns, paper)} to #{after_first(loss.to_ns, paper)}"

  defp after_first(ns, paper), do: "+" <> Words.ms(ns - paper.first_ns)

  defp affected(loss, paper) do
    case Losses.affected(loss) do
      {[], 0} ->
        []

      {some, more} ->
        [Glyphs.fit(paper.glyphs, "    around it: #{names(some)}#{more(more)}", paper.width)]
    end
  end

  defp names(some), do: Enum.map_join(some, ", ", &Words.term(&1, @name))
  defp more(0), do: ""
  defp more(count), do: " and #{Footer.grouped(count)} more"

  defp words(%{cause: :ended, reason: reason} = loss),
    do: "trace #{inspect(loss.trace)} ended, nothing of it comes after: #{why(reason)}"

  defp words(%{cause: :cut, events: events}),
    do: "#{Footer.count(events, "event")} cut to a budget"

  defp words(%{cause: :missing, reason: reason}), do: "does not answer (#{Footer.word(reason)})"
  defp words(%{cause: :other, reason: data}), do: Words.term(data, @name)
  defp words(loss), do: "#{events(loss)} #{how(loss.cause)}#{of(loss)}#{gaps(loss)}"

  defp events(%{events: nil}), do: "events"
  defp events(%{events: count}), do: Footer.count(count, "event")

  defp how(:ring), do: "lost, a ring was full"
  defp how(:thinned), do: "left out by thinning"
  defp how(:budget), do: "over a budget"
  defp how(:expired), do: "expired"
  defp how(:restarted), do: "gone with a restart"
  defp how(:dropped), do: "lost on the way"

  defp of(%{trace: nil}), do: ""
  defp of(%{trace: trace}), do: " of trace #{inspect(trace)}"

  defp gaps(%{gaps: 1}), do: ""
  defp gaps(%{gaps: gaps}), do: ", in #{gaps} gaps"

  defp why(reason) do
    if reason in Governor.reasons(), do: Governor.message(reason), else: Words.term(reason, @name)
  end
end
