defmodule ElixirScope.Distributed.TimeTravel do
  @moduledoc """
  The past of a process: what its state was, who changed it in which message, and the same
  messages once more.

  It is made of what a trace captured; nothing is asked of the process itself, which may be long gone.

      {:ok, _trace} =
        ElixirScope.Distributed.trace(MyApp.Cart, state: true, messages: true, capture: :full)

  States come with `state: true`, and are those that each callback leaves. Naming the module
  captures the calls of its callbacks, which say exactly what was handled; `messages: true` adds who sent
  it and the references in it; `capture: :full` keeps up to 64 KiB of each, which `replay/4` needs.

  A path is written as for `get_in/2`: keys of maps, structs and keyword lists, and indices of lists and
  tuples. The state of a `gen_statem` is `{state, data}`, so that `[0]` is the state it is in, and
  `[1, :count]` a field of its data. That of an agent is the agent's.
  """

  alias ElixirScope.Distributed.{Error, Event, Options, Query}
  alias ElixirScope.Distributed.TimeTravel.{Changes, Moment, Note, Notes, Past, Path}
  alias ElixirScope.Distributed.TimeTravel.{State, StateAt}

  @doc false
  @spec state_at(pid, Moment.written(), keyword) :: {:ok, State.t()} | Query.failure()
  def state_at(pid, time, options) do
    with :ok <- process(pid),
         :ok <- moment(time),
         {:ok, options} <- check(:state_at, options),
         do: StateAt.find(pid, time, options)
  end

  @doc false
  @spec changes(pid, [term], keyword) :: {:ok, Changes.t()} | Query.failure()
  def changes(pid, path, options) do
    with :ok <- path(path), {:ok, past} <- past(pid, :changes, options) do
      if Enum.any?(past.turns, & &1.state),
        do: {:ok, Changes.of(past, path)},
        else: {:error, Past.nothing(past)}
    end
  end

  @doc false
  # The past of a process, by the options of an entry point.
  @spec past(pid, atom, keyword) :: {:ok, Past.t()} | Query.failure()
  def past(pid, entry, options) do
    with :ok <- process(pid),
         {:ok, options} <- check(entry, options),
         do: Past.read(pid, options)
  end

  @doc false
  @spec note(Note.kind(), Moment.written(), String.t(), keyword) :: :ok | Query.failure()
  def note(kind, event, text, options) do
    with :ok <- event(event),
         {:ok, options} <- check(:note, options),
         do: Notes.write(kind, event, text, options)
  end

  defp event(event), do: with({:ok, _id} <- Event.Id.read(event), do: :ok)

  @doc false
  @spec notes(keyword) :: {:ok, [Note.t()]} | Query.failure()
  def notes(filters),
    do: with({:ok, options} <- check(:notes, filters), do: Notes.find(options))

  @doc false
  # What was given for a moment, a process and a path, and options by their schema.
  @spec moment(term) :: :ok | {:error, Error.t()}
  def moment(time), do: if(Moment.valid?(time), do: :ok, else: {:error, bad_moment(time)})

  @doc false
  @spec process(term) :: :ok | {:error, Error.t()}
  def process(pid) when is_pid(pid), do: :ok
  def process(other), do: bad(:bad_process, "expected a pid, got: #{inspect(other)}")

  @doc false
  @spec check(atom, keyword | map) :: {:ok, keyword} | {:error, Error.t()}
  def check(entry, options) do
    with {:error, message} <- Options.validate(entry, options), do: bad(:bad_option, message)
  end

  defp path(path) do
    if Path.valid?(path),
      do: :ok,
      else:
        bad(:bad_path, "expected a list of at most 64 keys and indices, got: #{inspect(path)}")
  end

  defp bad_moment(time) do
    message =
      "expected :now, a timestamp, a DateTime, nanoseconds since 1970, or an event or its id, got: " <>
        inspect(time)

    Error.new(:bad_moment, given: time, message: message)
  end

  defp bad(reason, message), do: {:error, Error.new(reason, message: message)}
end
