defmodule ElixirScope.Distributed.View.Dependencies.Model do
  @moduledoc false
  # Modules and what leads from one to another: what was seen, and what their code needs. Pure but for
  # reading the graph.

  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.View.Dependencies.Calls
  alias ElixirScope.Distributed.View.{Footer, Source}

  @enforce_keys [:roots, :edges, :modules]
  defstruct [:roots, :edges, :modules]

  @type seen :: %{calls: non_neg_integer, messages: non_neg_integer}
  @type edge :: %{to: module, seen: seen, kinds: [Graph.kind()]}

  @typedoc "Whom nobody was seen to call stands in `roots`, with how often it was called from there."
  @type t :: %__MODULE__{
          roots: [{module, seen}],
          edges: %{module => [edge]},
          modules: [module]
        }

  @nobody %{calls: 0, messages: 0}

  @doc "Of a picture, and of the graph of its code where there is one."
  @spec new(Source.t(), Graph.t() | nil) :: t
  def new(source, graph) do
    calls = Calls.edges(source)

    seen =
      calls |> Map.keys() |> Enum.flat_map(&Tuple.to_list/1) |> Enum.uniq() |> Kernel.--([nil])

    needs = for module <- seen, into: %{}, do: {module, needs(graph, module)}
    edges = for module <- seen, into: %{}, do: {module, edges(module, calls, needs[module])}
    needed = for {_of, to} <- edges, edge <- to, do: edge.to
    modules = Enum.sort(Enum.uniq(seen ++ needed))
    %__MODULE__{roots: roots(calls, seen, edges), edges: edges, modules: modules}
  end

  defp needs(nil, _module), do: %{}

  defp needs(graph, module) do
    case Graph.direct(graph, module) do
      {:ok, needed} -> Map.new(needed)
      {:error, :unknown_module} -> %{}
    end
  end

  defp edges(module, calls, needs) do
    called = for {{^module, to}, seen} <- calls, into: %{}, do: {to, seen}

    for to <- Enum.uniq(Map.keys(called) ++ Map.keys(needs)) do
      %{to: to, seen: Map.get(called, to, @nobody), kinds: Map.get(needs, to, [])}
    end
    |> Enum.sort_by(&{-times(&1.seen), &1.to})
  end

  defp times(%{calls: calls, messages: messages}), do: calls + messages

  # Who was called from outside; and, of those that only call each other, the first by name.
  defp roots(calls, seen, edges) do
    outside = for {{nil, module}, seen} <- calls, do: {module, seen}
    entered = Enum.map(outside, &elem(&1, 0))
    known = outside |> Enum.sort_by(fn {module, seen} -> {-times(seen), module} end)
    known ++ unreached(Enum.sort(seen), reached(entered, edges, MapSet.new()), edges)
  end

  defp unreached([], _reached, _edges), do: []

  defp unreached([module | rest], reached, edges) do
    if MapSet.member?(reached, module),
      do: unreached(rest, reached, edges),
      else: [{module, @nobody} | unreached(rest, reached([module], edges, reached), edges)]
  end

  defp reached([], _edges, known), do: known

  defp reached([module | rest], edges, known) do
    if MapSet.member?(known, module) do
      reached(rest, edges, known)
    else
      to = for %{to: to} <- Map.get(edges, module, []), do: to
      reached(to ++ rest, edges, MapSet.put(known, module))
    end
  end

  @doc "How often, and by what, in words."
  @spec words(seen, [Graph.kind()]) :: String.t()
  def words(seen, kinds) do
    [{seen.calls, "call"}, {seen.messages, "message"}]
    |> Enum.filter(fn {count, _noun} -> count > 0 end)
    |> Enum.map(fn {count, noun} -> Footer.count(count, noun) end)
    |> Kernel.++(needed(seen, kinds))
    |> Enum.join(", ")
  end

  defp needed(_seen, []), do: []

  defp needed(seen, kinds) do
    unseen = if times(seen) == 0, do: ["not seen"], else: []
    unseen ++ [Enum.map_join(kinds, " and ", &to_string/1)]
  end
end
