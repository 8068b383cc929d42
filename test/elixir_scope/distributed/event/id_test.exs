defmodule ElixirScope.Distributed.Event.IdTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.{Error, Event, NastyText}
  alias ElixirScope.Distributed.Event.Id
  doctest Id

  test "text and back" do
    for node <- [:a@h, :nonode@nohost, :"a/b@h", :"a#1@h", :"a/1", :"", :nöde@h],
        incarnation <- [0, 1_763_690_000_000_000, 0xFFFFFFFFFFFFFFFF],
        seq <- [1, 0xFFFFFFFFFFFFFFFF] do
      id = {{node, incarnation}, seq}
      assert Id.parse(Id.text(id)) == {:ok, id}
      assert {:ok, ^id} = Id.find(Id.text(id, :short), [{node, incarnation}])
    end
  end

  test "what is no id is said, and nothing raises" do
    for wrong <- [
          "",
          "#",
          "a@h",
          "a@h#",
          "a@h#0",
          "a@h#-1",
          "a@h#+1",
          "a@h#1x",
          "a@h#18446744073709551616",
          <<0xFF>> <> "#1",
          String.duplicate("a", 2_000) <> "#1",
          nil,
          17,
          :a@h,
          {:a@h, 1},
          {{:a@h, 1}, 0},
          {{1, 1}, 1},
          %Event{}
        ] do
      assert {:error, %Error{reason: :bad_event_id} = error} = Id.read(wrong)
      assert Exception.message(error) =~ "is no id of an event"
    end
  end

  test "a short id of a node that is not there, or was there twice" do
    assert {:error, %Error{reason: :unknown_event}} = Id.find("a@h#1", [{:b@h, 1}])
    assert {:error, %Error{reason: :ambiguous_event}} = Id.find("a@h#1", [{:a@h, 1}, {:a@h, 2}])
    assert Id.find("a@h/2#1", [{:a@h, 1}, {:a@h, 2}]) == {:ok, {{:a@h, 2}, 1}}
    assert Id.find(%Event{id: {{:a@h, 2}, 1}}, []) == {:ok, {{:a@h, 2}, 1}}
  end

  test "no text becomes an atom" do
    # Interned only if something goes wrong.
    unknown = "no_such_node_#{System.unique_integer([:positive])}@h"
    assert {:ok, {{^unknown, 1}, 2}} = Id.parse(unknown <> "/1#2")
    assert_raise ArgumentError, fn -> String.to_existing_atom(unknown) end

    before = :erlang.system_info(:atom_count)
    for n <- 1..5_000, do: assert({:ok, {{_name, nil}, 1}} = Id.parse("#{n}#{unknown}#1"))
    # Other tests run beside this one: some atoms, not one for each text.
    assert :erlang.system_info(:atom_count) - before < 2_500
  end

  test "any text is an id or an error" do
    property(NastyText.text(), fn text ->
      assert {_ok_or_error, _} = Id.parse(text <> "#1")
      assert {:error, %Error{}} = Id.parse(text <> "#")
    end)
  end
end
