defmodule ElixirScope.Distributed.Storage.PluggedTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog
  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.Case.Parts
  alias ElixirScope.Distributed.{EventSynchronizer, GlobalClock, Part, Scope, Storage}
  alias ElixirScope.Distributed.Storage.{Feeder, Filter}
  alias ElixirScope.Distributed.Storages.{Ets, Native}

  # A storage that outlives its process, and does what a test wants of it: what it keeps is in a table of
  # the test's.
  defmodule Durable do
    use GenServer

    alias ElixirScope.Distributed.Storage
    alias ElixirScope.Distributed.Storage.Filter

    @behaviour Storage

    def new do
      table = :ets.new(__MODULE__, [:public, :ordered_set])
      :ets.insert(table, progress: nil, mode: :good, appends: 0)
      table
    end

    def mode(table, mode), do: :ets.insert(table, mode: mode)
    def appends(table), do: :ets.lookup_element(table, :appends, 2)
    def events(table), do: for({{:event, _place}, event} <- :ets.tab2list(table), do: event)

    @impl Storage
    def start_link(options) do
      case :ets.lookup_element(options[:table], :mode, 2) do
        :refuses -> {:error, :no_disk}
        _mode -> GenServer.start_link(__MODULE__, options[:table], name: options[:name])
      end
    end

    @impl Storage
    def append(store, events, progress),
      do: GenServer.call(store, {:append, events, progress}, :infinity)

    @impl Storage
    def progress(store), do: {:ok, :ets.lookup_element(table(store), :progress, 2)}

    @impl Storage
    def query(store, filter), do: events_since(store, nil, filter)

    @impl Storage
    def events_since(store, cursor, filter) do
      case :ets.lookup_element(table(store), :mode, 2) do
        :silent -> receive(do: (:never -> :ok))
        :wrong -> {:ok, :what}
        _mode -> {:ok, Filter.answer(filter, sorted(store, filter.order), cursor)}
      end
    end

    defp sorted(store, order), do: store |> table() |> events() |> Filter.sort(order)

    @impl Storage
    def retain(_store, _from), do: {:ok, 0}

    @impl Storage
    def statistics(store), do: %{events: length(events(table(store))), oldest: nil, newest: nil}

    @impl GenServer
    def init(table), do: {:ok, table}

    @impl GenServer
    def handle_call(:table, _from, table), do: {:reply, table, table}

    def handle_call({:append, events, progress}, _from, table) do
      :ets.update_counter(table, :appends, 1)

      case :ets.lookup_element(table, :mode, 2) do
        :fails -> {:reply, {:error, :disk_full}, table}
        :crashes -> {:stop, :crashed, table}
        :hangs -> {:noreply, table}
        _mode -> {:reply, keep(table, events, progress), table}
      end
    end

    defp keep(table, events, progress) do
      :ets.insert(table, for(event <- events, do: {{:event, Filter.place(event)}, event}))
      :ets.insert(table, progress: progress)
      :ok
    end

    defp table(store), do: GenServer.call(store, :table)
  end

  defp alone(context, options) do
    options = [name: context.test, node: :me@contract, sync_interval_ms: 20] ++ options
    start_supervised!({Library, options})
    context.test
  end

  defp standing(scope) do
    {:ok, %{storage: storage}} = Library.status(scope)
    storage
  end

  defp fed(scope),
    do: eventually(fn -> assert %{lag: 0, up?: true} = standing(scope) end, within: 30_000)

  defp data(scope, filter \\ []) do
    {:ok, events} = Library.events([scope: scope, kinds: [:mark]] ++ filter)
    Enum.map(events, & &1.data)
  end

  test "a process sees its own events at once, and all events come to the storage", context do
    table = Durable.new()
    scope = alone(context, storage: {Durable, table: table})

    for n <- 1..50 do
      Library.record(:n, n, scope: scope)
      assert List.last(data(scope)) == n
    end

    fed(scope)
    assert data(scope) == Enum.to_list(1..50)

    assert %{module: Durable, lost: 0, failures: 0, statistics: %{events: events}} =
             standing(scope)

    assert events >= 50
    {:ok, %{events: all}} = Native.query(store(scope), [])
    assert Filter.sort(Durable.events(table)) == all
  end

  defp store(scope) do
    {:ok, %{store: store}} = Scope.fetch(scope)
    store
  end

  test "events of other members come to it, too", context do
    [a, b] = Parts.start(context, 2, storage: Ets)
    for scope <- [a, b], do: Library.record(:mine, scope, scope: scope)
    {:ok, _summaries} = EventSynchronizer.sync_with_cluster(a)

    eventually(fn ->
      assert %{lag: 0, statistics: %{events: n}} = standing(a)
      assert n >= 2
    end)

    {:ok, %{storage: {Ets, name}}} = Scope.fetch(a)
    {:ok, %{events: events}} = Ets.query(name, Filter.new(kinds: [:mark]))
    assert events |> Enum.map(& &1.data) |> Enum.sort() == Enum.sort([a, b])
    assert Enum.sort(data(a)) == Enum.sort([a, b])
  end

  test "what retention took from the native store is still answered", context do
    scope = alone(context, storage: Ets, retention_bytes: 20_000, flush_ms: 10)
    long = fn n -> {n, :crypto.strong_rand_bytes(200)} end

    for n <- 1..40 do
      for k <- 1..25, do: Library.record(:n, long.(n * 100 + k), scope: scope)
      fed(scope)
    end

    eventually(fn ->
      {:ok, status} = Library.status(scope)
      assert status.store.expired > 0
    end)

    assert length(data(scope)) == 1_000
    {:ok, %{events: left}} = Native.query(store(scope), kinds: [:mark])
    assert length(left) < 1_000
    assert %{lost: 0} = standing(scope)

    assert capture_log(fn -> Library.Export.json_lines(scope: scope) end) =~ ":not_read"

    {:ok, result} = Library.query(scope: scope, kinds: [:mark], limit: 10, order: :desc)
    assert {length(result.events), result.more?, result.missing} == {10, true, %{}}

    {:ok, %{events: all, more?: false}} = Library.query(scope: scope)
    assert all == Filter.sort(all) and Enum.uniq_by(all, & &1.id) == all
    streamed = Library.stream(scope: scope, kinds: [:mark])
    assert Enum.map(streamed, & &1.data) == data(scope)
    [first, second | _] = Enum.take(streamed, 2)

    assert [^second] =
             [scope: scope, kinds: [:mark], after: first] |> Library.stream() |> Enum.take(1)

    back = Library.stream(scope: scope, kinds: [:mark], order: :desc)
    assert back |> Enum.map(& &1.data) |> Enum.reverse() == data(scope)
  end

  test "what expired before a storage took it is counted, and a gap in its place", context do
    table = Durable.new()
    Durable.mode(table, :fails)
    options = [storage: {Durable, table: table}, retention_bytes: 20_000, flush_ms: 10]

    log =
      capture_log(fn ->
        scope = alone(context, options)

        for n <- 1..40 do
          for _ <- 1..25,
              do: Library.record(:n, {n, :crypto.strong_rand_bytes(200)}, scope: scope)

          eventually(fn -> assert {:ok, %{store: %{open_events: 0}}} = Library.status(scope) end)
        end

        assert %{up?: true, failure: {:append, :disk_full}, appended: 0} = standing(scope)
        Durable.mode(table, :good)
        fed(scope)
        %{lost: lost} = standing(scope)
        assert lost > 0
        {:ok, %{events: gaps, dropped: dropped}} = Library.query(scope: scope, kinds: [:gap])
        assert [%{data: %{expired: ^lost}}] = gaps
        assert dropped == lost
        assert length(data(scope)) + lost >= 1_000
      end)

    assert log =~ "its storage takes no events: {:append, :disk_full}"
    assert log =~ "events expired before its storage took them"
    assert length(String.split(log, "takes no events")) == 2
  end

  test "one that crashes is started again, and goes on where it was", context do
    table = Durable.new()
    scope = alone(context, storage: {Durable, table: table})
    Library.record(:n, 1, scope: scope)
    fed(scope)

    log =
      capture_log(fn ->
        Durable.mode(table, :crashes)
        Library.record(:n, 2, scope: scope)
        eventually(fn -> assert standing(scope).failures > 0 end)

        assert {:ok, %{missing: missing, events: [_, _]}} =
                 Library.query(scope: scope, kinds: [:mark])

        assert match?(nil, missing[:me@contract]) or
                 match?({:distributed_exit, {:storage, _}}, missing[:me@contract])

        coordinator = Scope.whereis(scope, Library.NodeCoordinator)
        eventually(fn -> assert standing(scope).failures > 3 end, within: 30_000)
        assert Scope.whereis(scope, Library.NodeCoordinator) == coordinator
        Durable.mode(table, :good)
        eventually(fn -> assert %{lag: 0, up?: true} = standing(scope) end, within: 30_000)
      end)

    assert log =~ "its storage takes no events"
    assert data(scope) == [1, 2]
    ids = for event <- Durable.events(table), do: event.id
    assert ids == Enum.uniq(ids)
  end

  test "one that hangs, or answers nonsense, keeps nobody waiting", context do
    table = Durable.new()
    scope = alone(context, storage: {Durable, table: table}, query_timeout_ms: 200)
    Library.record(:n, 1, scope: scope)
    fed(scope)

    assert capture_log(fn ->
             Durable.mode(table, :silent)
             assert {:ok, %{events: [_], missing: missing}} = query(scope)
             assert missing == %{me@contract: :distributed_timeout}

             Durable.mode(table, :wrong)

             assert {:ok, %{events: [_], missing: %{me@contract: {:distributed_exit, why}}}} =
                      query(scope)

             assert why == {:storage, {:bad_return, {:ok, :what}}}

             assert {:error, %{reason: :nodes_missing}} =
                      Library.query(scope: scope, require: :all)

             Durable.mode(table, :hangs)
             Library.record(:n, 2, scope: scope)
             eventually(fn -> assert Durable.appends(table) > 1 end)
             for n <- 3..1_000, do: Library.record(:n, n, scope: scope)
             assert length(data(scope)) == 1_000
             assert %{lag: lag} = standing(scope)
             assert lag >= 999
           end) =~ ""
  end

  defp query(scope), do: Library.query(scope: scope, kinds: [:mark])

  test "one that does not start is tried again, and the scope runs meanwhile", context do
    table = Durable.new()
    Durable.mode(table, :refuses)

    capture_log(fn ->
      scope = alone(context, storage: {Durable, table: table})
      Library.record(:n, 1, scope: scope)
      assert data(scope) == [1]
      eventually(fn -> assert %{up?: false, failure: {:down, :no_disk}} = standing(scope) end)
      Durable.mode(table, :good)
      fed(scope)
    end)

    assert length(Durable.events(table)) >= 1
  end

  test "a scope that stops gives its storage what is left", context do
    table = Durable.new()
    scope = alone(context, storage: {Durable, table: table}, sync_interval_ms: 60_000)
    eventually(fn -> assert Feeder.standing(scope).up? end)
    for n <- 1..2_500, do: Library.record(:n, n, scope: scope)
    :ok = Library.stop(scope)
    marks = for %{kind: :mark, data: n} <- Filter.sort(Durable.events(table)), do: n
    assert marks == Enum.to_list(1..2_500)
  end

  test "events since a stamp are those of the storage, too", context do
    scope = alone(context, storage: Ets)
    Library.record(:n, 1, scope: scope)
    stamp = GlobalClock.now(scope)
    Library.record(:n, 2, scope: scope)
    fed(scope)

    assert {:ok, [%{data: 2}]} =
             EventSynchronizer.events_since(stamp, scope: scope, kinds: [:mark])
  end

  test "without one there is nothing of it", context do
    scope = alone(context, [])
    assert standing(scope) == nil
    assert Feeder.standing(scope) == nil
    refute Scope.whereis(scope, Feeder)
    {:ok, tree} = Scope.fetch(scope)
    assert tree.storage == Part.address(Native, scope, Storage)
  end
end
