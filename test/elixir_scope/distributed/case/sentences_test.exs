defmodule ElixirScope.Distributed.Case.SentencesTest do
  use ElixirScope.Distributed.Case,
    nodes: [:desk, :stock, :till],
    capture: [Troubles.Desk, Troubles.Stock, Troubles.Till],
    async: true

  alias Troubles.{Desk, Stock, Till}

  setup %{nodes: nodes} do
    :ok = Troubles.open(nodes, &on/2)
  end

  describe "what was called" do
    test "is found by patterns, pins and guards", %{nodes: [desk, _stock, till]} do
      assert {:ok, %{paid: 20}} = on(desk, fn -> Desk.order(desk, :book) end)
      item = :book
      charged = assert_called(Till.charge(^till, ^item), on: desk)
      assert {charged.kind, charged.node, charged.data} == {:call, desk, [till, :book]}
      assert_called(Till.handle_call({:charge, _}, _, sum) when sum < 1, on: [till])
      assert_called(Stock.count() / 1)
      refute_called(Till.charge(_, :lamp))
      refute_called(Till.charge(_, :book), on: till)
    end

    test "may take a while", %{nodes: [desk | _]} do
      on(desk, fn -> later(50, fn -> Desk.order(desk, :lamp) end) end)
      assert_called(Till.charge(_, :lamp), within: 10_000)
    end

    test "fails with what was there instead", %{nodes: [desk | _]} do
      on(desk, fn -> Desk.order(desk, :book) end)
      error = failure(fn -> assert_called(Till.charge(_, :lamp), within: 0, on: desk) end)
      assert error =~ "expected a call of Till.charge(_, :lamp) on #{desk} within 0 ms"
      assert error =~ "call Troubles.Till.charge/2 [:\"till-"
      error = failure(fn -> refute_called(Till.charge(_, :book)) end)
      assert error =~ "expected no call of Till.charge(_, :book), but there was"
    end

    test "is said in words that are understood" do
      assert_raise ArgumentError, ~r/expected a call such as/, fn ->
        Code.eval_quoted(
          quote do
            import ElixirScope.Distributed.Case.Sentences
            assert_called(:something)
          end
        )
      end

      assert_raise ArgumentError, ~r/unknown keys \[:at\]/, fn ->
        assert_called(Till.charge(_, _), at: 3)
      end
    end
  end

  describe "what was sent" do
    test "is found with and without its envelope", %{nodes: [desk, stock, till]} do
      on(desk, fn -> Desk.order(desk, :book) end)
      asked = assert_sent({:charge, :book}, from: desk, to: till)
      assert {:"$gen_call", _from, {:charge, :book}} = asked.data
      assert_sent({:"$gen_call", _, :count}, to: stock)
      assert_sent(20, from: till, to: desk)
      refute_sent({:charge, :piano})
      assert failure(fn -> assert_sent({:charge, _}, from: stock, within: 0) end) =~ "from stock-"
    end
  end

  describe "order" do
    test "is that of causes, across nodes", %{nodes: [desk, stock, till]} do
      on(desk, fn -> Desk.order(desk, :book) end)
      ordered = assert_called(Desk.order(_, :book), on: desk)
      counted = assert_called(Stock.handle_call(:count, _, _), on: stock)
      charged = assert_called(Till.handle_call({:charge, _}, _, _), on: till)
      assert_before(ordered, counted)
      assert_before(counted, charged)
      refute_concurrent(charged, ordered)
      error = failure(fn -> assert_before(charged, ordered) end)

      assert error =~
               "expected the first before the second, but the second can have influenced the first"
    end

    test "is none in a race", %{nodes: [desk, stock, till] = nodes} do
      assert Troubles.race(nodes, &on/2) == 9
      one = assert_called(Stock.take(_, _), on: desk)
      other = assert_called(Stock.take(_, _), on: till)
      error = failure(fn -> refute_concurrent(one, other) end)
      assert error =~ "expected one before the other, but neither can have influenced the other"
      one = assert_called(Stock.set(_, _), on: desk)
      other = assert_called(Stock.set(_, _), on: till)
      assert failure(fn -> assert_before(one, other) end) =~ "call Troubles.Stock.set/2"
      assert stock
    end

    test "is asked of events alone", %{nodes: [desk | _]} do
      on(desk, fn -> Desk.order(desk, :book) end)
      event = assert_called(Desk.order(_, _))
      assert_raise ArgumentError, ~r/expected two events/, fn -> assert_before(event, :ok) end
    end
  end

  test "what becomes true is waited for", %{nodes: [desk, stock, _till]} do
    on(desk, fn -> later(50, fn -> Stock.set(stock, 3) end) end)
    assert_eventually(on(stock, fn -> Stock.count(stock) end) == 3)
    assert_eventually(3 = on(stock, fn -> Stock.count(stock) end), within: 1_000)

    four = fn -> assert_eventually(on(stock, fn -> Stock.count(stock) end) == 4, within: 0) end
    error = failure(four)

    assert error =~ "not within 0 ms"
  end

  test "a crash, a deadlock and a partition leave their traces", %{
    nodes: [desk, stock, till] = nodes
  } do
    assert {:exit, _reason} = Troubles.crash(nodes, &on/2)
    assert_called(Till.handle_call({:charge, :piano}, _, _), on: till)
    partition(till, [desk, stock])
    assert_called(Till.handle_call({:charge, :piano}, _, _), on: till)
    on(till, fn -> Till.start() end)
    heal(nodes)
    assert_called(Till.init(0), on: till)
    {:ok, _pid} = on(desk, fn -> Desk.start(%{stock: stock, till: till}) end)
    assert Troubles.deadlock(nodes, &on/2) == :no_answer
    assert_sent(:anything_left?, from: desk, to: stock)
    assert_sent(:anything_left?, from: stock, to: desk)
  end

  test "the applications that are started are captured without a word about it" do
    nodes = [desk, _stock, till] = start_nodes(3, apps: [:elixir_scope_distributed, :troubles])
    :ok = Troubles.open(nodes, &on/2)
    assert {:ok, _paid} = on(desk, fn -> Desk.order(desk, :lamp) end)
    assert_called(Till.handle_call({:charge, :lamp}, _, _), on: till)
    assert_sent({:charge, :lamp}, from: desk, to: till)
  end

  test "what is captured by default does not fail a test, what was asked for does" do
    alias ElixirScope.Distributed.Case.Capture
    [node] = start_nodes(1, capture: true)
    assert Capture.wanted(true, [:elixir_scope_distributed, :logger, :kernel]) == nil
    assert Capture.wanted(true, [:my_app, :logger]) == {:default, [{:app, :my_app}]}
    refused = fn -> assert Capture.begin(node, {:default, [{:app, :my_app}]}) == :ok end
    assert ExUnit.CaptureIO.capture_io(:stderr, refused) =~ "nothing is captured on #{node}: "

    assert_raise ElixirScope.Distributed.Error, fn ->
      Capture.begin(node, {[{:app, :my_app}], []})
    end
  end

  test "a node that was started again records again", %{nodes: [desk, stock, till]} do
    kill(till)
    restart(till)
    {:ok, _pid} = on(till, fn -> Till.start() end)

    assert_eventually(
      {:ok, _} = on(desk, fn -> Troubles.failing(fn -> Desk.order(desk, :book) end) end)
    )

    assert_called(Till.handle_call({:charge, :book}, _, _), on: till)
    assert stock
  end

  # Once whoever asks has had to ask twice.
  defp later(ms, fun) do
    {:ok, _timer} = :timer.apply_after(ms, :erlang, :apply, [fun, []])
  end

  defp failure(fun), do: Exception.message(assert_raise(ExUnit.AssertionError, fun))
end
