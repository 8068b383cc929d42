defmodule ElixirScope.Distributed.Export.Table do
  @moduledoc false
  # JSON Lines, CSV and Parquet: a row for each event. What is found stays in the core and is written
  # from there a part at a time, so that it takes no more memory for more events. What others say of a
  # part, its pairs of messages and what users call its correlations, is looked up for each part.

  alias ElixirScope.Distributed.{Export, GlobalClock, Query}
  alias ElixirScope.Distributed.Export.{Progress, Target, Written}
  alias ElixirScope.Distributed.Query.{Losses, Page, Reading, Result, Show}
  alias ElixirScope.Distributed.Storage.Kept

  # Events that are written at once.
  @part 2_048

  # Of messages so many, as those around them are read to pair them.
  @messages 16_384

  defstruct [:reading, :options, :table, :target, :progress, :left, count: 0]

  @doc "Writes the events that match checked options to a target."
  @spec write(atom, Target.place(), keyword) :: {:ok, Written.t()} | {:error, term}
  def write(format, place, options) do
    with {:ok, table} <- Export.table(format),
         {:ok, result} <- Query.take(options, &form(&1, &2, table, place)),
         do: finish(result, format, result.events)
  end

  # The target belongs to the worker that reads, which ends with the question: so does what was begun.
  defp form(reading, options, table, place) do
    reading = Kept.leave(reading)

    case Target.open(place) do
      {:ok, target} -> target |> Target.guarded(&rows(state(reading, options, table, &1)))
      {:error, error} -> {nothing({:error, error}, 0, false), reading}
    end
  end

  defp state(reading, options, table, target) do
    progress = Progress.new(options)
    state = %__MODULE__{reading: reading, options: options, table: table, target: target}
    %{state | progress: progress, left: options[:limit]}
  end

  defp rows(state) do
    with {:ok, state} <- parts(state),
         {more?, state} = more?(state),
         result = result(state, more?),
         {:ok, _enough} <- Result.require(result, state.options[:require]),
         {:ok, state} <- put(state, missing(state, lacks(result))),
         {:ok, state} <- put(state, Export.table_end(state.table)),
         {:ok, into} <- Target.close(state.target) do
      Progress.done(state.progress)
      {nothing({:ok, into, state}, state.count, more?), state.reading}
    else
      failure -> {nothing(failure, state.count, false), state.reading}
    end
  end

  defp result(state, more?),
    do: Query.result(state.reading, %{events: [], more?: more?}, state.options)

  defp nothing(events, count, more?), do: %{events: events, count: count, more?: more?}

  defp parts(%{left: 0} = state), do: {:ok, state}
  defp parts(%{reading: %{done?: true}} = state), do: {:ok, state}

  defp parts(state) do
    {steps, reading} = steps(state.reading, state.left, 0, [])

    with {:ok, state} <- put(%{state | reading: reading}, written(reading, steps, state.table)),
         do: parts(state)
  end

  # One part, or, where there are messages among it, several that are paired together.
  defp steps(%{done?: true} = reading, _left, _taken, steps), do: {Enum.reverse(steps), reading}
  defp steps(reading, left, taken, steps) when taken >= left, do: {Enum.reverse(steps), reading}

  defp steps(reading, left, taken, steps) do
    {step, reading} = Reading.step(reading, min(@part, left(left, taken)), &Page.take/2)
    {taken, steps} = {taken + step.count, [step | steps]}

    if taken < @messages and Enum.any?(steps, & &1.messages),
      do: steps(reading, left, taken, steps),
      else: {Enum.reverse(steps), reading}
  end

  defp left(nil, _taken), do: @part
  defp left(left, taken), do: left - taken

  defp written(reading, steps, table) do
    pairs = Show.pairs(reading.survey, stretch(steps))
    for %{events: found} <- steps, do: Export.rows(table, found, pairs, shown(reading, found))
  end

  # What is known of events besides what they hold.
  defp shown(%{survey: %{scope: scope} = survey}, found) do
    keyed = Export.keyed(found, scope.node)
    events = Show.named(for({_place, event} <- keyed, do: event), survey)

    named =
      Enum.zip_with(keyed, events, fn {place, _}, event -> {place, event.correlation_id} end)

    {logical, ns, _node} = GlobalClock.now(scope.name)
    ahead = GlobalClock.quarantined(scope.name)
    %{names: named, ahead: ahead, now: {logical, ns}, here: scope.node}
  end

  defp put(state, written) when is_list(written) do
    texts = for %{text: text} <- written, do: text
    damaged = sum(written, & &1.damaged)
    taken = sum(written, &(&1.count + &1.damaged))
    state = update_in(state.reading.losses, &Losses.more(&1, damaged))
    count = state.count + sum(written, & &1.count)
    left = state.left && state.left - taken
    put(%{state | count: count, left: left}, texts, count)
  end

  defp put(state, text), do: put(state, text, state.count)

  defp put(state, text, count) do
    case Target.put(state.target, text) do
      {:ok, target} ->
        Progress.told(state.progress, count, target)
        {:ok, %{state | target: target}}

      {:error, error} ->
        {:error, error}
    end
  end

  defp more?(state) do
    {more?, reading} = Reading.more?(state.reading)
    {more?, %{state | reading: reading}}
  end

  # What is missing has its place in a last row, which nobody recorded.
  defp missing(_state, lacks) when lacks == %{}, do: ""

  defp missing(%{reading: reading, table: table}, lacks) do
    {logical, ns, node} = GlobalClock.now(reading.survey.scope.name)
    Export.row_missing(table, node, {logical, ns}, lacks)
  end

  defp lacks(result) do
    missing = Map.new(result.missing, fn {node, reason} -> {node, inspect(reason)} end)

    all = %{
      missing: missing,
      dropped: result.dropped,
      expired: result.expired,
      more: result.more?
    }

    Map.reject(all, fn {_what, value} -> value in [%{}, 0, false] end)
  end

  # The stretch of time of all messages in some steps.
  defp stretch(steps) do
    case for(%{messages: {from, to}} <- steps, do: {from, to}) do
      [] -> nil
      all -> {min_of(all, 0), max_of(all, 1)}
    end
  end

  defp min_of(all, at), do: all |> Enum.map(&elem(&1, at)) |> Enum.min()
  defp max_of(all, at), do: all |> Enum.map(&elem(&1, at)) |> Enum.max()
  defp sum(written, field), do: written |> Enum.map(field) |> Enum.sum()

  defp finish(result, format, {:ok, into, state}) do
    known = Map.take(result, [:nodes, :missing, :dropped, :expired, :more?])
    written = %Written{format: format, into: into, events: state.count}
    {:ok, struct!(%{written | bytes: state.target.bytes}, known)}
  end

  defp finish(_result, _format, failure), do: failure
end
