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

  # Capture reads the counter without a fence: the processor may do so some 20 ns early or late.
  # 40,000 messages at a time; SCOPE_LONG=1 sends 2,000,000.
  @chunks if System.get_env("SCOPE_LONG"), do: 50, else: 5
  @tag :slow
  @tag timeout: 300_000
  test "of many messages between schedulers, each is stamped before it is received", context do
    start_supervised!({Scope, name: context.test, node: :me@test})
    distances = for _chunk <- 1..@chunks, do: smallest_distance(context.test, 20_000)
    IO.puts("smallest distance of #{@chunks * 40_000} messages: #{Enum.min(distances)} ns")
    assert Enum.min(distances) > 0
  end

  test "an unknown node has no offset" do
    assert {:error, %Error{reason: :unknown_node}} = GlobalClock.offset(:nobody@nowhere)
    assert {:error, %Error{reason: :not_running}} = GlobalClock.offset(:nobody@nowhere, :no_scope)
  end

  # `count` messages one at a time, and as many in a stream, from scheduler to scheduler.
  defp smallest_distance(scope, count) do
    began = GlobalClock.now(scope)
    receiver = spawn_on(2, fn -> receive_all(scope) end)
    sender = spawn_on(1, fn -> send_all(scope, receiver, count) end)
    ref = Process.monitor(sender)
    assert_receive {:DOWN, ^ref, :process, _pid, :normal}, 60_000
    {:ok, events} = Scope.events(scope: scope, from: began, limit: 5 * count)
    stamps = Map.new(events, &{{&1.subject, &1.data}, elem(&1.at, 1)})
    assert map_size(stamps) == 4 * count
    Enum.min(for n <- 1..(2 * count), do: stamps[{:received, n}] - stamps[{:sent, n}])
  end

  defp spawn_on(scheduler, fun),
    do: :erlang.spawn_opt(fun, scheduler: rem(scheduler - 1, System.schedulers()) + 1)

  defp send_all(scope, to, count) do
    for n <- 1..count do
      send_one(scope, to, n)
      receive do: (:next -> :ok)
    end

    for n <- (count + 1)..(2 * count), do: send_one(scope, to, n)
    for _n <- 1..count, do: receive(do: (:next -> :ok))
    Process.exit(to, :kill)
  end

  defp send_one(scope, to, n) do
    Scope.record(:sent, n, scope: scope)
    send(to, {n, self()})
  end

  defp receive_all(scope) do
    receive do
      {n, from} ->
        Scope.record(:received, n, scope: scope)
        send(from, :next)
    end

    receive_all(scope)
  end

  defp echo(parent) do
    receive do
      :ping -> send(parent, {:pong, GlobalClock.now()})
    end

    echo(parent)
  end
end
