defmodule ElixirScope.Distributed.Causality.Source do
  @moduledoc false
  # Where the events of a picture come from. Those of a question go into the core as it finds them, a
  # part at a time, and are never terms of Erlang; those of a list are terms, and stay with the picture.

  alias ElixirScope.Distributed.{Causality, Error, Event, Query}
  alias ElixirScope.Distributed.Causality.Core
  alias ElixirScope.Distributed.Query.{Find, Losses, Page, Pairs, Reading, Result, Show}
  alias ElixirScope.Distributed.Storage.Kept

  # Events that go into it at once.
  @part 2_048

  # Messages that are read for each event of a picture.
  @messages 10

  # Gaps that are looked for to know who lost events.
  @gaps 10_000

  @doc "The picture of a source."
  @spec build(Causality.source()) :: {:ok, Causality.t()} | Query.failure()
  def build(%Causality{} = picture), do: {:ok, picture}
  def build(%Result{} = result), do: listed(result.events, Map.take(result, told()))
  def build([%Event{} | _] = events), do: listed(events, %{})
  def build([]), do: listed([], %{})

  def build(filters) when is_list(filters) or is_map(filters) do
    if filters?(filters), do: found(filters), else: not_an_event(hd(filters))
  end

  def build(other),
    do: {:error, Error.new(:bad_filter, message: "no source of events: #{inspect(other)}")}

  defp filters?(filters), do: is_map(filters) or Keyword.keyword?(filters)

  # No filter at all is a list without events: all events of the default scope are `%{}`.
  defp found(filters) do
    with {:ok, options} <- Query.check(:query, filters),
         :ok <- bounded(options[:limit]),
         {:ok, result} <- Query.run(filters, &draw/2) do
      {picture, survey} = result.events
      about = result |> Map.take(told()) |> Map.merge(Core.about(picture))
      {:ok, %Causality{picture: picture, about: about, survey: survey}}
    end
  end

  defp told, do: [:nodes, :missing, :dropped, :expired, :more?]

  defp bounded(limit), do: bounded(limit, Pairs.limits().picture)
  defp bounded(limit, most) when limit <= most, do: :ok

  defp bounded(limit, most) do
    message = "limit: a picture holds at most #{most} events, and not #{limit}"
    {:error, Error.new(:bad_filter, message: message)}
  end

  # What the core finds

  defp draw(%{survey: %{scope: scope}} = reading, options) do
    picture = Core.new(scope.node, options[:order])
    reading = Kept.leave(reading)

    {read, reading} =
      feed(reading, picture, options[:limit], %{count: 0, damaged: 0, stretch: nil})

    {more?, reading} = Reading.more?(reading)
    reading = update_in(reading.losses, &Losses.more(&1, read.damaged))
    finish(picture, reading, read, options)
    events = {picture, reading.survey}
    {%{events: events, count: read.count - read.damaged, more?: more?}, reading}
  end

  defp feed(%{done?: true} = reading, _picture, _left, read), do: {read, reading}
  defp feed(reading, _picture, 0, read), do: {read, reading}

  defp feed(reading, picture, left, read) do
    {step, reading} = Reading.step(reading, min(left, @part), &Page.take/2)
    damaged = Core.feed(picture, step.events)

    read = %{
      count: read.count + step.count,
      damaged: read.damaged + damaged,
      stretch: join(read.stretch, step.messages)
    }

    feed(reading, picture, left - step.count, read)
  end

  defp join(stretch, nil), do: stretch
  defp join(nil, stretch), do: stretch
  defp join({a, b}, {c, d}), do: {min(a, c), max(b, d)}

  defp finish(picture, %{survey: survey} = reading, read, options) do
    pairs = Show.pairs(survey, read.stretch, messages(read.count))
    if pairs, do: bring_in(picture, pairs, survey, read)
    %{unsure: unsure, clocks_ms: clocks_ms} = Show.terms(survey)
    lossy = Map.keys(Find.missing()) ++ unsure ++ lossy(reading, read, options)
    Core.finish(picture, pairs, lossy, clocks_ms * 1_000_000)
  end

  # What a filter leaves out of a message, as that of a correlation does with receives, which have none
  # of their own: without it there is half a message, and nothing led to anything.
  defp bring_in(picture, pairs, survey, read) do
    if Core.lacks(picture, pairs) > 0 do
      wanted = Pairs.around(read.stretch, messages(read.count))
      Find.each(survey, wanted, &Core.bring(picture, &1, Pairs.limits().picture))
    end
  end

  # Other halves are among what was left out of a picture, too: a few times as many are read.
  defp messages(events) do
    %{limit: least, picture: most} = Pairs.limits()
    (@messages * events) |> max(least) |> min(most)
  end

  # The nodes that lost events of which no gap in the picture says so.
  defp lossy(%{losses: losses, survey: survey}, read, options) do
    cond do
      losses.expired > 0 or read.damaged > 0 -> survey.members
      Losses.dropped(losses) > 0 and not gaps?(options) -> with_gaps(survey)
      true -> []
    end
  end

  defp gaps?(options) do
    others = Keyword.take(options, [:pids, :modules, :mfa, :correlation_id, :contains])
    kinds = Event.expand(options[:kinds])

    (kinds == [] or :gap in kinds) and
      Enum.all?(others, fn {_of, wanted} -> wanted in [[], nil] end)
  end

  defp with_gaps(survey) do
    gaps = Find.all(survey, kinds: [:gap], limit: @gaps)
    for %{node: node} <- gaps, uniq: true, do: node
  end

  # What is given

  defp listed(given, told) do
    {unplaced, events} = Enum.split_with(given, &unplaced?/1)
    picture = Core.new()

    with :ok <- give(picture, events) do
      missing = Map.keys(told[:missing] || %{}) ++ for(gap <- unplaced, do: gap.node)
      :ok = Core.finish(picture, nil, missing, 0)
      about = given |> about() |> Map.merge(told) |> Map.merge(Core.about(picture))
      {:ok, %Causality{picture: picture, about: about, events: List.to_tuple(events)}}
    end
  end

  # Streams say what is missing by gaps that nobody recorded: they have no place, and their nodes lost
  # events at any time.
  defp unplaced?(%Event{id: nil, kind: :gap}), do: true
  defp unplaced?(_event), do: false

  defp give(picture, events) do
    events
    |> Stream.chunk_every(@part)
    |> Enum.find_value(:ok, fn part ->
      with :ok <- structs(part), :ok <- Core.give(picture, part) do
        nil
      else
        {:error, event} -> not_an_event(event)
      end
    end)
  end

  defp structs(part), do: Enum.find_value(part, :ok, &(not is_struct(&1, Event) && {:error, &1}))

  defp not_an_event(other),
    do: {:error, Error.new(:not_an_event, given: inspect(other, limit: 5))}

  defp about(events) do
    nodes = for %{node: node} <- events, uniq: true, do: node
    dropped = for %{kind: :gap, data: data} <- events, do: lost(data)
    %{nodes: Enum.sort(nodes), missing: %{}, dropped: Enum.sum(dropped), expired: 0, more?: false}
  end

  defp lost(count) when is_integer(count), do: count
  defp lost(%{} = counts), do: Enum.sum(for {_what, n} <- counts, is_integer(n), do: n)
  defp lost(_other), do: 0
end
