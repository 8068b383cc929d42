defmodule ElixirScope.Distributed.Case.SynchronizerContract do
  @moduledoc """
  What every `ElixirScope.Distributed.Synchronizer` promises, as tests for each of them:

      defmodule MyApp.AtNightTest do
        use ExUnit.Case, async: true
        use ElixirScope.Distributed.Case.SynchronizerContract, synchronizer: MyApp.AtNight, brings?: false
      end

  Each test starts members with that synchronizer over a simulated network. `brings?: false` says that it
  does not bring events together whenever it is asked to.
  """

  import ExUnit.Assertions

  alias ElixirScope.Distributed.Case.{Eventually, Parts}
  alias ElixirScope.Distributed.{Error, EventSynchronizer, GlobalClock, Scope}
  alias ElixirScope.Distributed.Types.EventSyncMessage

  @compile {:no_warn_undefined, ExUnit.Assertions}

  @doc false
  defmacro __using__(options) do
    quote location: :keep do
      alias ElixirScope.Distributed.Case.SynchronizerContract

      @synchronizer_option Keyword.fetch!(unquote(options), :synchronizer)

      describe "the synchronizer's contract:" do
        setup context do
          options = [synchronizer: @synchronizer_option]
          [members: ElixirScope.Distributed.Case.Parts.start(context, 2, options)]
        end

        if Keyword.get(unquote(options), :brings?, true) do
          test("it brings the members' events together", %{members: members},
            do: SynchronizerContract.brings(members)
          )
        end

        test("asked for an exchange, it has an answer for each in time", %{members: members},
          do: SynchronizerContract.answers(members)
        )

        test("what is no batch is refused, and does not stop it", %{members: [a, b]},
          do: SynchronizerContract.refuses(a, b)
        )

        test("it keeps the clock's time", %{members: [one, other]},
          do: SynchronizerContract.ticks(one, other)
        )

        test("it says how it stands", %{members: [a, _b]}, do: SynchronizerContract.describes(a))

        test("when it ends it is there again, and no event is gone", %{members: [a, _b]},
          do: SynchronizerContract.comes_back(a)
        )
      end
    end
  end

  @doc false
  def brings([a, b] = members) do
    for scope <- members, do: ElixirScope.Distributed.record(:mine, scope, scope: scope)
    assert {:ok, summaries} = EventSynchronizer.sync_with_cluster(a)
    assert %{received: _, sent: _, bytes: _, ms: _} = summaries[Parts.node_of(b)]
    for scope <- members, do: Eventually.eventually(fn -> assert Parts.has(scope) == 2 end, [])
  end

  @doc false
  def answers([a, b]) do
    other = Parts.node_of(b)
    {us, answer} = :timer.tc(fn -> EventSynchronizer.synchronise(a, [other, :no@one], 300) end)
    assert {:ok, %{^other => result, :no@one => {:error, _reason}}} = answer
    assert match?(%{received: _}, result) or match?({:error, _reason}, result)
    assert div(us, 1_000) < 5_000
    assert {:error, _reason} = EventSynchronizer.sync_with_node(:no@one, a)
    assert {:ok, %{}} = EventSynchronizer.sync_with_cluster(a)
  end

  @doc false
  def refuses(a, b) do
    pid = Scope.whereis(a, EventSynchronizer)
    fields = [source_node: Parts.node_of(b), events_batch: "no batch", since_global_clock: nil]
    message = struct!(EventSyncMessage, fields)
    assert {:error, _reason} = EventSynchronizer.apply_batch(message, a)

    assert {:error, _reason} =
             EventSynchronizer.apply_batch(%{message | source_node: :x@contract}, a)

    {:ok, %{synchronizer: {module, name}}} = Scope.fetch(a)
    assert module.deliver(name, Parts.node_of(b), message) == :ok
    assert is_map(EventSynchronizer.bounds(a))
    assert Scope.whereis(a, EventSynchronizer) == pid
  end

  @doc false
  def ticks(a, b) do
    Eventually.eventually(
      fn ->
        assert {:ok, {_offset, _uncertainty}} = GlobalClock.offset(Parts.node_of(b), a)
      end,
      []
    )
  end

  @doc false
  def describes(scope) do
    {:ok, status} = ElixirScope.Distributed.status(scope)
    assert is_map(status.exchange) and status.exchange != %{}
  end

  @doc false
  def comes_back(scope) do
    ElixirScope.Distributed.record(:before, 1, scope: scope)
    pid = Scope.whereis(scope, EventSynchronizer)
    Process.exit(pid, :kill)

    Eventually.eventually(
      fn ->
        assert Scope.whereis(scope, EventSynchronizer) not in [nil, pid]
        assert {:ok, %{}} = EventSynchronizer.sync_with_cluster(scope)
        assert {:ok, [%{data: 1} | _]} = Parts.marks(scope)
      end,
      []
    )

    assert {:error, %Error{reason: :not_running}} = EventSynchronizer.sync_with_cluster(:no_scope)
  end
end
