defmodule ElixirScope.Distributed.Causality.Spans.PlainTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Event, Opaque}
  alias ElixirScope.Distributed.Causality.Spans.Plain

  @now 1_763_690_000_000_000_000
  @event %Event{at: {0, @now, :a@h}, mono_ns: -576_460_000_000_000_000, kind: :send}

  defp alike?(one, other),
    do: Plain.hash(%{@event | data: one}) == Plain.hash(%{@event | data: other})

  test "processes, references, ports, functions and nodes are alike" do
    for {one, other} <- [
          {self(), spawn(fn -> :ok end)},
          {make_ref(), make_ref()},
          {self(), %Opaque{type: :pid}},
          {make_ref(), %Opaque{type: :reference}},
          {fn -> 1 end, fn -> 2 end},
          {:a@host, :b@host}
        ] do
      assert alike?({:ok, [one], %{key: one}}, {:ok, [other], %{key: other}})
      refute alike?({:ok, one}, {:error, other})
    end
  end

  test "a number near the time of the event is a time, in any unit" do
    for unit <- [1, 1_000, 1_000_000, 1_000_000_000],
        do: assert(alike?(div(@now, unit), div(@now + 5_000_000_000, unit) + 1))

    assert alike?(-576_460_750_025_081_465, -576_460_749_025_081_465)
    assert alike?(-576_460_750_025, -576_460_749_025)
    refute alike?(-576_460, -576_461)
    refute alike?(1, 2)
    refute alike?(@now, 7)
    refute alike?(86_400, 86_401)
  end

  test "what is a name, a number or a text is itself" do
    for {one, other} <- [
          {:a, :b},
          {1, 2},
          {"a", "b"},
          {1.0, 2.0},
          {[1 | 2], [1 | 3]},
          {%{a: 1}, %{a: 2}}
        ],
        do: refute(alike?(one, other))
  end

  test "the subject counts, but for functions and processes" do
    hash = &Plain.hash(%{@event | subject: &1})
    assert hash.({A, :f, 1}) == hash.({B, :g, 2})
    assert hash.(self()) == hash.(spawn(fn -> :ok end))
    refute hash.(:paid) == hash.(:sent)
  end

  test "where two terms differ first is told by the way there" do
    first = &Plain.first_difference({&1, @event}, {&2, @event})
    assert first.({:ok, [1, %{a: 2}]}, {:ok, [1, %{a: 3}]}) == {[1, 1, :a], 2, 3}
    assert first.([1], [1, 2]) == {[], [1], [1, 2]}
    assert first.(%{a: 1}, %{b: 1}) == {[], %{a: 1}, %{b: 1}}
    assert {[0], _, _} = first.({self(), 1}, {make_ref(), 1})
    assert first.({self(), 1}, {spawn(fn -> :ok end), 1}) == nil
    assert first.([1 | 2], [1 | 3]) == {[], [1 | 2], [1 | 3]}
  end
end
