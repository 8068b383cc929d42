# What a node asks another one about dependencies, over loopback, with 1, 4 and 16 callers at a time:
# beside a bare erpc to the same function in the same run. Half of the calls of each kind come first,
# then the other half, so that what disturbs the machine disturbs both.

Code.require_file("support.exs", __DIR__)

defmodule Bench.Asking do
  @moduledoc false
  # Runs on the node that asks.
  @after_compile ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Debug.{Operations, Services}

  @question {:dependency_analysis, :direct, [Enum]}

  # A function of this module, to be called on a node.
  def to_call(function, arguments), do: fn -> apply(__MODULE__, function, arguments) end

  # The graph is read when it is first asked for.
  def ready(language), do: {:ok, _, %{node: ^language}} = ask(language, 120_000)

  def latencies(language, callers, calls) do
    {service, operation, args} = @question
    {:ok, %{function: {module, function}}} = Operations.find(service, operation)
    ours = fn -> {:ok, _, %{node: ^language}} = ask(language, 5_000) end
    bare = fn -> {:ok, _} = :erpc.call(language, module, function, args) end
    each = div(calls, 4 * callers)
    for _ <- 1..2, fun <- [ours, bare], do: together(fun, callers, div(each, 10))
    rounds = for _ <- 1..4, do: {together(ours, callers, each), together(bare, callers, each)}
    {ours, bare} = Enum.unzip(rounds)
    {Enum.concat(ours), Enum.concat(bare)}
  end

  defp ask(language, timeout_ms) do
    {service, operation, args} = @question
    Services.call(service, operation, args, node: language, timeout_ms: timeout_ms)
  end

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

  @calls 20_000

  def run do
    [asker, language] = Cluster.start_nodes([:asker, :language])
    :ok = Cluster.on(language, Services, :register_language_server_services, [[]])
    Cluster.on(asker, Asking.to_call(:ready, [language]))
    for callers <- [1, 4, 16], do: report(asker, language, callers)
    for node <- [asker, language], do: Cluster.stop(node)
  end

  defp report(asker, language, callers) do
    {ours, bare} = Cluster.on(asker, Asking.to_call(:latencies, [language, callers, @calls]))

    for {name, share, at_most} <- [{"p50", 0.5, nil}, {"p99", 0.99, 5_000}] do
      what = "Elixir: remote dependency query, #{callers} at a time: #{name}"
      options = [peer: {":erpc", percentile(bare, share)}, at_most: at_most]
      Bench.row(what, "µs", percentile(ours, share), options)
    end
  end

  defp percentile(latencies, share) do
    latencies |> Enum.sort() |> Enum.at(trunc(length(latencies) * share))
  end
end

Bench.Debug.run()
