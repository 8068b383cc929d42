defmodule ElixirScope.Distributed.Debug.DependencyService.Strategy do
  @moduledoc false
  # Which modules are interpreted for a module or a line, and what that leaves out. Each strategy is a set of
  # modules, of which those go that cannot be interpreted. What the next wider one would have added
  # is said.

  alias ElixirScope.Distributed.Debug.Graph

  alias ElixirScope.Distributed.Debug.DependencyService.{
    Answers,
    Calls,
    Candidates,
    Reach,
    Result
  }

  # As many as a large application has.
  @most_functions 20_000

  @doc "For a module."
  @spec of_module(Graph.t(), module, keyword) :: Result.t()
  def of_module(graph, module, options) do
    around = around(graph, module, options)
    {wanted, beyond} = chosen(options[:strategy], around)
    result(around, options, wanted, for(farther <- beyond, do: {farther, :farther}))
  end

  @doc "For a place of `Lines.at/2`."
  @spec of_line(Graph.t(), map, keyword) :: Result.t()
  def of_line(graph, at, options) do
    around = around(graph, at.module, options)
    {wanted, left_out} = for_line(options[:strategy], graph, at, around)
    %{result(around, options, wanted, left_out) | at: at}
  end

  defp for_line(:reachable, graph, at, around) do
    start = {at.module, at.function, at.arity}
    {reached, more?} = Reach.modules(start, &Calls.of(&1, graph), @most_functions)
    observed = Enum.flat_map([at.module | reached], &observed(graph, &1))
    reached = Enum.uniq(reached ++ observed)
    cut = if more?, do: [{at.module, :too_many}], else: []
    {reached, cut ++ for(module <- around.direct -- reached, do: {module, :not_reached})}
  end

  defp for_line(strategy, _graph, _at, around) do
    {wanted, beyond} = chosen(strategy, around)
    {wanted, for(module <- beyond, do: {module, :farther})}
  end

  # What was seen to be called, though no call names it.
  defp observed(graph, module) do
    case Graph.direct(graph, module, kinds: [:observed]) do
      {:ok, linked} -> Enum.map(linked, &elem(&1, 0))
      {:error, _unknown} -> []
    end
  end

  defp around(graph, module, options) do
    {:ok, direct} = Graph.direct(graph, module)
    {:ok, reverse} = Graph.reverse(graph, module)
    {:ok, steps} = Graph.transitive(graph, [module], depth: options[:depth])

    %{
      module: module,
      direct: Answers.names(direct),
      reverse: Answers.names(reverse),
      near: steps |> Enum.concat() |> Enum.sort()
    }
  end

  defp chosen(:minimal, around),
    do: {[around.module | around.direct], around.near -- around.direct}

  defp chosen(:conservative, around) do
    wanted = [around.module | around.direct ++ around.reverse]
    {wanted, around.near -- wanted}
  end

  defp chosen(:transitive, around), do: {[around.module | around.near], []}

  defp result(around, options, wanted, left_out) do
    {candidates, refused} = Candidates.split(wanted, [around.module])
    {_would_be, never} = left_out |> Enum.map(&elem(&1, 0)) |> Candidates.split([around.module])

    %Result{
      target_module: around.module,
      strategy: options[:strategy],
      direct_dependencies: around.direct,
      reverse_dependencies: around.reverse,
      interpretation_candidates: candidates,
      left_out: Enum.uniq_by(refused ++ never ++ left_out, &elem(&1, 0)),
      footprint: %{of: rests_on(around, wanted), to: [around.module]}
    }
  end

  defp rests_on(around, wanted),
    do: Enum.uniq([around.module | wanted ++ around.direct ++ around.reverse ++ around.near])
end
