defmodule ElixirScope.Distributed.Query.Reading do
  @moduledoc false
  # A question while it is read: what is here directly, what others have page by page, merged in the
  # core into one order. Of each source one page is there and one on its way at most. When a
  # member fails, everything behind the last event is read anew from those that are left.

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Query.{Calls, Cover, Exchange, Losses, Page, Survey, Wire}
  alias ElixirScope.Distributed.Storage.Kept

  # Pages of a source that are here and on their way.
  @ahead 2

  defstruct [
    :survey,
    :filter,
    :turn,
    :merge,
    :cursor,
    :calls,
    :kept,
    sources: %{},
    events: [],
    waited: %{},
    patience: :question,
    after?: false,
    losses: %Losses{},
    done?: false
  ]

  @typedoc "Some ranges, read at one member: where it goes on, and how many of its pages are ahead."
  @type source :: %{
          node: node,
          ranges: [Wire.range()],
          cursor: Wire.cursor() | nil,
          asked?: boolean,
          more?: boolean,
          ahead: non_neg_integer
        }

  @type t :: %__MODULE__{
          survey: Survey.t(),
          filter: Wire.filter(),
          turn: reference,
          merge: reference,
          cursor: Wire.cursor() | nil,
          calls: Calls.t(),
          kept: Kept.t() | nil,
          sources: %{non_neg_integer => source},
          events: [Exchange.event()],
          waited: %{node => non_neg_integer},
          patience: :question | :page,
          after?: boolean,
          losses: Losses.t(),
          done?: boolean
        }

  @doc """
  Begins to read what matches a filter in the native form, behind a cursor. A member may let the
  question wait for it as long as the survey says: in all, or with `patience: :page`, for each page.
  """
  @spec open(Survey.t(), Wire.filter(), Wire.cursor() | nil, keyword) :: t
  def open(survey, filter, cursor, options \\ []),
    do:
      %__MODULE__{survey: survey, filter: filter, cursor: cursor, after?: cursor != nil}
      |> struct!(options)
      |> Kept.begin()
      |> start()

  defp start(%{survey: survey, filter: filter} = reading) do
    {local, others} = shares(reading)

    sources =
      for {node, rows} <- others,
          some <- Enum.chunk_every(rows, Wire.most_ranges()),
          do: source(node, some, reading.cursor)

    sources = sources |> Enum.with_index() |> Map.new(fn {source, index} -> {index, source} end)
    reading = %{reading | turn: make_ref(), sources: sources, events: []}
    reading = ask_all(%{reading | calls: Calls.new(survey.timeout_ms)})
    # While they look, so does this one.
    store = survey.scope.store
    %{reading | merge: Page.open(store, filter, local, reading.cursor, map_size(sources))}
  end

  # Whoever goes on from somewhere may find that retention was there before: who would have had it is
  # asked for that, too.
  defp shares(%{survey: survey, filter: filter, after?: after?} = reading) do
    below =
      if after?, do: survey.holdings |> Cover.below() |> Cover.of_nodes(names(filter)), else: %{}

    {local, others} =
      survey
      |> cover(filter)
      |> Cover.both(Kept.below(reading, below))
      |> Map.pop(survey.scope.node, [])

    {local, Enum.sort(for {node, [_ | _] = rows} <- others, do: {node, rows})}
  end

  defp cover(survey, filter), do: survey |> Survey.cover() |> Cover.of_nodes(names(filter))
  defp names(filter), do: Enum.map(filter.nodes, &Atom.to_string/1)

  defp source(node, ranges, cursor),
    do: %{node: node, ranges: ranges, cursor: cursor, asked?: false, more?: true, ahead: 0}

  @doc "The next events, some of them, at most so many; none when there are no more."
  @spec next(t, pos_integer) :: {[Event.t()], t}
  defdelegate next(reading, most), to: Kept

  @doc "The next events in another form, as `take` has them from the merge."
  @spec step(t, pos_integer, (reference, pos_integer -> Page.step(found))) ::
          {Page.step(found), t}
        when found: term
  def step(reading, most, take) do
    step = take.(reading.merge, most)
    reading = reading |> noted(step) |> polled() |> needed(step.need)

    cond do
      step.done? -> {step, %{reading | done?: true}}
      step.count > 0 -> {step, reading}
      true -> reading |> wait(step.need) |> step(most, take)
    end
  end

  @doc "Up to so many events."
  @spec take(t, non_neg_integer) :: {[Event.t()], t}
  def take(reading, most), do: take(reading, most, [])

  defp take(%{done?: true} = reading, _left, found), do: {flat(found), reading}
  defp take(reading, 0, found), do: {flat(found), reading}

  defp take(reading, left, found) do
    {events, reading} = next(reading, left)
    take(reading, left - length(events), [events | found])
  end

  @doc "Whether there are more."
  @spec more?(t) :: {boolean, t}
  def more?(%{done?: true} = reading), do: {false, reading}

  def more?(reading) do
    {events, reading} = next(reading, 1)
    {events != [], reading}
  end

  defp flat(found), do: found |> Enum.reverse() |> Enum.concat()

  @doc "Nothing more is wanted."
  @spec close(t) :: :ok
  def close(reading), do: Exchange.cancel(reading.calls, reading.survey.scope)

  defp noted(reading, step) do
    cursor = step.cursor || reading.cursor
    %{reading | cursor: cursor, losses: Losses.told(reading.losses, step.dropped, step.expired)}
  end

  defp needed(reading, need) do
    need
    |> Enum.reduce(reading, &put_in(&2.sources[&1].ahead, 0))
    |> ask_all()
  end

  # Asking

  defp ask_all(reading), do: Enum.reduce(Map.keys(reading.sources), reading, &ask(&2, &1))

  defp ask(reading, index) do
    source = reading.sources[index]
    wanted? = source.more? and not source.asked? and source.ahead < @ahead
    if wanted?, do: ask(reading, index, source), else: reading
  end

  defp ask(%{survey: %{scope: scope}} = reading, index, source) do
    body = %{
      filter: Wire.filter(reading.filter),
      ranges: source.ranges,
      cursor: source.cursor,
      max_bytes: Wire.page_bytes(),
      wait_ms: nil
    }

    {events, calls} =
      Exchange.ask(reading.calls, scope, {reading.turn, index}, source.node, :ask, body)

    reading = put_in(reading.sources[index].asked?, true)
    %{reading | calls: calls, events: reading.events ++ events}
  end

  # Waiting

  # What came while there was enough to read: who is not looked for does not seem to be late.
  defp polled(reading) do
    {events, calls} = Exchange.poll(reading.calls, reading.survey.scope)
    reading = %{reading | calls: calls}
    if events == [], do: reading, else: events |> Enum.reduce(reading, &happened/2) |> polled()
  end

  @doc "For so long nobody wanted to read."
  @spec idle(t, non_neg_integer) :: t
  def idle(reading, ms), do: update_in(reading.calls, &Calls.idle(&1, ms))

  defp wait(%{events: [event | events]} = reading, _need),
    do: happened(event, %{reading | events: events})

  defp wait(reading, need) do
    began = now_ms()
    {events, calls} = Exchange.await(reading.calls, reading.survey.scope)
    reading = waited(%{reading | calls: calls}, need, now_ms() - began)
    Enum.reduce(events, reading, &happened/2)
  end

  # A member that answers, and never gets anywhere, has the time of one that does not answer.
  defp waited(%{patience: :page} = reading, _need, _ms), do: reading

  defp waited(reading, need, ms) do
    nodes = for index <- need, uniq: true, do: reading.sources[index].node
    waited = Enum.reduce(nodes, reading.waited, &Map.update(&2, &1, ms, fn all -> all + ms end))
    late = for node <- nodes, waited[node] > reading.survey.timeout_ms, do: node
    Enum.reduce(late, %{reading | waited: waited}, &failed(&2, &1, :distributed_timeout))
  end

  defp happened(
         {:answer, {turn, index}, node, page},
         %{turn: turn, sources: sources} = reading
       )
       when is_map_key(sources, index) do
    source = sources[index]

    with true <- page.more == false or page.cursor != source.cursor,
         :ok <- Page.feed(reading.merge, index, page) do
      source = %{source | cursor: page.cursor, more?: page.more, asked?: false}
      ask(put_in(reading.sources[index], %{source | ahead: ahead(source, page, reading)}), index)
    else
      _not_a_page -> failed(reading, node, {:distributed_exit, :malformed})
    end
  end

  defp happened({:failed, {turn, index}, node, reason}, %{turn: turn} = reading)
       when is_map_key(reading.sources, index),
       do: failed(reading, node, reason)

  defp happened(_of_one_that_failed, reading), do: reading

  # A page with as many events as are wanted in all is seldom followed by another one.
  defp ahead(_source, %{count: count}, %{filter: %{limit: limit}}) when count >= limit, do: @ahead
  defp ahead(source, _page, _reading), do: source.ahead + 1

  # What others have too is read there; what nobody else has is missing.
  defp failed(reading, node, reason) do
    wanted = reading.survey |> cover(reading.filter) |> Map.get(node, [])
    survey = Survey.fail(reading.survey, node)
    left = survey |> Survey.cover() |> Map.values() |> Enum.concat()
    lost = Cover.less(wanted, left)
    survey = if lost == [], do: survey, else: Survey.miss(survey, node, reason)
    reading = %{reading | survey: survey}
    if lost == Cover.less(wanted, []), do: without(reading, node), else: again(reading)
  end

  defp without(reading, node) do
    {of_node, others} =
      Enum.split_with(reading.sources, fn {_index, source} -> source.node == node end)

    for {index, _source} <- of_node, do: Page.close(reading.merge, index)
    %{reading | sources: Map.new(others)}
  end

  defp again(reading) do
    close(reading)
    start(%{reading | losses: Losses.anew(reading.losses)})
  end

  defp now_ms, do: System.monotonic_time(:millisecond)
end
