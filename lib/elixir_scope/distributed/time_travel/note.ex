defmodule ElixirScope.Distributed.TimeTravel.Note do
  @moduledoc """
  What somebody wrote about an event: a note with a text, or a bookmark with a name.

  It is an event itself, a mark with a subject of its own. So it is stored, reaches the other members and
  is kept with recordings as events are, and a view that has it in hand can show it: `read/1` says
  whether an event is one, and `by_event/1` which belong to which.

      {:ok, events} = ElixirScope.Distributed.events(correlation_id: "r-17")
      notes = ElixirScope.Distributed.TimeTravel.Note.by_event(events)

    * `kind` - `:note` or `:bookmark`;
    * `text` - the text of a note, the name of a bookmark;
    * `of` - the id of the event it is about;
    * `id`, `at`, `node`, `pid` - of the note itself: who wrote it, and when.
  """

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Types.GlobalTimestamp

  @subject :scope_note
  @limits [note: 2_000, bookmark: 120]

  defstruct [:kind, :text, :of, :id, :at, :node, :pid]

  @type kind :: :note | :bookmark
  @type id :: {Event.origin(), pos_integer}
  @type t :: %__MODULE__{
          kind: kind,
          text: String.t(),
          of: id,
          id: id,
          at: GlobalTimestamp.t(),
          node: node,
          pid: pid
        }

  @doc "The subject of their marks."
  @spec subject() :: atom
  def subject, do: @subject

  @doc """
  How many bytes a text has at most.

      iex> ElixirScope.Distributed.TimeTravel.Note.limit(:bookmark)
      120
  """
  @spec limit(kind) :: pos_integer
  def limit(kind), do: @limits[kind]

  @doc false
  # What is recorded of one: in text, as a name of a node need not be known elsewhere.
  @spec data(kind, id, String.t()) :: map
  def data(kind, {{node, incarnation}, seq}, text),
    do: %{kind: kind, of: {Atom.to_string(node), incarnation, seq}, text: text}

  @doc """
  The note that an event is. Anybody can record marks of any subject: what is not written as
  notes are is none.

      iex> alias ElixirScope.Distributed.{Event, TimeTravel.Note}
      iex> data = %{kind: :bookmark, of: {"nonode@nohost", 3, 7}, text: "here"}
      iex> {:ok, note} = Note.read(%Event{kind: :mark, subject: :scope_note, data: data})
      iex> {note.kind, note.text, note.of}
      {:bookmark, "here", {{:nonode@nohost, 3}, 7}}
      iex> Note.read(%Event{kind: :mark, subject: :scope_note, data: 7})
      :error
  """
  @spec read(Event.t()) :: {:ok, t} | :error
  def read(
        %Event{kind: :mark, subject: @subject, data: %{kind: kind, of: of, text: text}} = event
      )
      when kind in [:note, :bookmark] and is_binary(text) do
    with {:ok, of} <- about(of) do
      fields =
        event |> Map.take([:id, :at, :node, :pid]) |> Map.merge(%{kind: kind, text: text, of: of})

      {:ok, struct!(__MODULE__, fields)}
    end
  end

  def read(%Event{}), do: :error

  @doc "The notes among some events, of each event that they are about, oldest first."
  @spec by_event([Event.t()]) :: %{id => [t]}
  def by_event(events) do
    for(event <- events, {:ok, note} <- [read(event)], do: note) |> Enum.group_by(& &1.of)
  end

  # Of a node that is unknown here there is no event that a note could be shown with.
  defp about({node, incarnation, seq})
       when is_binary(node) and is_integer(incarnation) and is_integer(seq) do
    {:ok, {{String.to_existing_atom(node), incarnation}, seq}}
  rescue
    ArgumentError -> :error
  end

  defp about(_other), do: :error
end
