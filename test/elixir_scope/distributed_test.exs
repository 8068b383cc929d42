defmodule ElixirScope.DistributedTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Event, GlobalClock, Opaque, Query, Status}

  # The quick start of the README.
  doctest ElixirScope.Distributed

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope, node: :me@test})
    {:ok, scope: scope}
  end

  defp events(scope, filters \\ []),
    do: elem({:ok, _} = Scope.events([scope: scope] ++ filters), 1)

  defp recorded(scope, data) do
    Scope.record(:it, data, scope: scope)
    [event] = events(scope, order: :desc, limit: 1)
    event
  end

  describe "recording" do
    test "a process sees its own event at once, with all there is to say", %{scope: scope} do
      before = GlobalClock.now(scope)
      :ok = Scope.record(:checkout, %{items: 3}, scope: scope, correlation_id: "r-1")
      assert [%Event{} = event] = events(scope)
      assert {{:me@test, incarnation}, 1} = event.id
      assert incarnation > 0
      assert event.node == :me@test
      assert event.pid == self()
      assert event.kind == :mark
      assert event.subject == :checkout
      assert event.data == %{items: 3}
      assert event.correlation_id == "r-1"
      assert event.meta == %{}
      assert GlobalClock.compare(event.at, before) == :gt
      assert GlobalClock.compare(event.at, GlobalClock.now(scope)) == :lt
      assert is_integer(event.mono_ns)
    end

    test "what decodes to itself", %{scope: scope} do
      for term <- [
            nil,
            true,
            :atom,
            :"with spaces",
            :grüß,
            :日本,
            0,
            -1,
            9_223_372_036_854_775_807,
            -9_223_372_036_854_775_808,
            0.0,
            -1.5,
            "",
            "text",
            <<0, 255>>,
            {},
            {1, :a, "b"},
            [],
            [1, 2],
            [1 | 2],
            %{},
            %{:a => 1, "b" => [2]},
            %{{1, 2} => %{}},
            self(),
            [a: [b: {:c, %{d: []}}]]
          ] do
        assert recorded(scope, term).data === term
      end
    end

    test "what has no encoding says what it was", %{scope: scope} do
      for {term, type} <- [
            {fn -> 1 end, :fun},
            {make_ref(), :reference},
            {9_223_372_036_854_775_808, :integer},
            {hd(Port.list()), :port},
            {<<1::3>>, :unknown}
          ] do
        assert %Opaque{type: ^type} = recorded(scope, term).data
      end
    end

    test "what is too large is cut, and says so", %{scope: scope} do
      text = String.duplicate("x", 100_000)

      assert %{data: %Opaque{type: :binary, size: 100_000, kept: kept}} =
               event = recorded(scope, text)

      assert event.meta == %{truncated?: true}
      assert String.starts_with?(text, kept)

      assert %{meta: %{truncated?: true}, data: list} = recorded(scope, Enum.to_list(1..100_000))
      assert [1, 2, 3 | _] = list
      assert %Opaque{type: :cut} = List.last(list)

      assert %{meta: %{truncated?: true}} = recorded(scope, Map.new(1..100_000, &{&1, &1}))
      assert %{meta: %{truncated?: true}} = recorded(scope, nested(1_000))
    end

    test "names other than atoms, and correlation ids of any shape", %{scope: scope} do
      Scope.record("a name", 1, scope: scope, correlation_id: {:order, 17})
      Scope.record({:job, 3}, 2, scope: scope, correlation_id: %{id: 1})

      assert [%{subject: "a name", correlation_id: {:order, 17}}, %{subject: {:job, 3}}] =
               events(scope)

      assert [%{data: 1}] = events(scope, correlation_id: {:order, 17})
      assert [%{data: 2}] = events(scope, correlation_id: %{id: 1})
    end

    test "it never raises, whatever it is given", %{scope: scope} do
      for name <- [nil, "x", 1, self()],
          data <- [nil, fn -> 1 end, {:a, make_ref()}],
          id <- [nil, self()] do
        assert :ok = Scope.record(name, data, scope: scope, correlation_id: id)
      end
    end

    test "without a scope it is counted" do
      {:ok, before} = Scope.status()
      assert :ok = Scope.record(:lost, 1, scope: :nobody_started_this)
      {:ok, status} = Scope.status()
      assert status.rings.unscoped > before.rings.unscoped
      assert status.rings.lost == before.rings.lost
    end

    test "events of many processes come back in stamp order, none twice", %{scope: scope} do
      1..20
      |> Enum.map(fn n ->
        Task.async(fn -> for m <- 1..50, do: Scope.record(:step, {n, m}, scope: scope) end)
      end)
      |> Task.await_many()

      events = events(scope)
      assert length(events) == 1_000
      assert events == Enum.sort_by(events, & &1.at, GlobalClock)
      assert Enum.sort(for e <- events, do: elem(e.id, 1)) == Enum.to_list(1..1_000)

      for {_n, own} <- Enum.group_by(events, &elem(&1.data, 0)) do
        assert Enum.map(own, &elem(&1.data, 1)) == Enum.to_list(1..50)
      end
    end
  end

  describe "queries" do
    test "filters are joined by and", %{scope: scope} do
      for n <- 1..10,
          do: Scope.record(:"step#{rem(n, 2)}", n, scope: scope, correlation_id: rem(n, 3))

      assert [4, 10] = for(e <- events(scope, correlation_id: 1, contains: "step0"), do: e.data)
      assert [10, 9] = for(e <- events(scope, order: :desc, limit: 2), do: e.data)
      assert [] = events(scope, nodes: [:other@test])
      assert [] = events(scope, kinds: [:message])
      assert 10 = length(events(scope, kinds: [:user], pids: [self()]))
      assert [] = events(scope, modules: [Enum])
    end

    test "from and to, as a stamp, a date or nanoseconds", %{scope: scope} do
      Scope.record(:early, 1, scope: scope)
      {_, ns, _} = between = GlobalClock.now(scope)
      Scope.record(:late, 2, scope: scope)
      date = DateTime.from_unix!(ns + 60_000_000_000, :nanosecond)

      assert [%{subject: :late}] = events(scope, from: between)
      assert [%{subject: :early}] = events(scope, to: between)
      assert [_, _] = events(scope, to: date)
      assert [] = events(scope, from: date)
      assert [_, _] = events(scope, from: ns - 60_000_000_000)
    end

    test "a limit says that there is more", %{scope: scope} do
      for n <- 1..3, do: Scope.record(:n, n, scope: scope)

      assert {:ok, %Query.Result{more?: true, nodes: [:me@test], missing: missing}} =
               Scope.query([limit: 2], scope: scope)

      assert missing == %{}
      assert {:ok, %{more?: false}} = Scope.query(%{limit: 3}, scope: scope, require: :all)
    end

    test "a wrong filter is an error that says what was meant" do
      assert {:error, %Error{reason: :bad_filter, details: %{message: message}}} =
               Scope.events(kind: :mark)

      assert message =~ "did you mean :kinds?"
    end

    test "a scope that does not run is an error that says what to do" do
      for result <- [
            Scope.events(scope: :none),
            Scope.query([], scope: :none),
            Scope.status(:none),
            Scope.timeline(scope: :none),
            Scope.nodes_of(1, :none),
            Scope.stop(:none)
          ] do
        assert {:error, %Error{reason: :not_running} = error} = result
        assert Exception.message(error) =~ "start it with"
      end
    end

    test "the nodes that a correlation touched", %{scope: scope} do
      for n <- 1..3, do: Scope.record(:n, n, scope: scope, correlation_id: "r")

      assert {:ok, [%{node: :me@test, events: 3, first: first, last: last}]} =
               Scope.nodes_of("r", scope)

      assert GlobalClock.compare(first, last) == :lt
      assert {:ok, []} = Scope.nodes_of("other", scope)
    end
  end

  describe "starting and stopping" do
    test "start on a running scope returns the same", %{test: test} do
      name = :"#{test} again"
      assert {:ok, pid} = Scope.start(name: name)
      assert {:ok, ^pid} = Scope.start(name: name)
      assert :ok = Scope.stop(name)
      refute Process.alive?(pid)
      assert {:error, %Error{reason: :not_running}} = Scope.events(scope: name)
    end

    test "what was recorded is gone with a scope, and its place is free", %{test: test} do
      name = :"#{test} place"

      for round <- 1..100 do
        assert {:ok, _pid} = Scope.start(name: name)
        Scope.record(:round, round, scope: name)
        assert [%{data: ^round}] = events(name)
        assert :ok = Scope.stop(name)
      end
    end

    test "a wrong option raises and says what was meant" do
      assert_raise ArgumentError, ~r/did you mean :flush_ms/, fn -> Scope.start(flush: 1) end
    end

    test "the default scope runs by itself" do
      id = make_ref() |> inspect()
      Scope.record(:hello)
      Scope.record(:hello, 1)
      Scope.record(:hello, 2, correlation_id: id)
      assert {:ok, [%{data: 2}]} = Scope.events(correlation_id: id)
    end
  end

  test "the status shows every bound with its limit and its value", %{scope: scope} do
    Scope.record(:n, 1, scope: scope)
    assert {:ok, %Status{node: :me@test, missing: []} = status} = Scope.status(scope)
    assert %{limit: limit, lanes: lanes, atoms: _, atom_limit: _} = status.rings
    assert limit > 1_000_000 and lanes >= 1
    assert %{source: source, limit_ns: 500_000_000} = status.clock
    assert source in [:tsc, :monotonic, :shared]
    assert %{limit: _, bytes: _, blocks: _} = status.store
  end

  test "memory stays within its bound", %{test: test} do
    name = :"#{test} bound"
    start_supervised!({Scope, name: name, retention_bytes: 1_000_000, flush_ms: 20}, id: name)

    # No faster than they are stored: a loss would be told to every scope, and to other tests.
    for batch <- 1..40 do
      for n <- 1..5_000, do: Scope.record(:noise, {batch, n, "#{n * 7_919}"}, scope: name)
      assert {:ok, _stored} = Scope.query([limit: 1], scope: name)
    end

    eventually(fn ->
      assert {:ok, %{store: %{bytes: bytes, limit: 1_000_000}}} = Scope.status(name)
      assert bytes <= 1_000_000
    end)
  end

  test "what is too old goes by itself, also where nothing comes after it", %{test: test} do
    name = :"#{test} scope"
    start_supervised!({Scope, name: name, retention_age_ms: 1_000, flush_ms: 20}, id: name)
    Scope.record(:old, 1, scope: name)
    assert {:ok, [_old]} = Scope.events(scope: name)

    eventually(
      fn -> assert {:ok, []} = Scope.events(scope: name) end,
      within: 10_000
    )

    assert {:ok, %{store: %{blocks: 0}}} = Scope.status(name)
  end

  defp nested(0), do: :bottom
  defp nested(depth), do: [nested(depth - 1)]
end
