defmodule ElixirScope.Distributed.GlobalClockTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, GlobalClock}
  doctest GlobalClock

  @day 86_400_000_000_000

  test "it is the wall clock, as one stamp after the other" do
    {_logical, physical_ns, node} = GlobalClock.now()
    assert node == Node.self()
    assert_in_delta physical_ns, System.os_time(:nanosecond), 1_000_000_000

    stamps = for _ <- 1..10_000, do: GlobalClock.now()
    assert stamps == Enum.sort(stamps, GlobalClock)
  end

  test "the term order of stamps is not their order" do
    {early, late} = {{4, 1_000, :a@h}, {0, 2_000, :a@h}}
    assert Enum.sort([early, late]) == [late, early]
    assert GlobalClock.compare(early, late) == :lt
    assert GlobalClock.compare_timestamps(late, early) == :gt
    assert GlobalClock.compare(late, late) == :eq
  end

  test "what was learned from elsewhere is in the past", context do
    start_supervised!({Scope, name: context.test, node: :me@test})
    {logical, physical_ns, _} = GlobalClock.now(context.test)
    ahead = {logical, physical_ns + 200_000_000, :other@test}
    assert :ok = GlobalClock.update(ahead, context.test)
    assert GlobalClock.compare(GlobalClock.now(context.test), ahead) == :gt
  end

  test "a clock that is too far ahead does not move ours", context do
    start_supervised!({Scope, name: context.test, node: :me@test})
    {logical, physical_ns, _} = before = GlobalClock.now(context.test)
    wrong = {logical, physical_ns + @day, :other@test}

    assert {:error, %Error{reason: :clock_too_far_ahead, details: details}} =
             GlobalClock.update(wrong, context.test)

    assert details.stamp == wrong
    assert_in_delta details.ahead_ns, @day, 1_000_000_000
    {_, now_ns, _} = GlobalClock.now(context.test)
    assert now_ns - elem(before, 1) < 10_000_000_000
    assert {:ok, %{clock: %{refused: 1}}} = Scope.status(context.test)
  end

  test "parts that no stamp has are taken for the next one, and the end of time is refused",
       context do
    start_supervised!({Scope, name: context.test, node: :me@test})
    assert :ok = GlobalClock.update({77, 1_000, :x@y}, context.test)

    assert {:error, %Error{}} =
             GlobalClock.update({0, 18_446_744_073_709_551_615, :x@y}, context.test)
  end

  test "two messages between schedulers never share a stamp's past" do
    parent = self()
    echo = spawn_link(fn -> echo(parent) end)

    for _ <- 1..20_000 do
      sent = GlobalClock.now()
      send(echo, :ping)
      assert_receive {:pong, at}
      assert GlobalClock.compare(sent, at) == :lt
    end
  end

  test "an unknown node has no offset" do
    assert {:error, %Error{reason: :unknown_node}} = GlobalClock.offset(:nobody@nowhere)
    assert {:error, %Error{reason: :not_running}} = GlobalClock.offset(:nobody@nowhere, :no_scope)
  end

  defp echo(parent) do
    receive do
      :ping -> send(parent, {:pong, GlobalClock.now()})
    end

    echo(parent)
  end
end
