defmodule ElixirScope.Distributed.Causality.LivesTest do
  # What a trace of real processes says of messages, beginnings and ends, on two nodes.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Causality, NodeCoordinator}

  # A busy machine is another test's.
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  test "messages, spawns, links and ends are causes, also from node to node" do
    [a, b] = nodes = start_nodes(2)
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b]])

    for node <- nodes,
        do:
          eventually(fn ->
            assert {:ok, [_, _]} = on(node, NodeCoordinator, :get_cluster_nodes, [])
          end)

    actors = for node <- nodes, do: on(node, fn -> spawn(&act/0) end)
    trace(a, actors)
    :ok = on(a, fn -> play(actors) end)

    # A picture stays on the node where it was made.
    seen = eventually(fn -> on(a, fn -> seen() end) end)
    assert seen.kinds[{:receive, :message}] >= 2
    # The child's first event; the watcher's `:DOWN`; the linked one's own end.
    assert seen.kinds[{:receive, :exit}] >= 1
    assert seen.kinds[{:exit, :exit}] >= 1
    assert Enum.any?(seen.kinds, &match?({{_first, :spawn}, _count}, &1))
    assert seen.relation == :before
    assert Enum.sort(seen.nodes) == Enum.sort(nodes)
    assert Enum.any?(seen.steps, &(&1.what == :message and &1.uncertain_ns > 0))
  end

  defp seen do
    {:ok, picture} = Causality.build(kinds: [:message, :process])
    rows = Causality.rows(picture, 0, Causality.size(picture))
    for row <- rows, cause <- row.causes, do: true = cause.place < row.place
    kinds = for row <- rows, cause <- row.causes, do: {row.event.kind, cause.kind}

    [first, last] = for %{event: %{kind: :exit, data: {:failed, _ref}} = event} <- rows, do: event

    {:ok, led} = Causality.led_to(picture, last.id)
    told = Enum.find(rows, &match?(%{kind: :send, data: {:tell, _, _, _}}, &1.event))
    {:ok, steps} = Causality.critical_path(picture, told.event.id, last.id)
    led = picture |> Causality.events(led) |> Enum.map(& &1.node) |> Enum.uniq()
    relation = Causality.relation(picture, first.id, last.id)
    %{kinds: Enum.frequencies(kinds), relation: relation, nodes: led, steps: steps}
  end

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node, actors) do
    options = [processes: [:new | actors], messages: true, kinds: [:process], health: @calm]

    {:ok, _trace} =
      on(node, fn ->
        asking = self()

        spawn(fn ->
          send(asking, {:trace, Scope.trace([], options)})
          receive do: (:never -> :ok)
        end)

        receive do
          {:trace, trace} -> trace
        end
      end)
  end

  # The first actor tells the second one, on the other node, to spawn and watch, and to be linked with
  # what fails.
  defp play([one, other]) do
    send(one, {:tell, other, self(), make_ref()})

    receive do
      :over -> :ok
    end
  end

  defp act do
    receive do
      {:tell, other, from, ref} ->
        send(other, {:begin, self(), from, ref})
        act()

      {:begin, _teller, from, ref} ->
        {watched, monitor} = spawn_monitor(fn -> receive do: (:go -> :ok) end)
        send(watched, :go)

        receive do
          {:DOWN, ^monitor, :process, ^watched, :normal} -> send(from, :over)
        end

        linked(ref)
    end
  end

  defp linked(ref) do
    spawn_link(fn -> exit({:failed, ref}) end)

    receive do
      :never -> :ok
    end
  end
end
