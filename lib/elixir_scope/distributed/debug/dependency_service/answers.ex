defmodule ElixirScope.Distributed.Debug.DependencyService.Answers do
  @moduledoc false
  # Answers that a graph alone gives, each with its footprint: what of the graph it rests on. A
  # change that touches none of that leaves it as it is.

  alias ElixirScope.Distributed.Debug.DependencyService.Result
  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.Error

  @type answer :: Result.t() | {:error, Error.t()}

  @doc "Whether the graph has the module."
  @spec known(Graph.t(), module) :: :ok | {:error, Error.t()}
  def known(graph, module) do
    case Graph.direct(graph, module) do
      {:ok, _linked} -> :ok
      {:error, reason} -> {:error, Error.new(reason, module: module)}
    end
  end

  @doc "What it needs itself."
  @spec direct(Graph.t(), module) :: answer
  def direct(graph, module) do
    with {:ok, linked} <- of(Graph.direct(graph, module), module) do
      %Result{
        target_module: module,
        direct_dependencies: names(linked),
        footprint: %{of: itself(graph, module, linked), to: []}
      }
    end
  end

  @doc "Who needs it."
  @spec reverse(Graph.t(), module) :: answer
  def reverse(graph, module) do
    with {:ok, linked} <- of(Graph.reverse(graph, module), module) do
      dependents = names(linked)

      %Result{
        target_module: module,
        reverse_dependencies: dependents,
        footprint: %{of: [module | dependents], to: [module]}
      }
    end
  end

  @doc "What it needs at one step, at two and so on."
  @spec transitive(Graph.t(), module, pos_integer) :: answer
  def transitive(graph, module, depth) do
    with {:ok, steps} <- of(Graph.transitive(graph, [module], depth: depth), module) do
      steps = Enum.map(steps, &Enum.sort/1)

      %Result{
        target_module: module,
        transitive_dependencies: steps,
        footprint: %{of: itself(graph, module, steps) ++ Enum.concat(steps), to: []}
      }
    end
  end

  # A module without a list may be there only as long as another one names it.
  defp itself(graph, module, []) do
    {:ok, naming} = Graph.reverse(graph, module)
    [module | names(naming)]
  end

  defp itself(_graph, module, _some), do: [module]

  @doc "Why the one needs the other."
  @spec why(Graph.t(), module, module) :: answer
  def why(graph, from, to) do
    with :ok <- known(graph, from),
         :ok <- known(graph, to),
         {:ok, path} <- Graph.why(graph, from, to),
         do: %Result{target_module: from, path: path}
  end

  @doc "Modules that need one another."
  @spec cycles(Graph.t()) :: answer
  def cycles(graph) do
    cycles = for {modules, _kinds} <- Graph.cycles(graph), do: Enum.sort(modules)
    %Result{target_module: nil, cycles: cycles}
  end

  @doc "What a change of these comes to."
  @spec affected(Graph.t(), [module]) :: answer
  def affected(graph, modules) do
    with :ok <- all_known(graph, modules),
         {:ok, {recompiled, reached}} <- Graph.affected(graph, modules) do
      affected = %{recompiled: Enum.sort(recompiled), reached: Enum.sort(reached)}
      %Result{target_module: List.first(modules), affected: affected}
    end
  end

  defp all_known(graph, modules),
    do: Enum.find_value(modules, :ok, &with(:ok <- known(graph, &1), do: nil))

  defp of({:ok, found}, _module), do: {:ok, found}
  defp of({:error, reason}, module), do: {:error, Error.new(reason, module: module)}

  @doc "The modules of links, in order."
  @spec names([{module, [Graph.kind()]}]) :: [module]
  def names(linked), do: linked |> Enum.map(&elem(&1, 0)) |> Enum.sort()
end
