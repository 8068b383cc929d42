defmodule ElixirScope.Distributed.CausalityTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Causality, Error, Event}
  alias ElixirScope.Distributed.Query.Result

  doctest Causality

  @web {:web@host, 1}
  @shop {:shop@host, 1}

  # Events by hand: of an origin, a number, a moment in nanoseconds.
  defp event({node, _incarnation} = origin, seq, ns, fields) do
    struct!(
      %Event{id: {origin, seq}, at: {0, ns, node}, mono_ns: ns, node: node, kind: :mark},
      fields
    )
  end

  defp pair(how, other), do: %{pairing: how, pair: other}

  defp process(n), do: :erlang.list_to_pid(~c"<0.#{n}.0>")

  # A request whose receive is stamped 800 ns before its send.
  defp request do
    [
      event(@shop, 1, 1_000, kind: :receive, pid: process(7), meta: pair(:exact, {@web, 2})),
      event(@web, 1, 1_500, kind: :call, pid: process(5), subject: {Shop, :order, 1}),
      event(@web, 2, 1_800, kind: :send, pid: process(5), meta: pair(:exact, {@shop, 1})),
      event(@shop, 2, 1_900, kind: :mark, pid: process(7), correlation_id: "r-1"),
      event(@web, 3, 1_950, kind: :mark, pid: process(5), correlation_id: "r-1")
    ]
  end

  defp build!(source) do
    {:ok, picture} = Causality.build(source)
    picture
  end

  describe "a picture of events" do
    test "stands in causal order, and says whose clock was behind" do
      picture = build!(request())
      assert Causality.size(picture) == 5
      assert %{events: 5, edges: 1, corrections: 1, left_out: 0, gaps: 0} = picture.about
      assert picture.about.nodes == [:shop@host, :web@host]

      rows = Causality.rows(picture, 0, 10)

      assert for(row <- rows, do: row.event.id) == [
               {@web, 1},
               {@web, 2},
               {@shop, 1},
               {@shop, 2},
               {@web, 3}
             ]

      assert for(row <- rows, do: row.place) == Enum.to_list(0..4)
      assert for(row <- rows, do: row.behind_ns) == [0, 0, 800, 0, 0]
      assert [[], [], [cause], [], []] = for(row <- rows, do: row.causes)
      assert cause == %{place: 1, kind: :message, sure: :exact}
      assert Enum.at(rows, 2).event == hd(request())
    end

    test "shows the rows that are asked for, and none beyond them" do
      picture = build!(request())
      assert [%{place: 3}] = Causality.rows(picture, 3, 1)
      assert [%{place: 4}] = Causality.rows(picture, 4, 100)
      assert Causality.rows(picture, 5, 1) == []
      assert Causality.rows(picture, 0, 0) == []
      assert [%{id: {@shop, 2}}, %{id: {@web, 1}}] = Causality.events(picture, [3, 0])
      assert Causality.events(picture, [77]) == []
    end

    test "knows places, processes and relations" do
      picture = build!(request())
      assert Causality.place(picture, {@shop, 1}) == 2
      assert Causality.relation(picture, {@web, 1}, {@shop, 2}) == :before
      assert Causality.relation(picture, {@shop, 2}, {@web, 1}) == :after
      assert Causality.relation(picture, {@shop, 2}, {@web, 3}) == :concurrent
      assert Causality.relation(picture, {@web, 1}, {@web, 1}) == :equal

      processes = Causality.processes(picture)

      assert [[2, 2, 3], [3, 0, 4]] =
               Enum.sort(for(p <- processes, do: [p.events, p.first, p.last]))

      rows = Causality.rows(picture, 0, 5)
      for row <- rows, do: assert(Enum.at(processes, row.process).pid == row.event.pid)
    end

    test "says what led to an event, what it led to, and what took the time" do
      picture = build!(request())
      assert Causality.led_to(picture, {@shop, 2}) == {:ok, [0, 1, 2]}
      assert Causality.led_to(picture, {@web, 1}) == {:ok, []}
      assert Causality.influenced(picture, {@web, 2}) == {:ok, [2, 3, 4]}

      {:ok, steps} = Causality.critical_path(picture, {@web, 1}, {@shop, 2})
      assert [%{what: :process, ns: 300}, %{what: :message, sure: :exact}, last] = steps
      assert %{from: 2, to: 3, what: :process, ns: 900, uncertain_ns: 0} = last
      assert Causality.critical_path(picture, {@shop, 2}, {@web, 3}) == {:ok, []}
    end

    test "finds the first and the last event of a correlation" do
      [_, _, _, first, last] = request()
      other = %{last | pid: process(7), id: {@shop, 3}, at: {0, 2_000, :shop@host}}
      picture = build!([first, other])
      assert {:ok, [%{from: 0, to: 1}]} = Causality.critical_path(picture, "r-1")
      assert Causality.critical_path(picture, "r-2") == {:error, :unknown_correlation}
      assert Causality.critical_path(picture, nil) == {:error, :unknown_correlation}
    end

    test "is the same in whichever order they come, each once" do
      events = request()
      rows = Causality.rows(build!(events), 0, 10)
      assert Causality.rows(build!(Enum.reverse(events) ++ events), 0, 10) == rows
    end

    test "of a result says what the result did not have" do
      other = event(@shop, 3, 1_950, pid: process(8))
      whole = %Result{events: [other | request()], nodes: [:web@host, :shop@host]}
      assert Causality.relation(build!(whole), other.id, {@shop, 1}) == :concurrent

      result = %{whole | missing: %{shop@host: :busy}, dropped: 3, more?: true}
      picture = build!(result)
      assert %{nodes: [:web@host, :shop@host], dropped: 3, more?: true} = picture.about
      assert picture.about.missing == %{shop@host: :busy}
      # What else that node did may have led from one to the other.
      assert Causality.relation(picture, other.id, {@shop, 1}) == :unknown
      assert {:ok, ^picture} = Causality.build(picture)
    end

    test "of nothing is empty" do
      picture = build!([])
      assert Causality.size(picture) == 0
      assert {Causality.rows(picture, 0, 10), Causality.processes(picture)} == {[], []}
      assert build!(%Result{events: [], nodes: [:a]}).about.nodes == [:a]
    end
  end

  describe "what is not known" do
    test "is no cause and no order: an ambiguous message, a gap" do
      [receive | rest] = request()
      ambiguous = %{receive | meta: pair(:ambiguous, [{@web, 2}, {@web, 9}])}
      rest = for event <- rest, do: %{event | meta: %{}}
      picture = build!([ambiguous | rest])

      assert [%{causes: [], possible: [%{sure: :ambiguous, kind: :message}]} | _] =
               Causality.rows(picture, 0, 1)

      assert Causality.relation(picture, {@web, 2}, {@shop, 1}) == :unknown
      assert Causality.relation(picture, {@web, 3}, {@shop, 1}) == :concurrent

      gap = event(@shop, 3, 5_000, kind: :gap, data: 17)
      picture = build!([gap, receive | tl(request())])
      assert %{gaps: 1, dropped: 17} = picture.about
      assert [%{event: ^gap, process: nil, causes: []}] = Causality.rows(picture, 5, 1)
      other = event(@shop, 4, 1_950, pid: process(8))
      picture = build!([gap, other | request()])
      assert Causality.relation(picture, other.id, {@shop, 1}) == :unknown
    end

    test "is a pair that would have led back to itself" do
      # Sent after what came of it, within one process.
      late = event(@web, 4, 1_960, kind: :send, pid: process(5), meta: pair(:likely, {@web, 3}))

      back = %{List.last(request()) | kind: :receive, meta: pair(:likely, late.id)}
      picture = build!([late, back])
      assert %{left_out: 1, edges: 0} = picture.about
      assert [%{possible: [%{sure: :likely, place: 1}]}, _late] = Causality.rows(picture, 0, 2)
    end

    test "is an event that is not in the picture" do
      picture = build!(request())
      assert Causality.relation(picture, {@web, 1}, {@web, 99}) == :unknown
      assert Causality.place(picture, {@web, 99}) == nil

      for id <- [{@web, 99}, {{:nobody@host, 1}, 1}, :none, {@web, -1}, {1, 2, 3}, nil] do
        assert Causality.place(picture, id) == nil
        assert Causality.relation(picture, id, {@web, 1}) == :unknown
        assert Causality.led_to(picture, id) == {:error, :unknown_event}
        assert Causality.influenced(picture, id) == {:error, :unknown_event}
        assert Causality.critical_path(picture, id, {@web, 1}) == {:error, :unknown_event}
      end
    end
  end

  describe "what is no source" do
    test "is refused with why" do
      event = hd(request())

      for {source, reason} <- [
            {[1], :not_an_event},
            {[event, :x], :not_an_event},
            {[%{event | kind: :no_kind}], :not_an_event},
            {[%{event | id: nil}], :not_an_event},
            {[%{event | at: {0, -1, :x}}], :not_an_event},
            {[%{event | meta: nil}], :not_an_event},
            {[%{event | meta: pair(:exact, 1)}], :not_an_event},
            {[nodse: []], :bad_filter},
            {[limit: 0], :bad_filter},
            {[limit: 1_000_001], :bad_filter},
            {%{kinds: [:nothing]}, :bad_filter},
            {:all, :bad_filter},
            {"r-1", :bad_filter},
            {nil, :bad_filter},
            {[limit: 1, scope: :no_such_scope], :not_running}
          ] do
        assert {:error, %Error{reason: ^reason} = error} = Causality.build(source)
        assert is_binary(Exception.message(error))
      end
    end
  end

  describe "a picture of what a scope holds" do
    setup context do
      scope = :"#{context.module}.#{context.test}"
      start_supervised!({Scope, name: scope, node: :me@test}, id: scope)
      {:ok, scope: scope}
    end

    test "shows its events as a query does, whichever come first", %{scope: scope} do
      for n <- 1..500,
          do: Scope.record(:it, %{n: n}, scope: scope, correlation_id: {"r", rem(n, 3)})

      {:ok, events} = Scope.events(scope: scope)
      picture = build!(scope: scope)
      assert picture.about.nodes == [:me@test] and not picture.about.more?
      assert Causality.events(picture, Enum.to_list(0..499)) == events
      assert for(row <- Causality.rows(picture, 0, 1_000), do: row.event) == events

      assert Causality.rows(build!(scope: scope, order: :desc), 0, 500) ==
               Causality.rows(picture, 0, 500)

      assert {:ok, [_ | _]} = Causality.critical_path(picture, {"r", 1})
      assert Causality.events(picture, [7, 7, 3]) == for(at <- [7, 7, 3], do: Enum.at(events, at))
    end

    test "ends at its limit, and says so", %{scope: scope} do
      for n <- 1..20, do: Scope.record(:it, n, scope: scope)
      picture = build!(%{scope: scope, limit: 15})
      assert {15, true} = {Causality.size(picture), picture.about.more?}
      newest = build!(%{scope: scope, limit: 2, order: :desc})
      assert for(event <- Causality.events(newest, [0, 1]), do: event.data) == [19, 20]
    end

    test "of an answer that is empty is empty", %{scope: scope} do
      picture = build!(scope: scope, correlation_id: "nobody")
      assert {Causality.size(picture), Causality.rows(picture, 0, 10)} == {0, []}
    end

    test "stays when its scope stops", %{scope: scope} do
      Scope.record(:it, 1, scope: scope)
      picture = build!(scope: scope)
      :ok = stop_supervised(scope)
      assert [%{event: %{data: 1}}] = Causality.rows(picture, 0, 10)
    end
  end

  test "any events with any pairs are a picture, or are refused" do
    :rand.seed(:exsss, {1, 2, 3})
    for _ <- 1..200, do: survive(for(_ <- 1..Enum.random(1..30), do: any_event()))
  end

  defp survive(events) do
    picture = build!(events)
    size = Causality.size(picture)
    rows = Causality.rows(picture, 0, size)

    assert Enum.sort(Enum.uniq(for(row <- rows, do: row.event.id))) ==
             Enum.sort(Enum.uniq(for(e <- events, do: e.id)))

    for row <- rows, cause <- row.causes, do: assert(cause.place < row.place)
    [one, other] = for _ <- 1..2, do: Enum.random(rows).event.id
    Causality.relation(picture, one, other)
    {:ok, led} = Causality.led_to(picture, one)
    {:ok, influenced} = Causality.influenced(picture, one)
    assert led -- influenced == led
    assert {:ok, _steps} = Causality.critical_path(picture, one, other)
  end

  defp any_event do
    event(Enum.random([@web, @shop]), Enum.random(1..20), Enum.random(0..50) * 1_000,
      kind: Enum.random([:send, :receive, :spawn, :exit, :link, :unlink, :gap, :mark, :call]),
      pid: Enum.random([nil, "<x@host.1.2>", "no pid" | for(n <- 1..4, do: process(n))]),
      subject:
        Enum.random([nil, :name, process(2), {M, :f, 1}, {:name, :x@host}, "<x@host.1.2>"]),
      data:
        Enum.random([
          nil,
          :why,
          {:EXIT, process(1), :why},
          {:DOWN, make_ref(), :process, process(2), :why}
        ]),
      correlation_id: Enum.random([nil, 1, "r"]),
      mono_ns: Enum.random([nil, -5, 17]),
      meta:
        Enum.random([
          %{},
          pair(Enum.random([:exact, :likely]), any_id()),
          pair(:ambiguous, [any_id(), any_id()])
        ])
    )
  end

  defp any_id, do: {Enum.random([@web, @shop, {:gone@host, 2}]), Enum.random(1..21)}
end
