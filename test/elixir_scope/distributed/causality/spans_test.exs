defmodule ElixirScope.Distributed.Causality.SpansTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Causality, Error, Event, Stories}
  alias ElixirScope.Distributed.Causality.Spans
  doctest Spans

  @web :"web@127.0.0.1"

  setup_all do
    {:ok, spans} = Spans.build(Stories.request())
    [spans: spans, all: Enum.to_list(Spans.stream(spans))]
  end

  test "a request is one tree over three nodes, and what was lost is not bridged", %{all: all} do
    assert [place, take, run, charge | lost] = all
    assert {place.function, place.depth, place.link} == {{MyApp.Orders, :place, 2}, 0, :root}
    assert {take.parent, take.link, take.sure} == {place.index, :message, :exact}
    assert {run.parent, run.link} == {take.index, :spawn}
    assert {charge.parent, charge.link, charge.sure} == {take.index, :message, :likely}
    assert {charge.ending, charge.raised} == {:exception, true}
    assert {take.end, take.total_ns, run.end} == {nil, nil, nil}
    assert [{nil, :return}, {nil, :return}, {_, nil}] = Enum.map(lost, &{&1.call, &1.ending})
    assert Enum.map(all, & &1.below) == [3, 2, 0, 0, 0, 0, 0]
  end

  test "times are total, own, waiting and network", %{spans: spans, all: [place | _]} do
    assert {place.total_ns, place.self_ns} == {590_000, 64_000}
    assert {place.waiting_ns, place.network_ns} == {142_000, 384_000}
    assert [wait] = Spans.waits(spans, place.index)
    assert wait.there_ns == 142_000
    assert wait.to_ns + wait.back_ns == 384_000
    assert wait.unsure_ns == 384_000
    assert Spans.waits(spans, 1_000) == []
  end

  test "what is in it is counted", %{spans: spans} do
    assert %{spans: 7, roots: 4, open: 5, raised: 1, bytes: bytes} = spans.about
    assert bytes > 0
    assert {Spans.count(spans), Spans.count(spans, 0), Spans.count(spans, 1_000)} == {7, 4, 0}
    assert [lost] = Spans.losses(spans)
    assert [%{kind: :gap}] = Causality.events(spans.causality, [lost])
  end

  test "pages of rows are what the stream has", %{spans: spans, all: all} do
    assert Spans.rows(spans, nil, 0, 3) ++ Spans.rows(spans, nil, 3, 100) == all
    assert Spans.rows(spans, nil, 7, 10) == []
    assert spans |> Spans.stream(1) |> Enum.map(& &1.index) == [1, 2, 3]
  end

  test "an event is found in its call, by any form of its id", %{spans: spans} do
    assert Spans.find(spans, "web@127.0.0.1#2") == {:ok, 0}
    assert Spans.find(spans, "web@127.0.0.1/1763#2") == {:ok, 0}
    assert Spans.find(spans, {{@web, 1_763}, 2}) == {:ok, 0}
    assert Spans.find(spans, %Event{id: {{@web, 1_763}, 2}}) == {:ok, 0}
  end

  test "what is no event, in no call, or no id at all is said so", %{spans: spans} do
    assert {:error, %Error{reason: :unknown_event} = error} =
             Spans.find(spans, "web@127.0.0.1#99")

    assert Exception.message(error) =~ "web@127.0.0.1/1763#99 is no event of these"
    assert {:error, error} = Spans.find(spans, "orders@127.0.0.1#3")
    assert Exception.message(error) =~ "is in no call of these"
    assert {:error, %Error{}} = Spans.find(spans, :web)
    assert {:error, %Error{}} = Spans.find(spans, "17")
  end

  test "functions have totals, by any figure", %{spans: spans} do
    assert {5, [first | _]} = Spans.top(spans)

    assert {first.function, first.node, first.total_ns} ==
             {{MyApp.Orders, :place, 2}, nil, 590_000}

    for by <- [:total, :self, :calls, :p50, :p99, :max] do
      assert {5, rows} = Spans.top(spans, by: by, most: 2)
      assert length(rows) == 2
    end

    assert {5, [%{node: @web} | _]} = Spans.top(spans, per_node: true)
  end

  test "the time of a call is the time of the frames below it", %{spans: spans} do
    frames = spans |> Spans.flame(0) |> Enum.to_list()
    assert [%{sort: :function, total_ns: 590_000, self_ns: 64_000, depth: 0} | _] = frames
    assert Enum.sum(Enum.map(frames, & &1.self_ns)) == 590_000
    assert [%{total_ns: 25_000}] = spans |> Spans.flame(3) |> Enum.to_list()
    assert spans |> Spans.flame(1_000) |> Enum.to_list() == []
  end

  test "without messages a call hangs below the one of its correlation that holds it" do
    of = [correlation: "r-17"]

    {:ok, spans} =
      Spans.build(
        Stories.events([
          {:a@h, 1, 0, :call, {A, :f, 0}, [], of},
          {:b@h, 1, 10, :call, {B, :g, 0}, [], of},
          {:b@h, 1, 20, :return, {B, :g, 0}, :ok, of},
          {:a@h, 1, 30, :return, {A, :f, 0}, :ok, of}
        ])
      )

    assert [_, %{link: :correlation, sure: :likely, depth: 1}] = Enum.to_list(Spans.stream(spans))
    assert [%{self_ns: 20_000}, %{self_ns: 10_000}] = Enum.to_list(Spans.flame(spans))
  end

  test "nothing has no spans, and no source is an error" do
    assert {:ok, spans} = Spans.build([])
    assert {Enum.to_list(Spans.stream(spans)), Spans.top(spans)} == {[], {0, []}}
    assert Enum.to_list(Spans.flame(spans)) == []
    assert {:error, %Error{}} = Spans.build(:nothing)
    assert {:error, %Error{}} = Spans.build([:no_event])
  end

  test "an unknown correlation has no difference", %{spans: spans} do
    assert Spans.diff({spans, :all}, {spans, {:correlation, "no"}}, 5) == nil
    assert %{count: 0, first: [], events: {19, 19}} = Spans.diff({spans, :all}, {spans, :all}, 5)
  end
end
