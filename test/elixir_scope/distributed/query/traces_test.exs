defmodule ElixirScope.Distributed.Query.TracesTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Event, Query.Traces}

  defp event(origin, fields),
    do: struct!(Event, [id: {origin, 1}, node: elem(origin, 0)] ++ fields)

  defp joined(origin, number),
    do: event(origin, meta: %{truncated?: true, traces: {:joined, number}})

  defp announced(origin, number, ids),
    do: event(origin, kind: :trace_started, data: %{joined: number, traces: ids})

  defp traces(events, sets), do: for(e <- Traces.resolve(events, sets), do: e.meta.traces)

  test "a number means what its own origin said, on whichever node" do
    sets = Traces.sets([announced({:b, 2}, 7, [3, 4]), announced({:a, 1}, 7, [1, 2])])
    assert traces([joined({:a, 1}, 7), joined({:b, 2}, 7)], sets) == [[1, 2], [3, 4]]
  end

  test "an origin that began anew goes on with the numbers of the one before" do
    sets = Traces.sets([announced({:a, 2}, 8, [5, 6]), announced({:a, 1}, 7, [1, 2])])
    assert traces([joined({:a, 2}, 7), joined({:a, 2}, 8)], sets) == [[1, 2], [5, 6]]
  end

  test "of several beginnings of a node its own counts, else the last" do
    sets = Traces.sets([announced({:a, 3}, 7, [8, 9]), announced({:a, 1}, 7, [1, 2])])
    assert traces([joined({:a, 1}, 7), joined({:a, 4}, 7)], sets) == [[1, 2], [8, 9]]
  end

  test "a number that nobody explains is no trace, and one trace stays what it is" do
    [unknown, single, none] =
      Traces.resolve(
        [joined({:a, 1}, 7), event({:a, 1}, meta: %{traces: [4]}), event({:a, 1}, meta: %{})],
        Traces.sets([event({:a, 1}, kind: :trace_started, data: %{trace: 1})])
      )

    assert unknown.meta == %{truncated?: true, traces: []}
    assert {single.meta, none.meta} == {%{traces: [4]}, %{}}
  end
end
