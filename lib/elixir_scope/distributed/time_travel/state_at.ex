defmodule ElixirScope.Distributed.TimeTravel.StateAt do
  @moduledoc false
  # The state of a process at a time: the last event of the kind `:state` up to then, from whoever
  # has it, and what has happened since that makes it doubtful. All of it is one question: one worker,
  # one look at what the members have.

  alias ElixirScope.Distributed.{Error, Options}
  alias ElixirScope.Distributed.Query
  alias ElixirScope.Distributed.Query.{Find, Page, Show, Survey}
  alias ElixirScope.Distributed.Storage.Plugged
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.TimeTravel.{Doubt, Machine, Moment, State}

  # States that are read back to find in which state a machine stayed.
  @back 10_000

  # How many of them are read at first.
  @few 16

  @doc "The state at a moment, by checked options."
  @spec find(pid, Moment.written(), keyword) :: {:ok, State.t()} | Query.failure()
  def find(pid, moment, options) do
    with {:ok, {found, missing}} <- Query.look(options, &answer(&1, pid, moment)),
         {:ok, state} <- found,
         do: {:ok, %{state | missing: missing}}
  end

  defp answer(survey, pid, written) do
    with {:ok, moment} <- Moment.resolve(written, survey),
         {:ok, event} <- last(survey, pid, moment),
         do: {:ok, state(event, survey, pid, moment)}
  end

  # Of one time there may be more states than one, and the event that is meant in between.
  defp last(survey, pid, {:event, _event} = moment) do
    case newest(survey, native(pid, moment)) do
      [event] ->
        if Moment.covers?(moment, event), do: {:ok, event}, else: among(survey, pid, moment)

      [] ->
        found([], survey, pid)
    end
  end

  defp last(survey, pid, moment), do: survey |> newest(native(pid, moment)) |> found(survey, pid)

  defp native(pid, moment) do
    filter = [limit: 1] ++ filter(pid) ++ Moment.up_to(moment)
    :filter |> Options.validate!(filter) |> Storage.native_filter()
  end

  defp among(survey, pid, moment) do
    filter = [limit: @few] ++ filter(pid) ++ Moment.up_to(moment)
    events = survey |> Find.all(filter) |> Enum.filter(&Moment.covers?(moment, &1))
    found(events, survey, pid)
  end

  # Where everything is here, the core goes straight to it.
  defp newest(survey, filter) do
    {_here, others} = Survey.shares(survey, filter, %{})

    if others == [] and not Plugged.plugged?(survey.scope),
      do: survey.scope.store |> Page.state(filter) |> List.wrap(),
      else: Find.native(survey, filter)
  end

  defp found([event | _earlier], _survey, _pid), do: {:ok, event}
  defp found([], survey, pid), do: {:error, nothing(survey, pid)}

  defp filter(pid), do: [pids: [pid], kinds: [:state], order: :desc]

  defp nothing(survey, pid) do
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

  defp state(event, survey, pid, moment) do
    [shown] = Show.all([event], survey, Show.terms(survey))
    doubt = Doubt.since(shown, survey, moment)

    %State{
      pid: pid,
      state: named(event, survey, pid),
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
  defp named(event, survey, pid) do
    if Machine.stayed?(event),
      do: survey |> before(event, pid) |> Machine.name(event),
      else: event.data
  end

  defp before(survey, event, pid) do
    filter = filter(pid) ++ [to: event.at]
    earlier = survey |> Find.all([limit: @few] ++ filter) |> Enum.filter(&behind?(&1, event))
    if Enum.any?(earlier, &Machine.names?/1), do: earlier, else: all_before(survey, event, filter)
  end

  defp all_before(survey, event, filter),
    do: survey |> Find.all([limit: @back] ++ filter) |> Enum.filter(&behind?(&1, event))

  defp behind?(earlier, event),
    do: earlier.id != event.id and Moment.covers?({:event, event}, earlier)
end
