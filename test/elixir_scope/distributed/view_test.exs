defmodule ElixirScope.Distributed.ViewTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.NastyText, only: [harmless?: 1]
  import ExUnit.CaptureIO

  alias ElixirScope.Distributed.{Causality, Error, Event, Pictures, View}
  alias ElixirScope.Distributed.Pictures.Random
  alias ElixirScope.Distributed.View.{Dependencies, Gaps, Sequence, Text, Timeline}
  doctest View

  @views [timeline: Timeline, sequence: Sequence, gaps: Gaps, dependencies: Dependencies]

  @id {{:web@host, 1}, 1}
  @event %Event{id: @id, at: {0, 1_000, :web@host}, node: :web@host, kind: :mark, subject: :paid}

  defp text(lines), do: Enum.map(lines, &IO.iodata_to_binary/1)

  test "no line is wider than asked for, nothing in it does more than be read, whatever was traced" do
    property(tuple([Random.picture(), integer(1..250)]), [runs: 60], fn {picture, width} ->
      for {_name, view} <- @views, ascii <- [true, false] do
        options = [width: width, color: false, ascii: ascii]
        lines = picture |> view.render(options) |> text()
        for line <- lines, do: assert(harmless?(line))
        for line <- lines, do: assert(Text.width(line) <= width, line)
        if ascii, do: assert(Enum.all?(lines, &(&1 =~ ~r/\A[\x20-\x7E]*\z/)))

        colored = picture |> view.render(Keyword.put(options, :color, true)) |> text()
        assert Enum.map(colored, &String.replace(&1, ~r/\e\[\d+m/, "")) == lines
      end
    end)
  end

  test "text for other programs is harmless, too" do
    property(Random.picture(), [runs: 30], fn picture ->
      for {view, format} <- [{Sequence, :mermaid}, {Dependencies, :mermaid}, {Dependencies, :dot}],
          line <- picture |> view.render(format: format) |> text(),
          do: assert(harmless?(line))
    end)
  end

  test "200 processes at any width" do
    picture = Pictures.crowd(200)

    for {_name, view} <- @views, width <- [1, 7, 20, 41, 60, 80, 133, 200] do
      for line <- picture |> view.render(width: width, color: false) |> text(),
          do: assert(Text.width(line) <= width)
    end
  end

  test "each view prints, and says ok" do
    for {name, _view} <- @views do
      printed = capture_io(fn -> assert apply(View, name, [[@event], [width: 60]]) == :ok end)
      assert String.ends_with?(printed, "1 event of 1 node, 0 dropped, none missing\n")
      refute printed =~ "\e"
    end
  end

  test "a picture is a source, too" do
    {:ok, picture} = Causality.build([@event])
    assert capture_io(fn -> :ok = View.timeline(picture) end) =~ "web@host#1"
  end

  test "where the output is not a terminal lines have 120 columns" do
    {:ok, picture} = Causality.build([%{@event | data: String.duplicate("x", 500)}])
    lines = capture_io(fn -> View.timeline(picture) end) |> String.split("\n")
    assert lines |> Enum.map(&Text.width/1) |> Enum.max() == 120
  end

  test "where the output takes no more than Latin-1 it is ASCII" do
    options = [encoding: :latin1]
    picture = [%{@event | data: "日本\e[31m", pid: self()}]
    printed = capture_io(options, fn -> :ok = View.timeline(picture) end)
    assert printed =~ ~S(* +0.000 ms paid  "\u65E5\u672C\e[31m")
    assert printed =~ ~r/\A[\x20-\x7E\n]*\z/
  end

  test "wrong options, sources and scopes are errors, not exceptions" do
    for {name, view} <- @views do
      print = fn source, options -> apply(View, name, [source, options]) end
      assert {:error, %Error{reason: :bad_option}} = print.([@event], width: 0)
      assert {:error, %Error{reason: :bad_option}} = view.render(Pictures.crowd(1), [:width])
      assert {:error, %Error{reason: :bad_filter}} = print.([kids: []], [])
      assert {:error, %Error{reason: :not_an_event}} = print.([:not_an_event], [])
      assert {:error, %Error{}} = print.(17, [])
      assert {:error, %Error{reason: :not_running}} = print.([scope: :no_such_scope], [])
    end
  end

  test "a renderer of one's own" do
    printed =
      capture_io(fn ->
        :ok = View.print([@event], [], fn picture, [] -> ["#{Causality.size(picture)} event"] end)
      end)

    assert printed == "1 event\n"
    refused = {:error, Error.new(:bad_option, message: "no")}
    assert View.print([@event], [], fn _picture, _options -> refused end) == refused
  end
end
