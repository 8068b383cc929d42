defmodule ElixirScope.Distributed.Query.CallsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Query.Calls

  @ask {:b@h, :ask, %{filter: :x}}

  defp asked(now \\ 0) do
    ref = make_ref()
    {ref, Calls.put(Calls.new(1_000), ref, :key, @ask, now)}
  end

  # When it is asked, until it is given up.
  defp times(calls, now \\ 0, found \\ []) do
    case Calls.due(calls, now) do
      {due, [], calls} ->
        found = if due == [], do: found, else: [now | found]
        times(calls, now + max(Calls.next_ms(calls, now), 1), found)

      {[], [{:key, :b@h, reason}], calls} ->
        assert Calls.none?(calls)
        {Enum.reverse(found), now, reason}
    end
  end

  test "a question is asked again until its time is over" do
    {_ref, calls} = asked()
    assert times(calls) == {[0, 300, 900], 1_000, :distributed_timeout}
  end

  test "who has no room is asked again soon, and named as busy in the end" do
    {ref, calls} = asked()
    {[{^ref, call}], [], calls} = Calls.due(calls, 0)
    assert %{node: :b@h, kind: :ask, body: %{filter: :x}} = call
    {:failed, [], calls} = Calls.answer(calls, ref, :refused, %{reason: :busy}, 0)
    assert Calls.next_ms(calls, 0) == 5
    {[], calls} = Calls.unsent(calls, ref, :busy, 5)
    assert Calls.next_ms(calls, 5) == 10
    {:failed, [], calls} = Calls.answer(calls, ref, :refused, %{reason: :busy}, 999)
    assert {[], [{:key, :b@h, {:distributed_exit, :busy}}], _} = Calls.due(calls, 1_000)
  end

  test "an answer counts once, and only if it is one" do
    {ref, calls} = asked()

    assert {:answer, :key, :b@h, %{page: ""}, left} =
             Calls.answer(calls, ref, :page, %{page: ""}, 1)

    assert Calls.none?(left)
    assert {:failed, [], ^left} = Calls.answer(left, ref, :page, %{page: ""}, 1)

    for {kind, body, reason} <- [
          {:holdings, %{}, {:distributed_exit, :malformed}},
          {:refused, %{reason: :not_allowed}, {:distributed_exit, :not_allowed}},
          {:refused, %{reason: :failed}, {:distributed_exit, :failed}},
          {:gone, %{}, {:node_unavailable, :b@h}}
        ] do
      assert {:failed, [{:key, :b@h, ^reason}], left} = Calls.answer(calls, ref, kind, body, 1)
      assert Calls.none?(left)
    end
  end

  test "who cannot be reached is not waited for" do
    {ref, calls} = asked()

    assert {[{:key, :b@h, {:node_unavailable, :b@h}}], left} =
             Calls.unsent(calls, ref, :unreachable, 0)

    assert Calls.none?(left)
  end

  test "time in which nobody looked is no time that a member took" do
    {ref, calls} = asked()
    {%{node: :b@h}, calls} = Calls.first(calls, ref, 0)
    calls = Calls.idle(calls, 60_000)
    assert {[{^ref, _again}], [], calls} = Calls.due(calls, 60_500)
    assert {[], [{:key, :b@h, :distributed_timeout}], _} = Calls.due(calls, 61_000)
  end
end
