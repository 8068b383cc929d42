defmodule ElixirScope.Distributed.Query.Show do
  @moduledoc false
  # Events as people know them: correlation ids as they were given, traces by their numbers, messages
  # in pairs. What has to be looked up for that may be on other nodes.

  alias ElixirScope.Distributed.{Event, GlobalClock, Options}

  alias ElixirScope.Distributed.Query.{
    Cursor,
    Entries,
    Find,
    Names,
    Pairs,
    Reading,
    Survey,
    Traces
  }

  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # Marks that are read at once to find whose ids are whose.
  @marks 1_000

  # Of a question without a limit no page has so many.
  @many 1_000_000

  @doc "A checked filter in its native form, with what else belongs to a correlation."
  @spec widen(Survey.t(), keyword) :: map
  def widen(survey, options) do
    spans = Entries.spans(options[:correlation_id], &Find.all(survey, &1))
    # One more than is wanted says whether there are more.
    limit = (options[:limit] || @many) + 1
    options |> Keyword.merge(spans: spans, limit: limit) |> Storage.native_filter()
  end

  @doc "The events, shown."
  @spec all([Event.t()], Survey.t(), Pairs.terms()) :: [Event.t()]
  def all(events, survey, terms) do
    events
    |> named(survey)
    |> Pairs.show(survey.scope.store, terms, &Find.each(survey, &1, &2))
  end

  @doc "The events, shown but for the pairs of their messages."
  @spec named([Event.t()], Survey.t()) :: [Event.t()]
  def named(events, survey) do
    find = &Find.all(survey, &1)

    events
    |> received(survey.scope)
    |> Traces.show(find)
    |> Entries.show(find)
    |> Names.show(&marks(survey, &1))
  end

  # The stamps of a member whose clock runs ahead are not believed; where its events are read from
  # itself, nobody said yet when they came.
  defp received(events, scope) do
    case GlobalClock.quarantined(scope.name) do
      [] -> events
      ahead -> Enum.map(events, &received(&1, ahead, GlobalClock.now(scope.name)))
    end
  end

  defp received(%{node: node, at: at, meta: meta} = event, ahead, now) do
    ahead? = node in ahead and GlobalClock.compare(at, now) == :gt
    if ahead?, do: %{event | meta: Map.put_new(meta, :received_at, now)}, else: event
  end

  @doc "What matches as events, shown: up to the limit."
  @spec events(Reading.t(), keyword) :: {map, Reading.t()}
  def events(reading, options) do
    {events, reading} = Reading.take(reading, options[:limit])
    {more?, reading} = Reading.more?(reading)
    cursor = with %Event{} = event <- List.last(events), do: Cursor.of(event)
    shown = all(events, reading.survey, terms(reading.survey))
    {%{events: shown, count: length(shown), more?: more?, cursor: cursor}, reading}
  end

  @doc "The messages of a stretch of time, paired; at most so many are read."
  @spec pairs(Survey.t(), Pairs.stretch() | nil, pos_integer) :: reference | nil
  def pairs(survey, stretch, limit \\ Pairs.limits().limit) do
    source = &Find.each(survey, &1, &2)
    Pairs.read(survey.scope.store, stretch, terms(survey), limit, source)
  end

  @doc "On what terms messages are paired: of who did not answer there may be events that are not here."
  @spec terms(Survey.t()) :: Pairs.terms()
  def terms(%{scope: scope, missing: missing, unheard: unheard}),
    do: %{unsure: Map.keys(missing) ++ unheard, clocks_ms: scope.options[:max_clock_drift_ms]}

  defp marks(survey, keys) do
    filter = Options.validate!(:filter, kinds: [:mark], contains: "correlation", limit: @marks)
    Find.native(survey, %{Storage.native_filter(filter) | correlation_id: keys})
  end
end
