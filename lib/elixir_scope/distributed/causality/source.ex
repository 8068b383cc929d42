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
    finish(picture, reading, read)
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

  defp finish(picture, %{survey: survey} = reading, read) do
    pairs = Show.pairs(survey, read.stretch, Pairs.limits().picture)
    %{unsure: unsure, clocks_ms: clocks_ms} = Show.terms(survey)
    lossy = Map.keys(Find.missing()) ++ unsure ++ lossy(reading)
    Core.finish(picture, pairs, lossy, clocks_ms * 1_000_000)
  end

  # A filter may have left out the gaps themselves.
  defp lossy(%{losses: losses, survey: survey}) do
    if Losses.dropped(losses) > 0 or losses.expired > 0 do
      gaps = Find.all(survey, kinds: [:gap], limit: @gaps)
      for %{node: node} <- gaps, uniq: true, do: node
    else
      []
    end
  end

  # What is given

  defp listed(events, told) do
    picture = Core.new()

    with :ok <- give(picture, events) do
      :ok = Core.finish(picture, nil, Map.keys(told[:missing] || %{}), 0)
      about = events |> about() |> Map.merge(told) |> Map.merge(Core.about(picture))
      {:ok, %Causality{picture: picture, about: about, events: List.to_tuple(events)}}
    end
  end

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
