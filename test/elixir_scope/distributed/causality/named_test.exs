defmodule ElixirScope.Distributed.Causality.NamedTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Causality, Error, Event}

  defp event(node, start, seq, ns) do
    %Event{
      id: {{node, start}, seq},
      at: {0, ns, node},
      node: node,
      pid: self(),
      kind: :mark,
      subject: :x
    }
  end

  setup do
    events = [
      event(:a@h, 1, 1, 10),
      event(:a@h, 1, 2, 20),
      event(:b@h, 1, 1, 30),
      event(:b@h, 2, 1, 40)
    ]

    {:ok, picture} = Causality.build(events)
    [picture: picture, events: events]
  end

  test "text, an event and an id mean the same everywhere", %{
    picture: picture,
    events: [one, other | _]
  } do
    for a <- [one, one.id, "a@h/1#1", "a@h#1"], b <- [other, other.id, "a@h/1#2", "a@h#2"] do
      assert Causality.place(picture, a) == 0
      assert Causality.relation(picture, a, b) == :before
      assert Causality.led_to(picture, b) == Causality.led_to(picture, other.id)
      assert Causality.influenced(picture, a) == Causality.influenced(picture, one.id)

      assert Causality.critical_path(picture, a, b) ==
               Causality.critical_path(picture, one.id, other.id)
    end
  end

  test "what is not clear or not there is unknown, and says why", %{
    picture: picture,
    events: [one | _]
  } do
    for {given, reason} <- [
          {"b@h#1", :ambiguous_event},
          {"c@h#1", :unknown_event},
          {"nobody knows this name@h#1", :unknown_event},
          {"17", :bad_event_id},
          {nil, :bad_event_id}
        ] do
      assert {:error, %Error{reason: ^reason}} = Causality.id(picture, given)
      assert Causality.place(picture, given) == nil
      assert Causality.relation(picture, given, one) == :unknown
      assert Causality.led_to(picture, given) == {:error, :unknown_event}
      assert Causality.influenced(picture, given) == {:error, :unknown_event}
      assert Causality.critical_path(picture, given, one) == {:error, :unknown_event}
    end

    assert Causality.place(picture, "nobody knows this name@h/1#1") == nil
    assert Causality.place(picture, "b@h/2#1") == 3
  end
end
