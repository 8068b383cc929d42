defmodule ElixirScope.Distributed.Query.Streaming do
  @moduledoc false
  # All events that match, one after the other, as somebody takes them. A worker reads one batch
  # ahead, and ends with who reads. What is missing is said in the stream itself, by events of the
  # kind `:gap` that nobody recorded, as there is no other place where a reader has to look.

  alias ElixirScope.Distributed.{Error, Event, GlobalClock, Scope}
  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.Query

  alias ElixirScope.Distributed.Query.{
    Cursor,
    Find,
    Holes,
    Losses,
    Reading,
    Result,
    Show,
    Survey,
    Worker
  }

  # Events that are handed over at once.
  @batch 500

  # Of messages so many are read at once, as those around them are looked at to pair them.
  @messages 5_000

  # How often is asked whether what was recorded before the stream began is settled.
  @tries 4

  defstruct [
    :reading,
    :terms,
    :left,
    :cursor,
    over?: false,
    told: %{},
    expired: 0,
    told_expired: 0
  ]

  @doc "The stream; wrong options raise here, and what keeps it from beginning as it begins."
  @spec new(keyword | map) :: Enumerable.t()
  def new(filters) do
    options = checked!(filters)
    Stream.resource(fn -> start(options) end, &take/1, &Worker.stop/1)
  end

  defp checked!(filters) do
    case Query.check(:stream, filters) do
      {:ok, options} -> options
      {:error, error} -> raise error
    end
  end

  # In the process that reads

  defp start(options) do
    case Scope.fetch(options[:scope]) do
      {:ok, scope} -> Token.aside(fn -> Worker.start(scope, &serve(&1, scope, options)) end)
      {:error, error} -> raise error
    end
  end

  defp take({worker, monitor} = reader) do
    Token.aside(fn -> send(worker, {:next, monitor}) end)

    receive do
      {^monitor, {:events, events}} -> {events, reader}
      {^monitor, :done} -> {:halt, reader}
      {^monitor, {:error, error}} -> raise error
      {:DOWN, ^monitor, :process, _pid, reason} -> raise Error.new(:query_failed, reason: reason)
    end
  end

  # In the worker

  defp serve(asker, scope, options) do
    case open(scope, options) do
      {:ok, state} -> hand_over(asker, state)
      {:error, error} -> answer(asker, {:error, error})
      {:error, reason, message} -> answer(asker, {:error, Error.new(reason, message: message)})
    end
  end

  defp hand_over(asker, %{over?: true}), do: answer(asker, :done)

  defp hand_over(asker, state) do
    {events, state} = batch(state)
    began = now_ms()
    answer(asker, {:events, events})
    hand_over(asker, update_in(state.reading, &Reading.idle(&1, now_ms() - began)))
  end

  defp answer(asker, answer) do
    receive do: ({:next, monitor} -> send(asker, {monitor, answer}))
  end

  defp now_ms, do: System.monotonic_time(:millisecond)

  # Behind what every member knows to be settled something older may still come: who goes on from
  # the last event would never see it.
  defp open(scope, options) do
    with {:ok, survey} <- survey(scope, options, GlobalClock.now(scope.name), @tries),
         {:ok, _enough} <- Result.require(Result.of(survey, []), options[:require]),
         how = [patience: :page, until: Survey.settled(survey)],
         {:ok, reading} <- Query.open(survey, options, how) do
      expired = Holes.count(survey, reading.filter)
      state = %__MODULE__{reading: reading, terms: Show.terms(survey), expired: expired}
      {:ok, %{state | left: options[:limit], cursor: options[:after]}}
    end
  end

  # A thread that is stopped while it records holds everything up, for a moment.
  defp survey(scope, options, began, tries) do
    with {:ok, survey} <- Survey.take(scope, options[:nodes], options) do
      if tries > 1 and before?(Survey.settled(survey), began),
        do: survey(scope, options, began, tries - 1),
        else: {:ok, survey}
    end
  end

  defp before?({logical, ns}, {now_logical, now_ns, _node}),
    do: {ns, logical} < {now_ns, now_logical}

  defp batch(%{left: left} = state) do
    {events, reading} = state.reading |> Reading.next(min(@batch, left || @batch)) |> more(left)
    left = left && left - length(events)
    over? = reading.done? or left == 0
    state = %{state | reading: reading, left: left, over?: over?}
    {gaps, state} = gaps(state)
    {last, state} = state |> passed(events) |> last()
    {gaps ++ Show.all(events, reading.survey, state.terms) ++ last, state}
  end

  defp more({events, reading}, left) do
    if Enum.any?(events, &(&1.kind in [:send, :receive])) do
      {others, reading} =
        Reading.take(reading, min(@messages, left || @messages) - length(events))

      {events ++ others, reading}
    else
      {events, reading}
    end
  end

  defp passed(state, []), do: state
  defp passed(state, events), do: %{state | cursor: Cursor.of(List.last(events))}

  # What is missing from here on
  defp gaps(%{reading: reading} = state) do
    missing = Map.merge(Find.missing(), reading.survey.missing)

    missed =
      for {node, reason} <- missing,
          state.told[node] == nil,
          do: gap(state, node, %{missing: reason})

    expired = reading.losses.expired + state.expired

    gone =
      if expired > state.told_expired,
        do: [gap(state, reading.survey.scope.node, %{expired: expired - state.told_expired})],
        else: []

    {missed ++ gone, %{state | told: missing, told_expired: expired}}
  end

  # What was lost on the way, as far as is known in the end
  defp last(%{over?: true, reading: reading} = state) do
    case Losses.dropped(reading.losses) do
      0 -> {[], state}
      dropped -> {[gap(state, reading.survey.scope.node, %{dropped: dropped})], state}
    end
  end

  defp last(state), do: {[], state}

  defp gap(%{cursor: cursor}, node, data) do
    at = if cursor, do: elem(cursor, 0), else: {0, 0, node}
    %Event{kind: :gap, node: node, at: at, data: data, meta: %{cursor: cursor}}
  end
end
