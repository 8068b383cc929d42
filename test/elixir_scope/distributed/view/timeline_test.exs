defmodule ElixirScope.Distributed.View.TimelineTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.{Causality, Error, Event, Pictures}
  alias ElixirScope.Distributed.Query.Result
  alias ElixirScope.Distributed.View.{Text, Timeline}
  doctest Timeline

  @plain [color: false, ascii: false]

  defp lines(picture, options \\ []) do
    for line <- Timeline.render(picture, Keyword.merge([width: 120] ++ @plain, options)),
        do: IO.iodata_to_binary(line)
  end

  defp event(node, seq, ns, fields) do
    struct!(
      %Event{id: {{node, 1}, seq}, at: {0, ns, node}, node: node, kind: :mark, subject: :step},
      fields
    )
  end

  for width <- [60, 80, 200] do
    test "a request at #{width} columns" do
      assert_golden(
        "timeline_#{unquote(width)}.txt",
        lines(Pictures.request(), width: unquote(width))
      )
    end

    test "more processes than there is room for, at #{width} columns" do
      picture = Pictures.crowd(60)
      assert_golden("crowd_#{unquote(width)}.txt", lines(picture, width: unquote(width)))
    end
  end

  test "in ASCII alone" do
    lines = lines(Pictures.request(), width: 80, ascii: true)
    assert Enum.all?(lines, &(&1 =~ ~r/\A[\x20-\x7E]*\z/))
    assert_golden("timeline_ascii.txt", lines)
  end

  test "in colours it says the same" do
    colored = lines(Pictures.request(), color: true)
    assert Enum.any?(colored, &(&1 =~ "\e[36m"))
    assert Enum.map(colored, &String.replace(&1, ~r/\e\[\d+m/, "")) == lines(Pictures.request())
  end

  test "an arrow for what is exact or likely, none for what is ambiguous" do
    for {sure, arrow, note} <- [
          {:exact, "├─▸●", ""},
          {:likely, "├╌▸●", "(likely)"},
          {:ambiguous, "│  ●", ""}
        ] do
      picture =
        Pictures.of([
          {:a@h, 1, 0, :send, :b, :hello, []},
          {:b@h, 1, 5, :receive, nil, :hello, causes: [{:message, 0, sure}]},
          {:a@h, 1, 9, :mark, :done, nil, []}
        ])

      assert Enum.at(lines(picture), 3) =~ arrow
      assert Enum.at(lines(picture), 3) =~ note
    end
  end

  test "a gap breaks the lanes of its node, and nothing bridges it" do
    picture =
      Pictures.of([
        {:a@h, 1, 0, :mark, :one, nil, []},
        {:b@h, 1, 1, :mark, :one, nil, []},
        {:a@h, nil, 2, :gap, nil, 3, []},
        {:b@h, 1, 3, :mark, :two, nil, []},
        {:a@h, 1, 4, :mark, :two, nil, []},
        {:b@h, 1, 5, :mark, :three, nil, []}
      ])

    assert [_a, _b, "●  ┊ " <> _, "│  ● " <> _, "╳  │ " <> gap, "   ● " <> _, "●  │ " <> _ | _] =
             lines(picture)

    assert gap =~ "gap: 3 events lost, a ring was full"
  end

  test "an event that was moved says by how much, and below how many were" do
    lines = lines(Pictures.request())
    assert Enum.any?(lines, &(&1 =~ "receive  (likely)  (clock 1.3 ms behind)"))
    assert "2 events moved behind what caused them: clocks are up to 1.3 ms behind" in lines
  end

  test "every line has its id, whole where a node began twice, and the narrowest have nothing else" do
    twice =
      Pictures.of([
        {:a@h, 1, 0, :mark, :one, nil, id: {{:a@h, 3}, 7}},
        {:a@h, 1, 1, :mark, :two, nil, id: {{:a@h, 4}, 1}}
      ])

    assert [_lane, one, two | _] = lines(twice)
    assert String.ends_with?(one, " a@h/3#7")
    assert String.ends_with?(two, " a@h/4#1")

    narrow = lines(Pictures.request(), width: 22)
    assert Enum.take(narrow, 3) == ["web@127.0.0.1#1", "web@127.0.0.1#2", "orders@127.0.0.1#3"]

    for width <- 25..200, line <- Enum.slice(lines(Pictures.request(), width: width), 4..18) do
      assert line =~ ~r/@127\.0\.0\.1#\d+$/
    end
  end

  test "200 processes share lanes, each is named, and that is said" do
    lines = lines(Pictures.crowd(200), width: 80)
    assert Enum.any?(lines, &(&1 =~ ~r/\d+ quieter processes, each named on its lines/))
    assert Enum.all?(lines, &(Text.width(&1) <= 80))
    assert Enum.count(lines, &(&1 =~ "#")) == 600
    assert Enum.any?(lines, &(&1 =~ ~r/● <0\.\d+\.0>  receive  from \w+/))
  end

  test "a list of events, a result, and nothing" do
    events = [event(:a@h, 1, 1_000, subject: :calls), event(:b@h, 1, 2_501_000, data: [1])]

    {:ok, picture} =
      Causality.build(%Result{events: events, nodes: [:a@h, :b@h, :c@h], dropped: 3})

    assert lines(picture, width: 40) == [
             "+0.000 ms calls                    a@h#1",
             "+2.500 ms step  [1]                b@h#1",
             "",
             "2 events of 3 nodes, 3 dropped, none mi…"
           ]

    {:ok, nothing} = Causality.build(%Result{events: [], nodes: [:a@h]})
    assert lines(nothing) == ["0 events of 1 node, 0 dropped, none missing"]
  end

  test "wrong options are said" do
    for {wrong, message} <- [
          {[width: -1], "expected :width to be a positive integer or nil, got: -1"},
          {[color: 1], "expected :color to be a boolean or nil, got: 1"},
          {[colour: true], "unknown option :colour, did you mean :color?"},
          {:no_options, "expected a keyword list or a map of options, got: :no_options"}
        ] do
      assert {:error, %Error{} = error} = Timeline.render(Pictures.request(), wrong)
      assert Exception.message(error) == message
    end
  end

  test "lines are made as they are taken" do
    picture = Pictures.crowd(3)
    test = self()

    rows = fn from, count ->
      send(test, {:read, from, count})
      picture.rows.(0, min(count, 9))
    end

    lines = Timeline.render(%{picture | size: 1_000_000, rows: rows}, @plain)
    refute_received {:read, _from, 500}
    assert [_lane | _] = Enum.take(lines, 5)
    assert_received {:read, 0, 500}
    refute_received {:read, 500, 500}
  end

  test "a link is drawn between its processes" do
    picture =
      Pictures.of([
        {:a@h, 1, 0, :mark, :begin, nil, []},
        {:a@h, 2, 1, :mark, :begin, nil, []},
        {:a@h, 1, 2, :link, :c.pid(0, 2, 0), nil, []},
        {:a@h, 2, 3, :mark, :done, nil, []},
        {:a@h, 1, 4, :link, :c.pid(0, 9, 0), nil, []}
      ])

    assert ["●◦┤ " <> link, _mark, "●   " <> elsewhere | _] = picture |> lines() |> Enum.drop(4)
    assert link =~ "link <0.2.0>"
    assert elsewhere =~ "link <0.9.0>"
  end
end
