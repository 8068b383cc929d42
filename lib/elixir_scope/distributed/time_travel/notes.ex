defmodule ElixirScope.Distributed.TimeTravel.Notes do
  @moduledoc false
  # Writing notes and bookmarks, and finding them. A note is about an event that a member has: its id is
  # looked up before anything is recorded, so that none points nowhere.

  alias ElixirScope.Distributed.{Error, Query}
  alias ElixirScope.Distributed.Capture.Recorder
  alias ElixirScope.Distributed.TimeTravel.{Moment, Note}

  @doc "Writes one, by checked options."
  @spec write(Note.kind(), term, term, keyword) :: :ok | Query.failure()
  def write(kind, of, text, options) do
    with :ok <- text(kind, text),
         {:ok, event} <- event(of, options),
         do: record(Note.data(kind, event.id, text), options[:scope])
  end

  defp record(data, scope), do: Recorder.record(Note.subject(), data, scope: scope)

  defp text(kind, text) do
    limit = Note.limit(kind)

    if is_binary(text) and String.valid?(text) and text != "" and byte_size(text) <= limit,
      do: :ok,
      else: {:error, bad_text(kind, text, limit)}
  end

  defp bad_text(kind, text, limit) do
    given = inspect(text, printable_limit: 40, limit: 5)
    message = "expected the text of a #{kind}, of 1 to #{limit} bytes, got: #{given}"
    Error.new(:bad_text, limit: limit, message: message)
  end

  defp event(of, options) do
    asked = Keyword.take(options, [:scope, :timeout_ms])

    with {:ok, {event, _missing}} <- Query.look(asked, &Moment.event(of, &1)), do: event
  end

  @doc "Those that match, oldest first, by checked options."
  @spec find(keyword) :: {:ok, [Note.t()]} | Query.failure()
  def find(options) do
    asked = Keyword.take(options, [:nodes, :from, :to, :limit, :scope, :timeout_ms])
    marks = [kinds: [:mark], contains: Atom.to_string(Note.subject())]

    with {:ok, of} <- about(options[:of], options),
         {:ok, events} <- Query.events(marks ++ asked) do
      notes = for event <- events, {:ok, note} <- [Note.read(event)], do: note
      {:ok, Enum.filter(notes, &wanted?(&1, of, options))}
    end
  end

  defp about(nil, _options), do: {:ok, nil}
  defp about(of, options), do: with({:ok, event} <- event(of, options), do: {:ok, event.id})

  defp wanted?(note, of, options) do
    (of == nil or note.of == of) and options[:kind] in [:all, note.kind] and
      (options[:name] == nil or (note.kind == :bookmark and note.text == options[:name]))
  end
end
