defmodule ElixirScope.Distributed.View.TimelineTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Event, Query.Result, View.Timeline}
  doctest Timeline

  defp event(node, physical_ns, fields),
    do:
      struct!(%Event{at: {0, physical_ns, node}, node: node, kind: :mark, subject: :step}, fields)

  defp text(result, options \\ []),
    do: result |> Timeline.render(options) |> IO.iodata_to_binary()

  test "columns line up, and the footer says what is not there" do
    result = %Result{
      events: [
        event(:a@h, 1_000, subject: :calls),
        event(:longer@h, 2_501_000, subject: :serves, data: [1])
      ],
      nodes: [:a@h, :gone@h, :longer@h],
      missing: %{gone@h: :distributed_timeout},
      dropped: 3
    }

    assert text(result) == """
           +0.000 ms  a@h       -  calls
           +2.500 ms  longer@h  -  serves  [1]
           2 events of 3 nodes, 3 dropped, gone@h missing\
           """
  end

  test "no line is longer than the width, and every event has one line" do
    result = %Result{events: [event(:a@h, 1, data: String.duplicate("x\n", 200))], nodes: [:a@h]}

    for width <- [40, 80, 200],
        line <- result |> text(width: width) |> String.split("\n") |> Enum.drop(-1) do
      assert String.length(line) <= width
    end

    assert length(String.split(text(result), "\n")) == 2
  end

  test "functions and kinds" do
    events = [
      event(:a@h, 1, kind: :call, subject: {Enum, :map, 2}),
      event(:a@h, 2, kind: :gap, subject: nil, data: 7)
    ]

    assert text(%Result{events: events, nodes: [:a@h]}) =~ "call Enum.map/2"
    assert text(%Result{events: events, nodes: [:a@h]}) =~ "gap"
  end

  test "one colour for each node, none unless asked" do
    result = %Result{events: [event(:a@h, 1, []), event(:b@h, 2, [])], nodes: [:a@h, :b@h]}
    refute text(result) =~ "\e["
    assert text(result, color: true) =~ "\e[36m"
  end

  test "nothing is a timeline, too" do
    assert text(%Result{events: [], nodes: [:a@h]}) ==
             "0 events of 1 node, 0 dropped, none missing"
  end
end
