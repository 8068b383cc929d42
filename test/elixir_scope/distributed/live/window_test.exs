defmodule ElixirScope.Distributed.Live.WindowTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Event
  alias ElixirScope.Distributed.Live.Window

  @nodes [:a@h, :b@h, :c@h]

  defp event(node, seq, ns, logical \\ 0),
    do: %Event{id: {{node, 1}, seq}, at: {logical, ns, node}, node: node, kind: :mark}

  defp place(%{at: {l, ns, node}, id: {{_, start}, seq}}), do: {ns, l, node, start, seq}
  defp ids(events), do: Enum.map(events, & &1.id)
  defp put(window, events, now \\ 0), do: Window.put(window, events, 0, now)

  test "an event waits until nothing older can come" do
    window = put(Window.new(1_000), [event(:a@h, 1, 10)])
    refute Window.due?(window, nil, 0)
    refute Window.due?(window, {0, 10}, 0)
    assert {[], window} = Window.due(window, {0, 10}, 0, 10)
    assert Window.due?(window, {1, 10}, 0)
    assert {[_event], window} = Window.due(window, {1, 10}, 0, 10)
    assert Window.oldest(window) == nil
    assert Window.status(window) == %{held: 0, bytes: 0}
  end

  test "nor longer than the bound; then what comes before it goes, too" do
    window = put(Window.new(100), [event(:a@h, 1, 20)], 0)
    window = put(window, [event(:b@h, 1, 10), event(:b@h, 2, 30)], 50)
    assert {[], window} = Window.due(window, nil, 99, 10)
    assert {events, window} = Window.due(window, nil, 100, 10)
    assert ids(events) == [{{:b@h, 1}, 1}, {{:a@h, 1}, 1}]
    assert Window.oldest(window) == {0, 30}
  end

  test "what comes after later ones were given out says so, and is given out at once" do
    window = put(Window.new(0), [event(:a@h, 1, 20)])
    {[_], window} = Window.due(window, nil, 0, 10)
    window = put(window, [event(:b@h, 1, 10), event(:b@h, 2, 20)], 0)
    assert {[late, in_time], _window} = Window.due(window, nil, 0, 10)
    assert late.meta == %{late: true} and late.at == {0, 10, :b@h}
    assert in_time.meta == %{}
  end

  test "one clock that is ahead makes nobody else late" do
    ahead = %{event(:b@h, 1, 9_000) | meta: %{received_at: {0, 15, :a@h}}}
    window = put(Window.new(0), [event(:a@h, 1, 10), ahead, event(:a@h, 2, 20)])
    {events, window} = Window.due(window, nil, 0, 10)
    assert ids(events) == [{{:a@h, 1}, 1}, {{:b@h, 1}, 1}, {{:a@h, 1}, 2}]
    {[next], _window} = window |> put([event(:c@h, 1, 30)]) |> Window.due(nil, 0, 10)
    assert next.meta == %{}
  end

  test "the same event comes once" do
    window = Window.new(0) |> put([event(:a@h, 1, 1)]) |> put([event(:a@h, 1, 1)])
    assert Window.status(window).held == 1
    assert {[_once], _} = Window.due(window, nil, 0, 10)
  end

  test "without room the oldest go, and are counted" do
    {most, bytes} = Window.limits()
    window = put(Window.new(0), for(n <- 1..(most + 5), do: event(:a@h, n, n)))
    assert Window.status(window).held == most
    assert {5, window} = Window.dropped(window)
    assert {0, _window} = Window.dropped(window)
    assert Window.oldest(window) == {0, 6}

    heavy = Window.put(Window.new(0), [event(:a@h, 1, 1), event(:a@h, 2, 2)], bytes * 3, 0)
    assert %{held: 0} = Window.status(heavy)
    assert {2, _window} = Window.dropped(heavy)
  end

  test "what nobody takes is dropped as it is due, and what is not due stays" do
    window = put(Window.new(1_000), for(n <- 1..9, do: event(:a@h, n, n)))
    window = window |> Window.drop({0, 5}, 0) |> Window.lost(2)
    assert {6, window} = Window.dropped(window)
    assert {events, _window} = Window.due(window, {0, 100}, 0, 10)
    assert length(events) == 5
  end

  # What happens: some events of a member come, time passes, a message is due, nobody takes it.
  defp step do
    arrival =
      tuple([constant(:put), integer(0..2), list(tuple([integer(0..500), integer(0..3)]))])

    one_of([
      arrival,
      arrival,
      tuple([constant(:due), integer(0..600), integer(1..5)]),
      tuple([constant(:drop), integer(0..600)]),
      tuple([constant(:pass), integer(0..120)])
    ])
  end

  defp run(steps, lateness) do
    state = %{window: Window.new(lateness), now: 0, seq: 0, put: [], given: [], dropped: 0}

    steps
    |> Enum.reduce(state, &happen/2)
    |> then(&happen({:due, 1_000, 100_000}, %{&1 | now: &1.now + lateness}))
  end

  defp happen({:put, node, stamps}, state) do
    node = Enum.at(@nodes, node)
    numbered = Enum.with_index(stamps, state.seq + 1)
    events = for {{ns, logical}, seq} <- numbered, do: event(node, seq, ns, logical)
    window = put(state.window, events, state.now)
    %{state | window: window, seq: state.seq + length(events), put: state.put ++ events}
  end

  defp happen({:due, promised, most}, state) do
    {events, window} = Window.due(state.window, {0, promised}, state.now, most)
    assert length(events) <= most
    {dropped, window} = Window.dropped(window)
    given = state.given ++ [events]
    %{state | window: window, given: given, dropped: state.dropped + dropped}
  end

  defp happen({:drop, promised}, state),
    do: %{state | window: Window.drop(state.window, {0, promised}, state.now)}

  defp happen({:pass, ms}, state), do: %{state | now: state.now + ms}

  test "what is shown and what is dropped is all there was, each once" do
    property(tuple([list(step()), integer(0..200)]), fn {steps, lateness} ->
      state = run(steps, lateness)
      shown = ids(Enum.concat(state.given))
      assert length(shown) == length(Enum.uniq(shown))
      assert shown -- ids(state.put) == []
      assert length(shown) + state.dropped == length(state.put)
    end)
  end

  test "what is not late is in order, over all messages, and what is late says so" do
    property(tuple([list(step()), integer(0..200)]), fn {steps, lateness} ->
      events = Enum.concat(run(steps, lateness).given)
      places = for event <- events, not Map.has_key?(event.meta, :late), do: place(event)
      assert places == Enum.sort(places)

      Enum.reduce(events, {}, fn event, last ->
        if place(event) < last, do: assert(event.meta[:late])
        max(place(event), last)
      end)
    end)
  end

  test "nothing waits for longer than the bound" do
    property(tuple([list(step()), integer(0..200)]), fn {steps, lateness} ->
      state = Enum.reduce(steps, %{run([], lateness) | given: []}, &happen/2)
      {_events, window} = Window.due(state.window, nil, state.now + lateness, 100_000)
      assert Window.oldest(window) == nil
    end)
  end
end
