defmodule ElixirScope.Distributed.Cluster.BadDaysTest do
  # What happens to real nodes, drawn from a seed that is printed where it goes wrong: whatever
  # it was, in the end they are one scope again, and say so. SCOPE_LONG=1 does much more of it.
  use ElixirScope.Distributed.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, NodeCoordinator}

  @moduletag :slow
  @moduletag timeout: :infinity
  @long? System.get_env("SCOPE_LONG") != nil

  # Nodes are numbers until there are some.
  defp events do
    node = integer(0..2)

    tuple(
      List.duplicate(
        one_of([
          tuple([constant(:cut), node, node]),
          tuple([constant(:alone), node]),
          tuple([constant(:kill), node]),
          tuple([constant(:crash), node]),
          tuple([constant(:again), node]),
          constant({:heal}),
          constant({:wait})
        ]),
        if(@long?, do: 60, else: 8)
      )
    )
  end

  test "after whatever happened, all are one scope, and whole" do
    property(events(), [runs: if(@long?, do: 20, else: 2)], fn events ->
      nodes = start_nodes(3)
      :ok = on(hd(nodes), NodeCoordinator, :setup_cluster, [nodes])
      whole(nodes)
      for event <- Tuple.to_list(events), do: happen(Tuple.to_list(event), nodes)
      for node <- nodes, not alive?(node), do: restart(node)
      heal(nodes)
      whole(nodes)
      for node <- nodes, do: :ok = on(node, Scope, :record, [:done, node])

      for node <- nodes do
        eventually(
          fn ->
            {:ok, %{events: done, missing: missing}} = on(node, Scope, :query, [[kinds: [:mark]]])
            assert Enum.sort(for e <- done, do: e.data) == Enum.sort(nodes)
            assert missing == %{}
          end,
          within: 20_000
        )
      end

      Enum.each(nodes, &stop/1)
    end)
  end

  defp whole(nodes) do
    for node <- nodes do
      eventually(
        fn ->
          assert on(node, NodeCoordinator, :get_cluster_nodes, []) == {:ok, Enum.sort(nodes)}
          assert {:ok, status} = on(node, &ClusterStateManager.get_partition_status/0)
          assert status.kinds -- [:flapping] == [] and status.quorum == :majority
        end,
        within: 30_000
      )
    end
  end

  defp happen([:cut, same, same], _nodes), do: :ok
  defp happen([:cut, a, b], nodes), do: partition(Enum.at(nodes, a), Enum.at(nodes, b))
  defp happen([:alone, a], nodes), do: partition(Enum.at(nodes, a), List.delete_at(nodes, a))
  defp happen([:heal], nodes), do: heal(nodes)

  defp happen([:kill, a], nodes) do
    node = Enum.at(nodes, a)
    if alive?(node), do: kill(node), else: restart(node)
  end

  defp happen([:crash, a], nodes), do: crash(Enum.at(nodes, a), NodeCoordinator)
  defp happen([:again, a], nodes), do: crash(Enum.at(nodes, a), ClusterStateManager)

  # Long enough for somebody to draw conclusions.
  defp happen([:wait], _nodes), do: refute_receive(_, 1_000)

  defp crash(node, role) do
    if alive?(node) do
      pid = on(node, fn -> ElixirScope.Distributed.Scope.whereis(Scope, role) end)
      if pid, do: on(node, Process, :exit, [pid, :kill])
    end
  end

  defp alive?(node), do: ElixirScope.Distributed.Case.Cluster.alive?(node)
end
