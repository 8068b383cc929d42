defmodule ElixirScope.Distributed.Live.Window do
  @moduledoc false
  # Events of several members on their way to one subscriber, put into the order of their stamps.
  #
  # An event is due when all members have promised that nothing older of theirs will come, or when it
  # has waited for the lateness bound; then so is everything before it. What comes when something later
  # was already given out is late: it is given out at once and says so in its meta. What finds no room
  # is dropped, the oldest first, and counted. Pure; the time, in milliseconds, is an argument.
  #
  # Invariants: what was put in is given out, dropped, or still here; of the events that are not late,
  # none is given out before an earlier one.

  alias ElixirScope.Distributed.Event

  # As many as may be given out in a second.
  @most_events 20_000
  @most_bytes 8 * 1024 * 1024

  defstruct [
    :lateness_ms,
    :given,
    :forced,
    events: :gb_trees.empty(),
    bytes: 0,
    arrivals: :queue.new(),
    dropped: 0,
    limits: {@most_events, @most_bytes}
  ]

  @typedoc "A place in the order of all events."
  @type place :: tuple
  @typedoc "A moment: logical part and nanoseconds."
  @type stamp :: {logical :: non_neg_integer, physical_ns :: non_neg_integer}
  @type t :: %__MODULE__{
          lateness_ms: non_neg_integer,
          given: place | nil,
          forced: place | nil,
          events: :gb_trees.tree(place, {Event.t(), non_neg_integer}),
          bytes: non_neg_integer,
          arrivals: :queue.queue({integer, place}),
          dropped: non_neg_integer,
          limits: {pos_integer, pos_integer}
        }

  @doc "An empty window."
  @spec new(non_neg_integer) :: t
  def new(lateness_ms), do: %__MODULE__{lateness_ms: lateness_ms}

  @doc "The bounds: events and bytes, as they came."
  @spec limits() :: {pos_integer, pos_integer}
  def limits, do: {@most_events, @most_bytes}

  @doc "Events of one member, in any order, that took `bytes` on their way."
  @spec put(t, [Event.t()], non_neg_integer, integer) :: t
  def put(window, [], _bytes, _now_ms), do: window

  def put(window, events, bytes, now_ms) do
    weight = div(bytes, length(events)) + 1
    window = Enum.reduce(events, window, &put_one(&1, weight, &2))
    last = events |> Enum.map(&place/1) |> Enum.max()
    shrink(%{window | arrivals: :queue.in({now_ms, last}, window.arrivals)})
  end

  # The same event again changes nothing.
  defp put_one(event, weight, window) do
    place = place(event)

    if :gb_trees.is_defined(place, window.events) do
      window
    else
      event = if late?(window, place), do: put_in(event.meta[:late], true), else: event
      events = :gb_trees.insert(place, {event, weight}, window.events)
      %{window | events: events, bytes: window.bytes + weight}
    end
  end

  defp late?(%{given: nil}, _place), do: false
  defp late?(%{given: given}, place), do: place < given

  @doc """
  The events that are due, at most `most`, in order. `promised` is the moment before which nothing will
  come of any member; `nil` where none has promised anything.
  """
  @spec due(t, stamp | nil, integer, pos_integer) :: {[Event.t()], t}
  def due(window, promised, now_ms, most) do
    window = wait(window, now_ms)
    take(window, until(window, promised), most, [])
  end

  @doc "Whether something is due."
  @spec due?(t, stamp | nil, integer) :: boolean
  def due?(window, promised, now_ms) do
    window = wait(window, now_ms)
    place = first(window)
    place != nil and place <= until(window, promised)
  end

  @doc "Drops what is due, as nobody takes it."
  @spec drop(t, stamp | nil, integer) :: t
  def drop(window, promised, now_ms) do
    {events, window} = due(window, promised, now_ms, :gb_trees.size(window.events) + 1)
    %{window | dropped: window.dropped + length(events)}
  end

  @doc "Counts what was lost elsewhere."
  @spec lost(t, non_neg_integer) :: t
  def lost(window, count), do: %{window | dropped: window.dropped + count}

  @doc "How many were dropped since this was asked last."
  @spec dropped(t) :: {non_neg_integer, t}
  def dropped(window), do: {window.dropped, %{window | dropped: 0}}

  @doc "The stamp of the first event that is not given out; `nil` if there is none."
  @spec oldest(t) :: stamp | nil
  def oldest(window) do
    with {ns, logical, _node, _incarnation, _seq} <- first(window), do: {logical, ns}
  end

  @doc "How much it holds."
  @spec status(t) :: %{held: non_neg_integer, bytes: non_neg_integer}
  def status(window), do: %{held: :gb_trees.size(window.events), bytes: window.bytes}

  # What has waited for long enough is given out with everything before it.
  defp wait(window, now_ms) do
    case :queue.peek(window.arrivals) do
      {:value, {at, place}} when at + window.lateness_ms <= now_ms ->
        forced = if window.forced, do: max(window.forced, place), else: place
        wait(%{window | forced: forced, arrivals: :queue.drop(window.arrivals)}, now_ms)

      _later ->
        window
    end
  end

  # Up to which place events are due. A promise says nothing about its own moment.
  defp until(%{forced: forced}, nil), do: forced || {}
  defp until(%{forced: forced}, {logical, ns}), do: max(forced || {}, {ns, logical, -1, 0, 0})

  defp take(window, _until, 0, taken), do: {Enum.reverse(taken), window}

  defp take(window, until, most, taken) do
    case first(window) do
      place when place != nil and place <= until ->
        {{place, event}, window} = pop(window)
        given = if window.given, do: max(window.given, place), else: place
        take(%{window | given: given}, until, most - 1, [event | taken])

      _nothing ->
        {Enum.reverse(taken), window}
    end
  end

  defp shrink(%{limits: {events, bytes}} = window) do
    if :gb_trees.size(window.events) > events or window.bytes > bytes do
      {_oldest, window} = pop(window)
      shrink(%{window | dropped: window.dropped + 1})
    else
      window
    end
  end

  defp pop(window) do
    {place, {event, weight}, events} = :gb_trees.take_smallest(window.events)
    {{place, event}, %{window | events: events, bytes: window.bytes - weight}}
  end

  defp first(%{events: events}) do
    if :gb_trees.is_empty(events), do: nil, else: events |> :gb_trees.smallest() |> elem(0)
  end

  # Whose clock is too far ahead to be followed would otherwise be ahead of everybody from then on.
  defp place(%{meta: %{received_at: {logical, ns, _by}}} = event),
    do: place(%{event | at: {logical, ns, event.node}, meta: %{}})

  defp place(%{at: {logical, ns, node}, id: {{_node, incarnation}, seq}}),
    do: {ns, logical, node, incarnation, seq}

  # A gap that is told of here is no event of anybody.
  defp place(%{at: {logical, ns, node}, data: %{from: seq}}), do: {ns, logical, node, 0, seq}
end
