# What a node pays for the library while nothing happens: resident memory and wake-ups
# of the whole operating system process, beside a node without it.

Code.require_file("support.exs", __DIR__)
alias ElixirScope.Distributed.Case.{Cluster, Eventually}

defmodule Idle do
  @nodes 5
  @seconds 10

  def run do
    with_it = Cluster.start_nodes(@nodes, connect: false)
    without = Cluster.start_nodes(@nodes, apps: [], connect: false)
    settle()
    before = Map.new(with_it ++ without, &{&1, switches(&1)})
    settle()
    report(with_it, without, before)
  end

  defp report(with_it, without, before) do
    memory = fn nodes -> Bench.median(Enum.map(nodes, &resident/1)) end

    wakes = fn nodes ->
      Bench.median(Enum.map(nodes, &((switches(&1) - before[&1]) / @seconds)))
    end

    more = (memory.(with_it) - memory.(without)) / 1024
    Bench.row("Elixir: an idle node, resident memory more than without", "MiB", more, at_most: 10)
    woken = [peer: {"without the library", wakes.(without)}]
    Bench.row("Elixir: an idle node, context switches", "a second", wakes.(with_it), woken)
  end

  # Long enough for the interval of synchronisation to have doubled to its longest.
  defp settle, do: Eventually.eventually(elapsed(System.monotonic_time(:second)), within: 60_000)
  defp elapsed(began), do: fn -> System.monotonic_time(:second) - began >= @seconds end

  defp resident(node), do: status(node, "VmRSS:")

  defp switches(node) do
    for task <- File.ls!("/proc/#{pid(node)}/task"), reduce: 0 do
      sum -> sum + status(node, "voluntary_ctxt_switches:", "/task/#{task}")
    end
  end

  defp status(node, key, folder \\ "") do
    text = File.read!("/proc/#{pid(node)}#{folder}/status")
    [_, number] = Regex.run(~r/^#{key}\s+(\d+)/m, text)
    String.to_integer(number)
  end

  defp pid(node), do: Cluster.on(node, System, :pid, [])
end

Idle.run()
