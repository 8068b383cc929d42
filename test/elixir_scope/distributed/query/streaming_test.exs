defmodule ElixirScope.Distributed.Query.StreamingTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1]
  import ElixirScope.Distributed.Virtual

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Event}

  @moduletag :capture_log

  setup context do
    {_network, scopes, nodes} = cluster(context.test, 2, sync: :on_demand)
    {:ok, scopes: scopes, nodes: nodes}
  end

  defp workers(scope) do
    name = ElixirScope.Distributed.Scope.via(scope, Task.Supervisor)
    length(Task.Supervisor.children(name))
  end

  test "it begins when it is read, and has what was recorded by then", %{scopes: [a, b]} do
    stream = Scope.stream(kinds: [:mark], scope: a)
    assert workers(a) == 0
    for n <- 1..3, do: Scope.record(:n, n, scope: b)
    Scope.record(:n, 4, scope: a)
    assert Enum.map(stream, & &1.data) == [1, 2, 3, 4]
    Scope.record(:n, 5, scope: b)
    assert Enum.map(stream, & &1.data) == [1, 2, 3, 4, 5]

    assert Enum.map(Scope.stream(kinds: [:mark], scope: a, limit: 2, order: :desc), & &1.data) ==
             [5, 4]
  end

  test "who has enough leaves nothing behind", %{scopes: [a, b]} do
    for n <- 1..2_000, do: Scope.record(:n, n, scope: b)
    assert [%{data: 1}] = Enum.take(Scope.stream(kinds: [:mark], scope: a), 1)
    eventually(fn -> assert workers(a) == 0 end)

    assert [{%{data: 1}, %{data: 1}}] =
             Enum.take(
               Stream.zip(
                 Scope.stream(kinds: [:mark], scope: a),
                 Scope.stream(kinds: [:mark], scope: b)
               ),
               1
             )

    eventually(fn -> assert {workers(a), workers(b)} == {0, 0} end)
  end

  test "who reads slowly makes nobody late", %{scopes: [a, b]} do
    for n <- 1..30_000, do: Scope.record(:n, n, scope: b)

    numbers =
      Enum.map(Scope.stream(kinds: [:mark], scope: a, timeout_ms: 500), fn event ->
        if event.data in [1, 8_000, 16_000], do: wait_ms(1_000)
        event.data
      end)

    assert numbers == Enum.to_list(1..30_000)
  end

  defp wait_ms(ms) do
    until = System.monotonic_time(:millisecond) + ms
    eventually(fn -> assert System.monotonic_time(:millisecond) >= until end)
  end

  test "it ends with who reads", %{scopes: [a, b]} do
    for n <- 1..2_000, do: Scope.record(:n, n, scope: b)
    test = self()

    reader =
      spawn(fn ->
        Enum.each(Scope.stream(kinds: [:mark], scope: a), fn _event ->
          send(test, :reads)
          receive do: (:go_on -> :ok)
        end)
      end)

    assert_receive :reads
    assert workers(a) > 0
    Process.exit(reader, :kill)
    eventually(fn -> assert workers(a) == 0 end)
    assert {:ok, %{queries: %{asked: 0}}} = Scope.status(a)
  end

  test "a question ends with who asks", %{scopes: [a, _b], nodes: [na, nb]} do
    test = self()

    form = fn reading, _options ->
      send(test, {:worker, self()})
      receive do: (:never -> {%{events: [], count: 0, more?: false}, reading})
    end

    asker = spawn(fn -> Scope.Query.run([scope: a], form) end)
    assert_receive {:worker, worker}
    monitor = Process.monitor(worker)
    Process.exit(asker, :kill)
    assert_receive {:DOWN, ^monitor, :process, _pid, :killed}
    assert na != nb
  end

  test "wrong options raise, and so does a scope that is not there", %{scopes: [a, _b]} do
    for wrong <- [
          [kinds: [:no_such]],
          [nodes: "n1"],
          [after: 5],
          [after: {{0, 1, :n}, :n, 1}],
          [after: {{0, 1, :n}, {:n, -1}, 1}],
          [after: %Event{}],
          [limit: 0],
          [order: :up],
          [wait: 1],
          :all
        ],
        do: assert_raise(Error, fn -> Scope.stream(wrong) end)

    stream = Scope.stream(scope: :no_such_scope)
    assert_raise Error, ~r/not running/, fn -> Enum.to_list(stream) end

    assert_raise Error, ~r/ask several times/, fn ->
      Enum.to_list(Scope.stream(scope: a, contains: String.duplicate("x", 5_000)))
    end

    assert {:error, %Error{reason: :bad_filter}} = Scope.query(after: :now, scope: a)

    assert {:error, %Error{reason: :filter_too_large} = error} =
             Scope.query(scope: a, pids: List.duplicate(self(), 1_001))

    assert Exception.message(error) =~ "`pids:` names more"
  end

  test "a scope that stops under a stream is said, and no wait", %{scopes: [a, b]} do
    for n <- 1..5_000, do: Scope.record(:n, n, scope: b)

    assert_raise Error, fn ->
      Enum.each(Scope.stream(kinds: [:mark], scope: a), fn event ->
        if event.data == 1, do: stop_supervised!(a)
      end)
    end
  end

  test "majorities are asked for before it begins", %{scopes: [a, b], nodes: [_na, nb]} do
    assert Enum.to_list(Scope.stream(kinds: [:mark], scope: a, require: :all)) == []
    stop_supervised!(b)
    together(a, [:n1@sim])

    assert [%Event{id: nil, kind: :gap, node: ^nb}] =
             Enum.to_list(Scope.stream(kinds: [:mark], scope: a))

    assert_raise Error, fn ->
      Enum.to_list(Scope.stream(kinds: [:mark], scope: a, require: :all))
    end
  end

  test "a cursor that retention has passed is one gap, and what is left follows", context do
    {_network, [a, b], [_na, nb]} =
      cluster(:"#{context.test} small", 2, sync: :on_demand, retention_bytes: 256 * 1024)

    Scope.record(:first, 0, scope: b)
    [first] = Enum.to_list(Scope.stream(kinds: [:mark], scope: a))
    for n <- 1..20_000, do: Scope.record(:n, {n, :rand.bytes(100)}, scope: b)

    eventually(fn ->
      assert [%Event{id: nil, kind: :gap, data: %{expired: gone}} | events] =
               Enum.to_list(Scope.stream(kinds: [:mark], scope: a, after: first))

      assert gone > 0
      numbers = Enum.map(events, &elem(&1.data, 0))
      assert hd(numbers) > 1
      assert numbers == Enum.to_list(hd(numbers)..20_000)
      assert Enum.all?(events, &(&1.node == nb))
    end)

    assert {:ok, %{expired: gone}} =
             Scope.query([kinds: [:mark], after: first, limit: 1], scope: a)

    assert gone > 0
  end
end
