defmodule ElixirScope.Distributed.Live.Feed do
  @moduledoc false
  # From pages to events as their users know them. What a member says of others than itself, or of
  # what it was not asked, is left out: so nothing comes twice.

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.{Event, Options, Scope}
  alias ElixirScope.Distributed.Live.Follow
  alias ElixirScope.Distributed.Query.{Answer, Entries, Host, Names, Page, Traces, Wire}
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  # Correlation ids whose marks are remembered, and how long it counts that there was none.
  @most 1_000
  @unknown_ms 1_000

  @most_in_a_page 8_192

  defstruct marks: %{}

  @typedoc "The marks that say what keys stand for; `nil` until when there was none."
  @type t :: %__MODULE__{marks: %{binary => {[Event.t()], until_ms :: integer | :infinity}}}

  @doc "Nothing is known."
  @spec new() :: t
  def new, do: %__MODULE__{}

  @doc "Asks a member; the calling process is sent the answer."
  @spec ask(Scope.t(), node, reference, map, Follow.question()) :: :ok | {:error, term}
  def ask(scope, node, ref, filter, {kind, body}) do
    body = if kind == :ask, do: Map.put(body, :filter, filter), else: body
    Host.ask(scope.name, node, kind, ref, body)
  catch
    # This node is too busy to take it.
    :exit, reason -> {:error, reason}
  end

  @doc "What this node answers to a question."
  @spec read(Scope.t(), map, Follow.question()) :: {atom, map}
  def read(scope, filter, {:ask, body}),
    do: Answer.to(scope, :ask, Map.put(body, :filter, filter))

  def read(scope, _filter, {kind, body}), do: Answer.to(scope, kind, body)

  @doc "The events of a page, as far as they were asked for, and how many of it cannot be read."
  @spec events(%{page: binary, count: non_neg_integer}, Wire.range()) ::
          {[Event.t()], lost :: non_neg_integer}
  def events(%{page: page, count: count}, range) do
    case Page.events(page) do
      {:ok, events} -> {Enum.filter(events, &asked?(&1, range)), lost(count - length(events))}
      {:error, _unreadable} -> {[], lost(count)}
    end
  end

  # A number that is only said.
  defp lost(count), do: count |> max(0) |> min(@most_in_a_page)

  # `:infinity` is larger than any number, as all atoms are.
  defp asked?(%{id: {{node, incarnation}, seq}}, {name, incarnation, first, last}),
    do: to_string(node) == name and seq >= first and seq <= last

  defp asked?(_event, _range), do: false

  @doc """
  The events, those whose stamps are further ahead of `now` than clocks are followed with when they came,
  as in a query.
  """
  @spec received([Event.t()], GlobalTimestamp.t(), non_neg_integer) :: [Event.t()]
  def received(events, {_logical, now_ns, _node} = now, drift_ms) do
    latest = now_ns + drift_ms * 1_000_000

    Enum.map(
      events,
      &if(elem(&1.at, 1) > latest, do: put_in(&1.meta[:received_at], now), else: &1)
    )
  end

  @doc "The event that stands for what cannot come any more; it is nobody's, and has no `id`."
  @spec gap(node, map) :: Event.t()
  def gap(node, %{at: {logical, ns}} = about) do
    %Event{
      at: {logical, ns, node},
      node: node,
      kind: :gap,
      data: Map.take(about, [:expired, :restarted, :from])
    }
  end

  @doc "The events with traces and correlation ids as their users call them, where that is known here."
  @spec named(t, [Event.t()], Storage.t(), integer) :: {[Event.t()], t}
  def named(feed, events, store, now_ms) do
    events = Traces.show(events, &find(store, &1))

    if Enum.any?(events, &match?(<<_::128>>, &1.correlation_id)) do
      events = Entries.show(events, &find(store, &1))
      feed = events |> Enum.reduce(feed, &learn/2) |> look_up(events, store, now_ms)
      {Names.show(events, &Enum.flat_map(&1, fn key -> marks(feed, key) end)), feed}
    else
      {events, feed}
    end
  end

  defp learn(
         %{kind: :mark, subject: :correlation, correlation_id: <<_::128>> = key} = mark,
         feed
       ),
       do: remember(feed, key, {[mark], :infinity})

  defp learn(_event, feed), do: feed

  defp look_up(feed, events, store, now_ms) do
    keys = for %{correlation_id: <<_::128>> = key} <- events, uniq: true, do: key
    unknown = Enum.reject(keys, &known?(feed, &1, now_ms))
    Enum.reduce(unknown, feed, &remember(&2, &1, found(store, &1, now_ms)))
  end

  defp known?(%{marks: marks}, key, now_ms) do
    case marks do
      %{^key => {_marks, until}} -> until == :infinity or now_ms < until
      _new -> false
    end
  end

  defp found(store, key, now_ms) do
    filter = [kinds: [:mark], correlation_id: key, contains: "correlation", limit: 10]
    marks = for mark <- find(store, filter), Correlation.key(mark.data[:id]) == key, do: mark
    {marks, if(marks == [], do: now_ms + @unknown_ms, else: :infinity)}
  end

  # All are forgotten at once: they can be found again.
  defp remember(%{marks: marks} = feed, key, found) when map_size(marks) < @most,
    do: put_in(feed.marks[key], found)

  defp remember(feed, key, found), do: %{feed | marks: %{key => found}}

  defp marks(%{marks: marks}, key), do: marks |> Map.get(key, {[], 0}) |> elem(0)

  defp find(store, filter) do
    {:ok, %{events: events}} = Storage.query(store, Options.validate!(:filter, filter))
    events
  end
end
