defmodule ElixirScope.Distributed.Debug.Desk.RoomTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Desk.Room

  @limits %{workers: 4, workers_per_node: 2, waiting: 5, waiting_per_node: 3}

  defp events do
    list(
      one_of([
        tuple([constant(:comes), one_of(Enum.map([:a@h, :b@h, :c@h], &constant/1))]),
        tuple([constant(:comes), constant(:a@h)]),
        tuple([constant(:ends), integer(0..40)])
      ])
    )
  end

  # The model keeps all that came, in order, and says by counting who should run.
  test "whatever comes and ends, no bound is passed, and nothing waits that could run" do
    property(events(), [runs: 500], fn events ->
      Enum.reduce(Enum.with_index(events), {Room.new(@limits), []}, &happens/2)
    end)
  end

  defp happens({{:comes, node}, id}, {room, all}) do
    running = Enum.filter(all, &match?({_, _, :runs}, &1))
    waiting = Enum.filter(all, &match?({_, _, :waits}, &1))

    expected =
      cond do
        room?(running, node, :workers, :workers_per_node) -> :run
        room?(waiting, node, :waiting, :waiting_per_node) -> :wait
        true -> :busy
      end

    assert {^expected, room} = Room.admit(room, id, node)
    states = %{run: [{id, node, :runs}], wait: [{id, node, :waits}], busy: []}
    checked(room, all ++ states[expected])
  end

  defp happens({{:ends, id}, _index}, {room, all}) do
    {begun, room} = Room.done(room, id)
    all = List.keydelete(all, id, 0)

    {expected, all} =
      Enum.map_reduce(all, all, fn
        {id, node, :waits}, now ->
          if room?(
               Enum.filter(now, &match?({_, _, :runs}, &1)),
               node,
               :workers,
               :workers_per_node
             ),
             do: {[id], List.keyreplace(now, id, 0, {id, node, :runs})},
             else: {[], now}

        _running, now ->
          {[], now}
      end)

    assert begun == List.flatten(expected)
    checked(room, all)
  end

  defp room?(some, node, all, of_node) do
    length(some) < @limits[all] and Enum.count(some, &(elem(&1, 1) == node)) < @limits[of_node]
  end

  defp checked(room, all) do
    assert room.running == for({id, node, :runs} <- all, into: %{}, do: {id, node})
    assert room.waiting == for({id, node, :waits} <- all, do: {id, node})
    {room, all}
  end
end
