defmodule ElixirScope.Distributed.View.SequenceTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.{Error, Mermaid, NastyText, Pictures}
  alias ElixirScope.Distributed.Pictures.Random
  alias ElixirScope.Distributed.View.{Sequence, Text}
  doctest Sequence

  defp lines(picture, options) do
    for line <- Sequence.render(picture, [color: false, ascii: false] ++ options),
        do: IO.iodata_to_binary(line)
  end

  defp mermaid(picture, options \\ []),
    do: picture |> lines([format: :mermaid] ++ options) |> Mermaid.sequence()

  for width <- [60, 80, 200] do
    test "a request at #{width} columns" do
      lines = lines(Pictures.request(), width: unquote(width))
      assert_golden("sequence_#{unquote(width)}.txt", lines)
    end
  end

  test "a request for Mermaid" do
    assert_golden("sequence.mmd", lines(Pictures.request(), format: :mermaid))
  end

  test "processes stand in boxes of their nodes" do
    diagram = mermaid(Pictures.request())
    assert diagram.boxes == ["web@127.0.0.1", "orders@127.0.0.1", "payment@127.0.0.1"]
    assert diagram.participants["p2"] == {"orders@127.0.0.1", "<0.171.0>"}
    assert diagram.participants["p3"] == {"orders@127.0.0.1", "<0.180.0>"}
  end

  test "what is exact, what is likely, what began a process, and ends that are lost" do
    steps = mermaid(Pictures.request(), notes: false).steps

    assert [
             {"p1", "->>", "p2", "call {:take, %{id: 7}}"},
             {"p2", "-)", "p3", "spawn"},
             {"p2", "-->>", "p4", "(likely)  (clock 1.3 ms behind)  {:charge, 300}"},
             {"p2", "-x", "unseen", "send to MyApp.Log (arrival not seen)  {:declined, 7}"},
             {"p2", "->>", "p1", "{:tag, {:error, :declined}}"},
             {"unseen", "-->>", "p1", "(sender not seen)  {:DOWN, :monitor}"}
           ] = steps
  end

  test "an ambiguous message has no arrow between its ends" do
    picture =
      Pictures.of([
        {:a@h, 1, 0, :send, :b, :hello, meta: %{pairing: :ambiguous, pair: [{{:b@h, 1_763}, 2}]}},
        {:b@h, 1, 1, :receive, nil, :hello,
         causes: [{:message, 0, :ambiguous}], meta: %{pairing: :ambiguous, pair: []}}
      ])

    assert [{"p1", "-x", "unseen", sent}, {"unseen", "-->>", "p2", received}] =
             mermaid(picture).steps

    assert sent =~ "(ambiguous)" and received =~ "(ambiguous)"
  end

  test "no text of a trace is anything but text to Mermaid" do
    property(NastyText.text(), fn text ->
      picture =
        Pictures.of([
          {:"red@h; end #quot;", 1, 0, :send, :b, text, []},
          {:a@h, 1, 1, :mark, :"end\nloop x: %%{init: {}}%%", text, []}
        ])

      assert %{steps: [{"p1", "-x", "unseen", sent}, {:note, "p2", note}]} = mermaid(picture)
      assert String.starts_with?(note, "end\\nloop x: %%{init: {}}%%")
      assert Text.width(sent) <= 60
    end)
  end

  test "of anything it is a diagram" do
    property(Random.picture(), [runs: 50], fn picture ->
      assert %{box: nil} = mermaid(picture)
      assert length(mermaid(picture).steps) >= length(mermaid(picture, notes: false).steps)
    end)
  end

  test "200 processes are 50 participants, and the others one" do
    diagram = mermaid(Pictures.crowd(200))
    assert map_size(diagram.participants) == 52
    assert diagram.participants["others"] == {nil, "150 quieter processes"}

    assert Enum.any?(
             lines(Pictures.crowd(200), width: 80),
             &(&1 =~ ~r/^ \* 150 quieter processes/)
           )
  end

  test "the footer counts what is shown" do
    assert List.last(lines(Pictures.request(), width: 120)) =~
             ~r/^19 events of 4 nodes, 120 dropped/

    picture = Pictures.request()
    assert List.last(lines(picture, width: 120, notes: false)) =~ ~r/^9 of 19 events/
    assert [comment] = mermaid(Pictures.request()).comments
    assert comment =~ "stock@127.0.0.1 missing (timeout)"
    assert lines(Pictures.of([]), width: 80) == ["0 events of 0 nodes, 0 dropped, none missing"]
  end

  test "wrong options are said" do
    assert {:error, %Error{} = error} = Sequence.render(Pictures.request(), format: :svg)
    assert Exception.message(error) == "expected :format to be one of :text, :mermaid, got: :svg"
  end
end
