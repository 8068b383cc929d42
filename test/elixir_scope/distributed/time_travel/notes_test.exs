defmodule ElixirScope.Distributed.TimeTravel.NotesTest do
  use ExUnit.Case

  import ElixirScope.Distributed.PastTraced, only: [scope!: 0]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Event}
  alias ElixirScope.Distributed.TimeTravel.Note
  doctest Note

  setup do
    scope = scope!()
    for n <- 1..3, do: Scope.record(:step, n, scope: scope)
    {:ok, events} = Scope.events(scope: scope, kinds: [:mark])
    [scope: scope, events: events]
  end

  defp texts(scope, filters \\ []) do
    {:ok, notes} = Scope.notes([scope: scope] ++ filters)
    for note <- notes, do: {note.kind, note.text, note.of}
  end

  defp reason({:error, %Error{} = error}) do
    assert is_binary(Exception.message(error))
    error.reason
  end

  test "an event is given as it is, by its id, or by its text", %{
    scope: scope,
    events: [one, two, three]
  } do
    :ok = Scope.note(one, "first", scope: scope)
    :ok = Scope.bookmark(two.id, "here", scope: scope)
    :ok = Scope.note(Event.Id.text(three.id, :short), "ätsch", scope: scope)
    :ok = Scope.note(Event.Id.text(one.id), "again", scope: scope)

    all = [
      {:note, "first", one.id},
      {:bookmark, "here", two.id},
      {:note, "ätsch", three.id},
      {:note, "again", one.id}
    ]

    assert texts(scope) == all
    assert texts(scope, kind: :bookmark) == [{:bookmark, "here", two.id}]
    assert texts(scope, name: "here") == [{:bookmark, "here", two.id}]
    assert texts(scope, name: "first") == []
    assert texts(scope, of: one) == [{:note, "first", one.id}, {:note, "again", one.id}]
    assert texts(scope, of: Event.Id.text(one.id), kind: :bookmark) == []
    assert texts(scope, limit: 1) == [{:note, "first", one.id}]
  end

  test "notes are events of who wrote them, and are found beside the others", %{
    scope: scope,
    events: [one | _]
  } do
    :ok = Scope.note(one, "first", scope: scope)
    {:ok, [note]} = Scope.notes(scope: scope)
    assert {note.pid, note.node} == {self(), node()}
    {:ok, events} = Scope.events(scope: scope)
    assert Note.by_event(events) == %{one.id => [note]}
    assert :ok = Scope.note(note.id, "about a note", scope: scope)
  end

  test "marks that only look like notes are none", %{scope: scope} do
    for data <- [
          nil,
          7,
          %{},
          %{kind: :note, of: {"x", 1, 2}, text: 7},
          %{kind: :other, of: {"nonode@nohost", 1, 2}, text: "x"},
          %{kind: :note, of: {"no node that anybody knows of", 1, 2}, text: "x"},
          %{kind: :note, of: 7, text: "x"}
        ],
        do: Scope.record(Note.subject(), data, scope: scope)

    assert texts(scope) == []
  end

  test "the largest text is kept whole", %{scope: scope, events: [one | _]} do
    text = String.duplicate("x", Note.limit(:note))
    :ok = Scope.note(one, text, scope: scope)
    assert [{:note, ^text, _of}] = texts(scope)
    name = String.duplicate("y", Note.limit(:bookmark))
    :ok = Scope.bookmark(one, name, scope: scope)
    assert [{:bookmark, ^name, _of}] = texts(scope, kind: :bookmark)
  end

  test "wrong input is refused, and nothing recorded", %{scope: scope, events: [one | _]} do
    {origin, _seq} = one.id

    for {event, text, why} <- [
          {one, "", :bad_text},
          {one, :atom, :bad_text},
          {one, nil, :bad_text},
          {one, <<255>>, :bad_text},
          {one, String.duplicate("x", 2_001), :bad_text},
          {7, "x", :bad_event_id},
          {"17", "x", :bad_event_id},
          {%Event{}, "x", :bad_event_id},
          {{origin, 9_999_999}, "x", :unknown_event},
          {"nowhere@h/1#7", "x", :unknown_event},
          {"nowhere@h#7", "x", :unknown_event}
        ] do
      assert reason(Scope.note(event, text, scope: scope)) == why
    end

    assert reason(Scope.bookmark(one, String.duplicate("x", 121), scope: scope)) == :bad_text
    assert reason(Scope.note(one, "x", scop: scope)) == :bad_option
    assert reason(Scope.note(one, "x", scope: :no_such_scope)) == :not_running
    assert reason(Scope.notes(kind: :letter)) == :bad_option
    assert reason(Scope.notes(of: :nothing)) == :bad_option
    assert reason(Scope.notes(scope: :no_such_scope)) == :not_running
    assert texts(scope) == []
  end
end
