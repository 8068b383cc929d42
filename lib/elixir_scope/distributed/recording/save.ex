defmodule ElixirScope.Distributed.Recording.Save do
  @moduledoc false
  # Writes what a question finds. It is read as a stream is, a part at a time, and stays in the core on its
  # way; so a recording may be larger than what a node has room for.

  alias ElixirScope.Distributed.{Error, Options, Query, Recording}
  alias ElixirScope.Distributed.Query.{Cover, Page, Reading, Result, Show, Survey}
  alias ElixirScope.Distributed.Recording.{Beside, Core, Reasons}
  alias ElixirScope.Distributed.Storage.Kept

  # Events that are taken at once.
  @part 2_048

  # Messages, and parts with some, that are held to be paired: as many as a stretch of time is read for.
  @messages 20_000
  @parts 32

  @doc "Saves what matches checked options."
  @spec run(Path.t(), keyword) :: {:ok, Recording.t()} | Query.failure()
  def run(path, options) do
    with {:ok, %Result{events: written} = result} <- Query.take(options, &write(&1, &2, path)),
         {:ok, writer} <- written,
         {:ok, {sums, damaged}} <- Core.finish(writer, outcome(result), path),
         do: {:ok, saved(path, result, sums, damaged)}
  end

  # What fails on the way is no crash: what was begun is removed.
  defp write(reading, options, path) do
    case Core.begin(path, options[:overwrite], about(reading, options)) do
      {:ok, writer} -> put(Kept.leave(reading), options, writer, path)
      {:error, error} -> found({:error, error}, reading)
    end
  end

  defp put(reading, options, writer, path) do
    job = %{writer: writer, path: path, survey: reading.survey, options: options}

    reading =
      reading |> all(job, options[:limit], []) |> tap(&Beside.add(%{job | survey: &1.survey}))

    found({:ok, writer}, reading)
  catch
    %Error{} = error ->
      Core.abandon(writer)
      found({:error, error}, reading)
  end

  defp found(written, reading), do: {%{events: written, count: 0, more?: false}, reading}

  defp all(%{done?: true} = reading, job, _left, held), do: stop(reading, job, held)
  defp all(reading, job, 0, held), do: stop(reading, job, held)

  defp all(reading, job, left, held) do
    {step, reading} = Reading.step(reading, min(@part, left || @part), &Page.take/2)
    must(Core.put(job.writer, step.events, job.path))
    held = if step.messages, do: [step | held], else: held
    all(reading, job, left && left - step.count, paired(held, job, reading.survey, @parts))
  end

  defp stop(reading, job, held) do
    paired(held, job, reading.survey, 1)
    reading
  end

  defp paired(held, job, survey, parts) do
    if length(held) >= parts or Enum.sum(Enum.map(held, & &1.count)) >= @messages,
      do: pair(held, job, survey),
      else: held
  end

  defp pair([], _job, _survey), do: []

  defp pair(held, job, survey) do
    stretch = {held |> Enum.map(&elem(&1.messages, 0)) |> Enum.min(), to(held)}
    pairs = Show.pairs(survey, stretch)
    for step <- held, do: must(Core.pairs(job.writer, step.events, pairs, job.path))
    []
  end

  defp to(held), do: held |> Enum.map(&elem(&1.messages, 1)) |> Enum.max()

  defp must(:ok), do: :ok
  defp must({:error, error}), do: throw(error)

  # What it says of itself

  defp about(%{survey: survey, filter: filter}, options) do
    %{
      library: to_string(Application.spec(:elixir_scope_distributed, :vsn) || ""),
      machine: "OTP #{System.otp_release()}, Elixir #{System.version()}",
      saved_ns: System.os_time(:nanosecond),
      by: to_string(survey.scope.node),
      filters: filters(options),
      members: Enum.map(survey.members, &to_string/1),
      covers: survey |> Survey.cover(filter) |> Map.values() |> Enum.concat() |> Cover.less([])
    }
  end

  # For people: what was not said is left out.
  defp filters(options) do
    plain = Options.defaults(:save)

    options
    |> Enum.reject(fn {key, value} -> key in [:scope, :overwrite] or plain[key] == value end)
    |> inspect(limit: 50, printable_limit: 500)
  end

  defp outcome(result) do
    %{
      missing:
        for({node, reason} <- result.missing, do: {to_string(node), Reasons.write(reason)}),
      dropped: result.dropped,
      expired: result.expired
    }
  end

  defp saved(path, result, sums, damaged) do
    %Recording{path: path, messages: sums.pairs, dropped: result.dropped + damaged}
    |> Map.merge(Map.take(sums, [:events, :beside, :bytes]))
    |> Map.merge(Map.take(result, [:nodes, :missing, :expired]))
  end
end
