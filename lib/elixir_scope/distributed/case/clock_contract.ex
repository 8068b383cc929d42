defmodule ElixirScope.Distributed.Case.ClockContract do
  @moduledoc """
  What every `ElixirScope.Distributed.Clock` promises, as tests for each of them:

      defmodule MyApp.ClockTest do
        use ExUnit.Case, async: true
        use ElixirScope.Distributed.Case.ClockContract, clock: {MyApp.Clock, reference: :test}
      end

  Each test starts members with that clock over a simulated network.
  """

  import ExUnit.Assertions

  alias ElixirScope.Distributed.Case.{Eventually, Parts}
  alias ElixirScope.Distributed.{Error, GlobalClock, Scope}
  alias ElixirScope.Distributed.Types.GlobalClockUpdate

  @compile {:no_warn_undefined, ExUnit.Assertions}

  # Further ahead than any clock should follow.
  @absurd_ns 18_000_000_000_000_000_000

  @doc false
  defmacro __using__(options) do
    quote location: :keep do
      alias ElixirScope.Distributed.Case.ClockContract

      @clock_option Keyword.fetch!(unquote(options), :clock)

      describe "the clock's contract:" do
        setup context do
          [
            members: ElixirScope.Distributed.Case.Parts.start(context, 2, clock: @clock_option)
          ]
        end

        test("it never goes back", %{members: [a, _b]}, do: ClockContract.goes_on(a))

        test("what is heard of is past, or refused", %{members: [a, _b]},
          do: ClockContract.follows_or_refuses(a)
        )

        test("a stamp of the far future does not move it", %{members: [a, _b]},
          do: ClockContract.stays(a)
        )

        test("it says how far others are apart, or why not", %{members: members},
          do: ClockContract.measures(members)
        )

        test("it says how it stands", %{members: members}, do: ClockContract.describes(members))

        test("what nobody asked for does not stop it", %{members: [a, _b]},
          do: ClockContract.bears(a)
        )

        test("when it ends it is there again, and no event is gone", %{members: [a, _b]},
          do: ClockContract.comes_back(a)
        )
      end
    end
  end

  @doc false
  def goes_on(scope) do
    reads = for _ <- 1..4, do: Task.async(fn -> for _ <- 1..500, do: GlobalClock.now(scope) end)
    for stamps <- Task.await_many(reads), do: assert(stamps == Enum.sort(stamps, GlobalClock))
    assert {logical, ns, node} = GlobalClock.now(scope)
    assert logical in 0..255 and is_integer(ns) and node == Parts.node_of(scope)
  end

  @doc false
  def follows_or_refuses(scope) do
    {logical, ns, _node} = GlobalClock.now(scope)
    stamp = {logical, ns + 20_000_000, :other@contract}

    case GlobalClock.update(stamp, scope) do
      :ok -> assert GlobalClock.compare(GlobalClock.now(scope), stamp) == :gt
      {:error, %Error{} = error} -> assert is_binary(Exception.message(error))
    end
  end

  @doc false
  def stays(scope) do
    {_logical, before, _node} = GlobalClock.now(scope)
    assert {:error, %Error{}} = GlobalClock.update({0, @absurd_ns, :other@contract}, scope)
    {_logical, ns, _node} = GlobalClock.now(scope)
    assert_in_delta ns, before, 60_000_000_000
  end

  @doc false
  def measures([a, b]) do
    assert {:error, %Error{}} = GlobalClock.offset(:nobody@contract, a)
    other = Parts.node_of(b)
    GlobalClock.tick(a, [other])

    case GlobalClock.offset(other, a) do
      {:ok, {offset, uncertainty}} -> assert is_integer(offset) and uncertainty >= 0
      {:error, %Error{}} -> :unknown
    end
  end

  @doc false
  def describes([a, _b] = members) do
    {:ok, status} = ElixirScope.Distributed.status(a)
    assert is_list(status.clock.quarantined)
    assert status.clock.quarantined -- Enum.map(members, &Parts.node_of/1) == []
  end

  @doc false
  def bears(scope) do
    {:ok, %{clock: {module, name}}} = Scope.fetch(scope)
    stamp = GlobalClock.now(scope)
    pong = %GlobalClockUpdate{source_node: :x@contract, kind: :pong, sent_at: stamp}
    pong = %{pong | echo: stamp, received_at: stamp}
    pid = Scope.whereis(scope, GlobalClock)
    for _ <- 1..3, do: assert(module.deliver(name, :x@contract, pong) == :ok)
    :ok = GlobalClock.hear(scope, :x@contract, :no_stamp)
    {:ok, _status} = ElixirScope.Distributed.status(scope)
    assert Scope.whereis(scope, GlobalClock) == pid
  end

  @doc false
  def comes_back(scope) do
    ElixirScope.Distributed.record(:before, 1, scope: scope)
    pid = Scope.whereis(scope, GlobalClock)
    Process.exit(pid, :kill)

    Eventually.eventually(
      fn ->
        assert Scope.whereis(scope, GlobalClock) not in [nil, pid]
        assert {_logical, _ns, _node} = GlobalClock.now(scope)
        assert {:ok, [%{data: 1} | _]} = Parts.marks(scope)
      end,
      []
    )
  end
end
