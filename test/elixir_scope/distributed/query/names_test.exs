defmodule ElixirScope.Distributed.Query.NamesTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.{Event, Query.Names}

  defp event(id, fields \\ []),
    do: struct!(%Event{kind: :mark, subject: :step, correlation_id: id}, fields)

  defp mark(term, key), do: event(key, subject: :correlation, data: %{id: term, context: %{}})
  defp nothing, do: fn _keys -> [] end
  defp shown(events, lookup), do: for(e <- Names.show(events, lookup), do: e.correlation_id)

  test "a mark in the same answer names its events" do
    key = Correlation.key("r-17")
    assert shown([event(key), mark("r-17", key)], nothing()) == ["r-17", "r-17"]
  end

  test "others are looked for, once each" do
    key = Correlation.key("r-17")
    test = self()

    lookup = fn [key] ->
      send(test, {:looked, key})
      [event(key), mark("r-17", key)]
    end

    assert shown([event(key), event(key), event(1), event("x")], lookup) == [
             "r-17",
             "r-17",
             1,
             "x"
           ]

    assert_received {:looked, ^key}
    refute_received {:looked, _again}
  end

  test "a term that has not that key is nobody's name, and the key stays" do
    key = Correlation.key("r-17")
    assert shown([event(key), mark("other", key), mark(key, key)], nothing()) == [key, key, key]
    assert shown([event(key)], fn [key] -> [event(key, data: %{id: "r-17"})] end) == [key]
  end

  test "so many are looked for, and no more" do
    counter = :counters.new(1, [])
    lookup = fn keys -> :counters.add(counter, 1, length(keys)) && [] end
    Names.show(for(n <- 1..1_000, do: event(Correlation.key({n}))), lookup)
    assert :counters.get(counter, 1) == 100
  end
end
