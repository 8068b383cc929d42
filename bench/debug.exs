# What a node asks another one about dependencies, over loopback, with 1, 4 and 16 callers at a time: what
# a module needs, and what has to be interpreted for a breakpoint at a line; beside a bare erpc to the same
# function in the same run. They take turns, so that what disturbs the machine disturbs both. On a quiet
# machine the p99 itself is to be below 5 ms; what is judged is how much of it is added to the erpc's.

Code.require_file("support.exs", __DIR__)

defmodule Bench.Asking do
  @moduledoc false
  # Runs on the node that asks.
  @after_compile ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Debug.{Lines, Operations, Services}

  # A function of this module, to be called on a node.
  def to_call(function, arguments), do: fn -> apply(__MODULE__, function, arguments) end

  def questions do
    {:ok, [line | _]} = Lines.breakable(ElixirScope.Distributed.Scope)

    [
      {"a module", 8_000, {:dependency_analysis, :direct, [Enum]}},
      {"a breakpoint", 1_600,
       {:dependency_analysis, :breakpoint_dependencies,
        ["lib/elixir_scope/distributed/scope.ex", line, []]}}
    ]
  end

  # The graph is read when it is first asked for.
  def ready(language, question),
    do: {:ok, _, %{node: ^language}} = ask(language, question, 120_000)

  def latencies(language, {service, operation, args} = question, callers, calls) do
    {:ok, %{function: {module, function}}} = Operations.find(service, operation)
    ours = fn -> {:ok, _, %{node: ^language}} = ask(language, question, 5_000) end
    bare = fn -> {:ok, _} = :erpc.call(language, module, function, args) end
    each = div(calls, 4 * callers)
    for _ <- 1..2, fun <- [ours, bare], do: together(fun, callers, div(each, 10))
    rounds = for _ <- 1..4, do: {together(ours, callers, each), together(bare, callers, each)}
    {ours, bare} = Enum.unzip(rounds)
    {Enum.concat(ours), Enum.concat(bare)}
  end

  defp ask(language, {service, operation, args}, timeout_ms),
    do: Services.call(service, operation, args, node: language, timeout_ms: timeout_ms)

  defp together(fun, callers, each) do
    tasks = for _ <- 1..callers, do: Task.async(fn -> for _ <- 1..each//1, do: us(fun) end)
    Enum.flat_map(tasks, &Task.await(&1, :infinity))
  end

  defp us(fun), do: elem(:timer.tc(fun), 0)
end

defmodule Bench.Debug do
  @moduledoc false

  alias Bench.Asking
  alias ElixirScope.Distributed.Case.Cluster
  alias ElixirScope.Distributed.Debug.Services

  def run do
    [asker, language] = Cluster.start_nodes([:asker, :language])
    :ok = Cluster.on(language, Services, :register_language_server_services, [[]])

    for {name, calls, question} <- Cluster.on(asker, Asking.to_call(:questions, [])) do
      Cluster.on(asker, Asking.to_call(:ready, [language, question]))

      for callers <- [1, 4, 16],
          do: report({name, calls, question}, asker, language, callers)
    end

    for node <- [asker, language], do: Cluster.stop(node)
  end

  defp report({name, calls, question}, asker, language, callers) do
    arguments = [language, question, callers, calls]
    {ours, bare} = Cluster.on(asker, Asking.to_call(:latencies, arguments))

    what = "Elixir: remote dependency query of #{name}, #{callers} at a time"

    for {part, share} <- [{"p50", 0.5}, {"p99", 0.99}] do
      peer = {":erpc", percentile(bare, share)}
      Bench.row("#{what}: #{part}", "µs", percentile(ours, share), peer: peer)
    end

    added = max(percentile(ours, 0.99) - percentile(bare, 0.99), 0)
    Bench.row("#{what}: p99, added to that of a bare erpc", "µs", added, at_most: 5_000)
  end

  defp percentile(latencies, share) do
    latencies |> Enum.sort() |> Enum.at(trunc(length(latencies) * share))
  end
end

Bench.Debug.run()
