# What a node that knows the code does when it is first asked, and then: the graph of this project's own modules out
# of their BEAM files, one question, and the function on a line. On one node; bench/debug.exs asks from another.

Code.require_file("support.exs", __DIR__)

defmodule Bench.Dependencies do
  @moduledoc false

  alias ElixirScope.Distributed.Debug.{DependencyService, Lines, TracerStream}

  @file_asked "lib/elixir_scope/distributed/node_coordinator.ex"
  @module ElixirScope.Distributed.NodeCoordinator

  def run do
    {:ok, _started} = Application.ensure_all_started(:elixir_scope_distributed)
    first_snapshot()
    {:ok, [line | _] = lines} = Lines.breakable(@module)

    row("first lookup of a line, all modules of the code path", fn ->
      {:ok, _} = Lines.at(@file_asked, line)
    end)

    repeated("lookup of a line", lines, &({:ok, %{module: @module}} = Lines.at(@file_asked, &1)))
    direct = fn _ -> {:ok, %{target_module: @module}} = DependencyService.direct(@module) end
    repeated("question of one module", 1..200, direct)
    row("first question for a breakpoint", fn -> breakpoint(line) end)
    repeated("question for a breakpoint", lines, &breakpoint/1)
  end

  defp first_snapshot do
    before = memory()
    ms = ms(fn -> {:ok, _} = TracerStream.get_trace() end)
    {:ok, snapshot} = TracerStream.get_trace()
    modules = map_size(snapshot.modules)
    Bench.row("Elixir: first snapshot of #{modules} modules", "ms", ms)
    Bench.row("Elixir: memory of these, in the stream", "kB", (memory() - before) / 1_000)
    Bench.row("Elixir: the snapshot as a message", "kB", :erlang.external_size(snapshot) / 1_000)
  end

  # Of the process with its lists; the graph itself is the native core's.
  defp memory do
    case Process.whereis(TracerStream) do
      nil -> 0
      pid -> :erlang.garbage_collect(pid) && bytes(pid)
    end
  end

  defp bytes(pid) do
    {:memory, heap} = Process.info(pid, :memory)
    {:binary, binaries} = Process.info(pid, :binary)
    heap + Enum.sum(for {_id, size, _count} <- Enum.uniq(binaries), do: size)
  end

  defp breakpoint(line) do
    {:ok, %{target_module: @module}} =
      DependencyService.get_breakpoint_dependencies(@file_asked, line)
  end

  defp row(what, fun), do: Bench.row("Elixir: #{what}", "ms", ms(fun))

  defp repeated(what, inputs, fun) do
    for input <- inputs, do: fun.(input)
    times = for input <- inputs, do: ms(fn -> fun.(input) end) * 1_000
    sorted = Enum.sort(times)
    Bench.row("Elixir: #{what}: p50", "µs", Bench.median(sorted))
    Bench.row("Elixir: #{what}: p99", "µs", Enum.at(sorted, trunc(length(sorted) * 0.99)))
  end

  defp ms(fun) do
    {us, _} = :timer.tc(fun)
    us / 1_000
  end
end

Bench.Dependencies.run()
