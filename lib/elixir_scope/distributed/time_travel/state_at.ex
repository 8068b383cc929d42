defmodule ElixirScope.Distributed.TimeTravel.StateAt do
  @moduledoc false
  # The state of a process at a time: the last event of the kind `:state` up to then, from whoever
  # has it, and what has happened since that makes it doubtful. All of it is one question: one worker,
  # one look at what the members have.

  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Query
  alias ElixirScope.Distributed.Query.{Find, Reading, Show}
  alias ElixirScope.Distributed.TimeTravel.{Doubt, Machine, Moment, State}

  # States that are read back to find in which state a machine stayed.
  @back 10_000

  # How many of them are read at first.
  @few 16

  @doc "The state at a moment, by checked options."
  @spec find(pid, Moment.written(), keyword) :: {:ok, State.t()} | Query.failure()
  def find(pid, moment, options) do
    options = [pids: [pid], kinds: [:state], order: :desc, limit: 1, to: time(moment)] ++ options

    with {:ok, result} <- Query.run(options, &answer(&1, &2, moment)),
         {:ok, state} <- result.events do
      {:ok, %{state | missing: result.missing}}
    end
  end

  defp time(moment), do: if(moment == :now or Moment.event?(moment), do: nil, else: moment)

  defp answer(reading, options, written) do
    {found, reading} = last(reading, options, written)

    state =
      with {:ok, event, moment} <- found,
           do: {:ok, state(event, reading.survey, options, moment)}

    {%{events: state, count: 1, more?: false}, reading}
  end

  # Up to a time the question has its answer by itself.
  defp last(reading, options, written) do
    if Moment.event?(written) do
      {last_before(reading.survey, options, written), reading}
    else
      {events, reading} = Reading.take(reading, 1)
      {:ok, moment} = Moment.resolve(written, reading.survey)
      {found(events, moment, reading.survey, options), reading}
    end
  end

  # Of one time there may be more states than one, and the event that is meant in between.
  defp last_before(survey, options, written) do
    with {:ok, moment} <- Moment.resolve(written, survey) do
      filter = [limit: @few] ++ filter(options) ++ Moment.up_to(moment)
      events = survey |> Find.all(filter) |> Enum.filter(&Moment.covers?(moment, &1))
      found(events, moment, survey, options)
    end
  end

  defp found([event | _earlier], moment, _survey, _options), do: {:ok, event, moment}
  defp found([], _moment, survey, options), do: {:error, nothing(survey, options)}

  defp filter(options), do: [pids: options[:pids], kinds: [:state], order: :desc]

  defp nothing(survey, options) do
    [pid] = options[:pids]

    case Find.all(survey, pids: [pid], kinds: [:state], limit: 1) do
      [first] -> before_first(pid, first)
      [] -> no_state(pid, survey.missing)
    end
  end

  defp before_first(pid, first) do
    message =
      "the first state of #{inspect(pid)} was captured later, at #{Moment.text(first.at)}: " <>
        "what it was before is not known"

    Error.new(:before_first_state, pid: pid, event: first.id, at: first.at, message: message)
  end

  defp no_state(pid, missing) do
    away = for {node, _reason} <- missing, do: to_string(node)
    unheard = if away == [], do: "", else: "; #{Enum.join(away, ", ")} did not answer"

    message =
      "no state of #{inspect(pid)} was captured#{unheard}: trace its module with state: true"

    Error.new(:no_state_captured, pid: pid, missing: missing, message: message)
  end

  defp state(event, survey, options, moment) do
    [shown] = Show.all([event], survey, Show.terms(survey))
    doubt = Doubt.since(shown, survey, moment)

    %State{
      pid: hd(options[:pids]),
      state: named(event, survey, options),
      event: event.id,
      at: event.at,
      callback: event.subject,
      correlation_id: shown.correlation_id,
      truncated?: event.meta[:truncated?] == true,
      unsure_since: doubt.since,
      unsure: doubt.reasons,
      ended: doubt.ended,
      dropped: doubt.dropped
    }
  end

  # A machine that stayed in its state says only its data; which it was, an earlier event says.
  defp named(event, survey, options) do
    if Machine.stayed?(event),
      do: survey |> before(event, options) |> Machine.name(event),
      else: event.data
  end

  defp before(survey, event, options) do
    filter = filter(options) ++ [to: event.at]
    earlier = survey |> Find.all([limit: @few] ++ filter) |> Enum.filter(&behind?(&1, event))
    if Enum.any?(earlier, &Machine.names?/1), do: earlier, else: all_before(survey, event, filter)
  end

  defp all_before(survey, event, filter),
    do: survey |> Find.all([limit: @back] ++ filter) |> Enum.filter(&behind?(&1, event))

  defp behind?(earlier, event),
    do: earlier.id != event.id and Moment.covers?({:event, event}, earlier)
end
