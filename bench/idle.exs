# What a node pays for the library while nothing happens: resident memory and wake-ups
# of the whole operating system process, beside a node without it.

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
    memory = fn nodes -> median(Enum.map(nodes, &resident/1)) end
    wakes = fn nodes -> median(Enum.map(nodes, &((switches(&1) - before[&1]) / @seconds))) end
    more = Float.round((memory.(with_it) - memory.(without)) / 1024, 1)

    IO.puts(
      "\nAn idle node, median of #{@nodes}: #{more} MiB more resident memory (target < 10),"
    )

    IO.puts(
      "#{wakes.(with_it)} context switches a second, #{wakes.(without)} without the library"
    )
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
  defp median(values), do: values |> Enum.sort() |> Enum.at(div(length(values), 2))
end

Idle.run()
