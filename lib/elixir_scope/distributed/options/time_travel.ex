defmodule ElixirScope.Distributed.Options.TimeTravel do
  @moduledoc false
  # What is asked about the past of a process, as a part of the one schema of all options.

  alias ElixirScope.Distributed.Options.Query

  @doc "Of `state_at/3`."
  @spec of_state(atom) :: keyword
  def of_state(scope), do: asked(scope)

  @doc "Of `changes/3`."
  @spec of_changes(atom) :: keyword
  def of_changes(scope) do
    [
      from: [
        type: {:or, [:moment, nil]},
        default: nil,
        doc: "not before: a time or an event, as `state_at/2` takes them"
      ],
      to: [type: {:or, [:moment, nil]}, default: nil, doc: "not after, written like `from`"],
      limit: [
        type: :pos_integer,
        default: 10_000,
        doc: "at most so many events of the process are looked at"
      ]
    ] ++ asked(scope)
  end

  @doc "Of the view `states`, beside what every view takes."
  @spec of_states(atom) :: keyword
  def of_states(scope) do
    of_changes(scope) ++
      [
        path: [
          type: {:list, :any},
          default: [],
          doc: "only what stands there in the state: keys and indices, as `changes/3` takes them"
        ]
      ]
  end

  @doc "Of `replay/5`."
  @spec of_replay(atom) :: keyword
  def of_replay(scope) do
    [
      messages: [
        type: :pos_integer,
        default: 10_000,
        doc: "at most so many messages are replayed; of more it is refused"
      ],
      deadline_ms: [
        type: :pos_integer,
        default: 30_000,
        doc: "how long all of it may take, in the replay node"
      ],
      memory_bytes: [
        type: :pos_integer,
        default: 256 * 1024 * 1024,
        doc: "how large the replay node may grow, the 60 MB or so of the VM itself included"
      ],
      sends: [
        type: :non_neg_integer,
        default: 1_000,
        doc: "how many of the messages that were sent are in the result; the others are counted"
      ]
    ] ++ asked(scope)
  end

  @doc "Of `note/3` and `bookmark/3`."
  @spec of_note(atom) :: keyword
  def of_note(scope), do: asked(scope)

  @doc "Of `notes/1`."
  @spec of_notes(atom) :: keyword
  def of_notes(scope) do
    [
      of: [type: {:or, [:event, nil]}, default: nil, doc: "only those of this event"],
      kind: [
        type: {:in, [:all, :note, :bookmark]},
        default: :all,
        doc: "only notes, or only bookmarks"
      ],
      name: [type: {:or, [:string, nil]}, default: nil, doc: "only bookmarks of this name"]
    ] ++ Keyword.take(Query.filter(), [:nodes, :from, :to, :limit]) ++ asked(scope)
  end

  defp asked(scope), do: Keyword.take(Query.of_question(scope), [:scope, :timeout_ms])
end
