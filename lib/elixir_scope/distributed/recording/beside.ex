defmodule ElixirScope.Distributed.Recording.Beside do
  @moduledoc false
  # What explains the events of a recording and does not match its filters: gaps, as without them nobody
  # knew what was lost; the marks that say whose ids are whose; the calls that began ids, without what
  # was called; what says which traces a number stands for; the
  # other halves of messages, without the message. The core takes of what is found here
  # only what belongs to events that are in the recording, and keeps it apart from them; notes of people alone are put among them.

  alias ElixirScope.Distributed.Capture.Correlation.Entry
  alias ElixirScope.Distributed.{Error, Event, Options}
  alias ElixirScope.Distributed.Query.{Cover, Find, Survey}
  alias ElixirScope.Distributed.Recording.Core
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # Ids that are looked for by name; of more, all marks and calls are looked at.
  @few 100

  # Processes whose calls are looked for, and calls of each.
  @processes 1_000
  @calls 10_000

  # Messages whose other halves are looked for by number; of more, all messages are looked at.
  @halves 20_000

  @typedoc "The recording that is written, from which answer, and what was asked for."
  @type job :: %{
          writer: Core.writer(),
          path: Path.t(),
          survey: Survey.t(),
          options: keyword
        }

  @doc "Adds all of it; raises what keeps it from being written."
  @spec add(job) :: :ok
  def add(job) do
    gaps(job)
    notes(job)
    names(job, keys(job, @few + 1))
    entries(job, keys(job, @few + 1))
    processes(job, keys(job, @processes))
    traces(job)
    halves(job, Core.halves(job.writer, @halves + 1))
  end

  defp keys(job, most), do: job.writer |> Core.open_questions(most) |> elem(0)

  # In the same nodes and time: what was lost may have matched.
  defp gaps(job),
    do: each(job, [kinds: [:gap]] ++ Keyword.take(job.options, [:nodes, :from, :to]), :gaps)

  # Who saves an event keeps what people wrote about it.
  defp notes(job), do: each(job, [kinds: [:mark], contains: "scope_note"], :notes)

  defp names(_job, []), do: :ok

  defp names(job, keys),
    do: each(job, [kinds: [:mark], contains: "correlation"], :names, few(keys))

  defp entries(_job, []), do: :ok
  defp entries(job, keys), do: each(job, [kinds: [:call]], :entries, few(keys))

  defp few(keys), do: if(length(keys) > @few, do: [], else: keys)

  # Keys that name a process alone, of which other nodes know no more: any of its calls may be meant.
  defp processes(job, keys) do
    members = Enum.filter(job.survey.members, &is_atom/1)
    names = Entry.names([node() | Node.list(:known)] ++ members)

    for key <- keys, {:any_call, {node, nil, pid, nil}} <- [Entry.read(key, names)] do
      each(job, [kinds: [:call], nodes: [node], pids: [pid]], :calls)
      Enum.each(calls(job, node, pid), &last(job, &1))
    end
  end

  defp calls(job, node, pid) do
    filter = [kinds: [:call], nodes: [node], pids: [pid], order: :desc, limit: @calls]
    for %Event{meta: %{entry: true}} = call <- Find.all(job.survey, filter), do: call
  end

  defp last(job, call) do
    filter = [nodes: [call.node], pids: [call.pid], order: :desc, limit: 1]
    each(job, filter, :last, [call.correlation_id])
  end

  defp traces(job) do
    if match?({_keys, true}, Core.open_questions(job.writer, 1)),
      do: each(job, [kinds: [:trace_started], contains: "joined"], :traces)
  end

  # A message leads from one event to another: without the other half nothing would lead anywhere.
  defp halves(_job, []), do: :ok

  defp halves(job, rows) do
    holdings = Cover.only(job.survey.holdings, rows)
    few = %{job | survey: %{job.survey | holdings: holdings}}
    each(if(length(rows) > @halves, do: job, else: few), [kinds: [:send, :receive]], :halves)
  end

  defp each(job, options, what, keys \\ []) do
    filter = :filter |> Options.validate!(options) |> Storage.native_filter()
    filter = %{filter | correlation_id: keys}
    Find.each(job.survey, filter, &take(job, &1, what))
    :ok
  end

  defp take(job, found, what) do
    case Core.beside(job.writer, found, what, job.path) do
      :ok when what == :last -> :done
      :ok -> :more
      {:error, %Error{} = error} -> throw(error)
    end
  end
end
