defmodule ElixirScope.Distributed.Debug.TracerStreamTest do
  # The stream of this VM, and subscribers in it.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed.Debug.{Graph, TracerStream}
  alias ElixirScope.Distributed.Debug.TracerStream.{Held, Snapshot}

  setup do
    {:ok, %{modules: _modules}} = TracerStream.get_trace()
    on_exit(fn -> TracerStream.remove([Streamed.A, Streamed.B]) end)
  end

  defp subscribe(options \\ []),
    do: TracerStream.subscribe_to_tracer_updates([node: node()] ++ options)

  test "a subscriber is told everything, and then each change alone" do
    {:ok, subscription} = subscribe()

    assert_receive {:tracer_update, :initial, version, %Snapshot{version: version} = all} = first,
                   5_000

    {:ok, held} = Held.follow(nil, first)

    {:ok, {epoch, next}} =
      TracerStream.put(Streamed.A, <<1>>, [{Streamed.B, :runtime, [{"a.ex", 3}]}])

    assert {epoch, next} == {all.epoch, version + 1}
    assert_receive {:tracer_update, :incremental, ^next, change} = second, 5_000
    assert change.from == version
    assert [{:put, Streamed.A, <<1>>, [{Streamed.B, :runtime, [{"a.ex", 3}]}]}] = change.changes
    {:ok, held} = Held.follow(held, second)
    assert Graph.direct(held.graph, Streamed.A) == {:ok, [{Streamed.B, [:runtime]}]}
    assert held.modules[Streamed.A] == <<1>>
    # One that does not follow is not taken for one that does.
    assert Held.follow(held, second) == :missed
    assert :erlang.external_size(second) < 2_000
    # The same again is no change.
    {:ok, {^epoch, ^next}} =
      TracerStream.put(Streamed.A, <<1>>, [{Streamed.B, :runtime, [{"a.ex", 3}]}])

    :ok = TracerStream.unsubscribe(subscription)
    ref = Process.monitor(subscription)
    assert_receive {:DOWN, ^ref, :process, _pid, _reason}, 5_000
    {:ok, _} = TracerStream.remove([Streamed.A])
    refute_received {:tracer_update, _kind, _version, _what}
  end

  test "what is not read is not sent, and comes as one" do
    test = self()
    slow = spawn_link(fn -> slow(test) end)
    assert_receive {:subscribed, _subscription}, 5_000
    eventually(fn -> assert queue(slow) == 1 end)
    for n <- 1..3, do: send(slow, {:noise, n})
    for n <- 1..200, do: {:ok, _} = TracerStream.put(Streamed.A, <<n>>, [])
    {:ok, {_epoch, version}} = TracerStream.put(Streamed.B, <<7>>, [])
    # The first that it is told with more messages than it may have is none.
    assert queue(slow) <= 5
    send(slow, :read)
    assert_receive {:read, held}, 5_000
    assert held.version == version
    assert {held.modules[Streamed.A], held.modules[Streamed.B]} == {<<200>>, <<7>>}
  end

  defp queue(pid), do: pid |> Process.info(:message_queue_len) |> elem(1)

  defp slow(test) do
    {:ok, subscription} = subscribe(queue: 2)
    send(test, {:subscribed, subscription})
    receive do: (:read -> :ok)
    {:ok, %{version: version}} = TracerStream.get_trace()
    send(test, {:read, read(nil, version)})
  end

  defp read(%{version: version} = held, version), do: held

  defp read(held, version) do
    receive do
      {:tracer_update, _, _, _} = update ->
        {:ok, held} = Held.follow(held, update)
        read(held, version)

      {:noise, _n} ->
        read(held, version)
    end
  end

  test "a subscriber that is dead is forgotten" do
    test = self()
    dead = spawn(fn -> send(test, {:subscribed, subscribe()}) && receive(do: (:end -> :ok)) end)
    assert_receive {:subscribed, {:ok, subscription}}, 5_000
    eventually(fn -> assert is_map_key(readers(), subscription) end)
    Process.exit(dead, :kill)
    eventually(fn -> assert not is_map_key(readers(), subscription) end)
    refute Process.alive?(subscription)
  end

  defp readers, do: :sys.get_state(TracerStream).readers.monitors

  test "who asks reads what is published, and it never changes" do
    {:ok, _} = TracerStream.put(Streamed.A, <<1>>, [{Streamed.B, :runtime, []}])
    {:ok, %{graph: before, position: {_, version}}} = TracerStream.Server.published()
    {:ok, _} = TracerStream.put(Streamed.A, <<2>>, [])
    {:ok, %{graph: later, position: {_, next}}} = TracerStream.Server.published()
    assert next == version + 1
    assert Graph.direct(before, Streamed.A) == {:ok, [{Streamed.B, [:runtime]}]}
    assert Graph.direct(later, Streamed.A) == {:ok, []}
    assert {:ok, %{graph: ^later}} = TracerStream.Server.published()
  end
end
