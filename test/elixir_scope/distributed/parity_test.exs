defmodule ElixirScope.Distributed.ParityTest do
  # Virtual nodes do what real ones do: every story is told on both, and what came of it compared.
  # What differs is named here, with the reason; nothing else may.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Parity.{Cluster, Real, Simulated, Stories}

  @moduletag :capture_log
  @moduletag timeout: 300_000

  @options [sync_interval_ms: 200, flush_ms: 50]

  @different %{
    trace_recorded_by:
      "the virtual nodes share one VM: each call is recorded once, by the node that took the trace first",
    one_way_members:
      "Erlang distribution has no connection of one direction: real nodes are connected again by the " <>
        "one that still can; in the simulated network a way that is cut stays cut"
  }
  @least 95.0

  test "virtual and real nodes tell the same" do
    {simulated_ms, simulated} = told(Simulated)
    {real_ms, real} = told(Real)
    assert Enum.map(simulated, &elem(&1, 0)) == Enum.map(real, &elem(&1, 0))

    differ =
      for {{story, one}, {story, other}} <- Enum.zip(simulated, real),
          one != other,
          do: {story, one, other}

    parity = 100 * (1 - length(differ) / length(real))
    report(differ, length(real), parity, simulated_ms, real_ms)

    assert for({story, _, _} = found <- differ, not is_map_key(@different, story), do: found) ==
             []

    assert parity >= @least
  end

  defp told(world) do
    began = System.monotonic_time(:millisecond)
    cluster = Cluster.whole(world.start(@options))
    {stories, cluster} = Enum.flat_map_reduce(Stories.scenes(), cluster, &tell/2)
    world.finish(cluster)
    {System.monotonic_time(:millisecond) - began, stories}
  end

  defp tell({scene, {options, fun}}, %{world: world} = cluster) do
    cluster = world.renew(cluster, named(@options ++ options, cluster))
    tell({scene, fun}, cluster)
  end

  defp tell({scene, fun}, cluster) do
    if System.get_env("PARITY_TIMES"),
      do: IO.puts("#{System.monotonic_time(:millisecond)} #{scene}")

    {fun.(Cluster.whole(cluster)), cluster}
  end

  # Options that name nodes name those of the cluster.
  defp named(options, cluster) do
    with {:collectors, [_ | _] = names} <- options[:sync],
         do: Keyword.put(options, :sync, {:collectors, Enum.map(names, &cluster.nodes[&1])}),
         else: (_mode -> options)
  end

  defp report(differ, stories, parity, simulated_ms, real_ms) do
    IO.puts(
      "\nparity #{:erlang.float_to_binary(parity, decimals: 1)} %: #{stories - length(differ)} of #{stories} " <>
        "stories (virtual nodes #{simulated_ms} ms, real ones #{real_ms} ms)"
    )

    for {story, one, other} <- differ do
      IO.puts("  #{story}: #{@different[story] || "NOT EXPECTED"}")
      IO.puts("    virtual #{inspect(one, limit: 50)}\n    real    #{inspect(other, limit: 50)}")
    end
  end
end
