defmodule ElixirScope.Distributed.Debug.GraphTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Graph

  @kinds [:compile, :exports, :runtime, :observed]
  @modules for n <- 1..40, do: :"Elixir.Graphed.M#{n}"

  # A random graph as Erlang's own library holds it, and as ours does.
  defp edges, do: list(tuple([module_name(), module_name(), kind(), integer(1..9)]))
  defp module_name, do: one_of(Enum.map(@modules, &constant/1))
  defp kind, do: one_of(Enum.map(@kinds, &constant/1))

  defp load!(edges) do
    {:ok, graph} = Graph.load(lists(edges))
    graph
  end

  defp lists(edges) do
    for {from, entries} <- Enum.group_by(edges, &elem(&1, 0)) do
      {from, for({_, to, kind, line} <- entries, do: {to, kind, [{"lib/#{line}.ex", line}]})}
    end
  end

  defp digraph(edges, kinds \\ @kinds) do
    peer = :digraph.new()
    for {from, to, _, _} <- edges, module <- [from, to], do: :digraph.add_vertex(peer, module)

    for {from, to, kind, _} <- edges, kind in kinds do
      :digraph.add_edge(peer, {from, to}, from, to, [])
    end

    peer
  end

  defp sets(lists), do: lists |> Enum.map(&Enum.sort/1) |> Enum.sort()

  test "says the same as :digraph of every random graph" do
    property(edges(), [runs: 100], fn edges ->
      {graph, peer} = {load!(edges), digraph(edges)}
      modules = :digraph.vertices(peer)
      assert Graph.info(graph).modules == length(modules)
      assert Graph.info(graph).edges == :digraph.no_edges(peer)
      assert sets(Graph.components(graph)) == sets(:digraph_utils.strong_components(peer))
      cycles = for {modules, _kinds} <- Graph.cycles(graph), do: modules
      assert sets(cycles) == sets(:digraph_utils.cyclic_strong_components(peer))
      for module <- Enum.take(modules, 2), do: same_around(graph, peer, module)
    end)
  end

  defp same_around(graph, peer, module) do
    {:ok, direct} = Graph.direct(graph, module)
    {:ok, reverse} = Graph.reverse(graph, module)
    assert names(direct) == Enum.sort(:digraph.out_neighbours(peer, module))
    assert names(reverse) == Enum.sort(:digraph.in_neighbours(peer, module))

    {:ok, below} = Graph.transitive(graph, [module])
    {:ok, above} = Graph.dependents(graph, [module])

    assert flat(below) ==
             Enum.sort(:digraph_utils.reachable_neighbours([module], peer) -- [module])

    assert flat(above) ==
             Enum.sort(:digraph_utils.reaching_neighbours([module], peer) -- [module])

    for to <- Enum.take(:digraph.vertices(peer), 6) do
      {:ok, path} = Graph.why(graph, module, to)
      shortest = if module == to, do: short_cycle(peer, to), else: short_path(peer, module, to)
      assert length(path || []) == length(shortest || [])
      for [a, b] <- Enum.chunk_every(path || [], 2, 1, :discard), do: assert(edge?(peer, a, b))
    end
  end

  defp edge?(peer, from, to), do: to in :digraph.out_neighbours(peer, from)
  defp short_path(peer, from, to), do: falsy(:digraph.get_short_path(peer, from, to))
  defp short_cycle(peer, module), do: falsy(:digraph.get_short_cycle(peer, module))
  defp falsy(result), do: result || nil
  defp names(links), do: links |> Enum.map(&elem(&1, 0)) |> Enum.sort()
  defp flat(lists), do: lists |> Enum.concat() |> Enum.sort()

  test "follows only the kinds that are asked for" do
    property(edges(), fn edges ->
      {graph, kinds} = {load!(edges), [:compile, :runtime]}
      peer = digraph(edges, kinds)
      ours = sets(Graph.components(graph, kinds: kinds))
      assert ours == sets(:digraph_utils.strong_components(peer))
    end)
  end

  test "every edge leads to a lower layer or stays in its component" do
    property(edges(), fn edges ->
      graph = load!(edges)
      layers = Graph.layers(graph)
      layer = for {modules, n} <- Enum.with_index(layers), m <- modules, into: %{}, do: {m, n}

      component =
        for {ms, n} <- Enum.with_index(Graph.components(graph)), m <- ms, into: %{}, do: {m, n}

      for {from, to, _, _} <- edges do
        assert component[from] == component[to] or layer[from] > layer[to]
      end
    end)
  end

  test "a depth cuts a walk, and each distance has its list" do
    chain = for {a, b} <- Enum.zip(@modules, tl(@modules)), do: {a, b, :runtime, 1}
    graph = load!(chain)
    [a, b, c | _] = @modules
    assert Graph.transitive(graph, [a], depth: 2) == {:ok, [[b], [c]]}
    assert Graph.dependents(graph, [c], depth: 1) == {:ok, [[b]]}
    assert Graph.transitive(graph, [a], depth: 0) == {:ok, []}
  end

  test "replacing one module after the other makes the same graph as loading it" do
    property(edges(), fn edges ->
      {:ok, graph} = Graph.load([])
      declared = for {from, to, kind, n} <- edges, kind != :observed, do: {from, to, kind, n}

      for {module, entries} <- lists(declared),
          do: {:ok, _} = Graph.replace(graph, module, entries)

      loaded = load!(declared)
      assert Graph.to_bytes(graph) |> same_content() == Graph.to_bytes(loaded) |> same_content()
      assert Graph.diff(graph, loaded) == {[], []}
    end)
  end

  # Without the count of changes that led to it.
  defp same_content(bytes) do
    {:ok, graph} = Graph.from_bytes(bytes)
    graph |> Graph.list() |> Enum.map(&sorted/1) |> Enum.sort()
  end

  defp sorted({module, defined?, entries}), do: {module, defined?, Enum.sort(entries)}

  test "says what a change came to" do
    {:ok, graph} = Graph.load([])
    assert Graph.replace(graph, A, [{B, :runtime, [{"a.ex", 3}]}]) == {:ok, :structure}
    assert Graph.replace(graph, A, [{B, :runtime, [{"a.ex", 3}]}]) == {:ok, :none}
    assert Graph.replace(graph, A, [{B, :runtime, [{"a.ex", 4}]}]) == {:ok, :places}
    assert Graph.remove(graph, A) == {:ok, :structure}
    assert Graph.info(graph) == %{modules: 0, edges: 0, content: 3, structure: 2}
  end

  test "a difference is what the one says and the other does not" do
    {:ok, old} = Graph.load([{A, [{B, :runtime, [{"a.ex", 1}, {"a.ex", 2}]}]}, {B, []}])
    {:ok, new} = Graph.from_bytes(Graph.to_bytes(old))
    {:ok, :structure} = Graph.replace(new, A, [{B, :runtime, [{"a.ex", 1}]}, {C, :compile, []}])
    {removed, added} = Graph.diff(old, new)
    assert {A, false, [{B, :runtime, [{"a.ex", 2}]}]} in removed
    assert {A, false, [{C, :compile, []}]} in added
  end

  test "compilation follows compile-time edges, and exports only one step" do
    {:ok, graph} =
      Graph.load([
        {Web, [{Router, :compile, []}]},
        {Router, [{Repo, :runtime, []}]},
        {View, [{Repo, :exports, []}]}
      ])

    assert Graph.affected(graph, [Repo], :bodies) |> sorted_pair() == {[Web], [Router, View]}
    assert Graph.affected(graph, [Repo], :exports) |> sorted_pair() == {[View, Web], [Router]}
  end

  defp sorted_pair({:ok, {a, b}}), do: {Enum.sort(a), Enum.sort(b)}

  test "names beyond ASCII come back as the same atoms" do
    {:ok, graph} = Graph.load([{:"Elixir.Größe", [{:"Elixir.日本", :runtime, []}]}])
    assert Graph.direct(graph, :"Elixir.Größe") == {:ok, [{:"Elixir.日本", [:runtime]}]}
  end

  test "what cannot be is refused with a reason, and nothing is changed" do
    {:ok, graph} = Graph.load([{A, [{B, :runtime, []}]}])
    before = Graph.info(graph)

    for bad <- [:a, [A], [{"A", []}], [{A, []} | A], [{1, []}]] do
      assert Graph.load(bad) == {:error, :bad_module}
    end

    for bad <- [:a, [B], [{B, :never, []}], [{"B", :runtime, []}], [{B, :runtime, [{1, 1}]}]] do
      assert Graph.load([{A, bad}]) == {:error, :bad_reference}
      assert Graph.replace(graph, A, bad) == {:error, :bad_reference}
    end

    assert Graph.replace(graph, "A", []) == {:error, :bad_module}
    assert Graph.direct(graph, Unknown) == {:error, :unknown_module}
    assert Graph.transitive(graph, [A, Unknown]) == {:error, :unknown_module}
    assert Graph.why(graph, A, Unknown) == {:error, :unknown_module}
    assert Graph.affected(graph, [Unknown]) == {:error, :unknown_module}
    assert {:error, text} = Graph.from_bytes("no graph")
    assert is_binary(text)
    assert Graph.info(graph) == before
  end

  test "many ask while one changes" do
    graph = load!(for {a, b} <- Enum.zip(@modules, tl(@modules)), do: {a, b, :runtime, 1})
    [first | _] = @modules
    ask = fn -> for _ <- 1..200, do: {:ok, _} = Graph.transitive(graph, [first]) end
    askers = for _ <- 1..4, do: Task.async(ask)

    for n <- 1..200,
        do: {:ok, _} = Graph.replace(graph, :changing, [{first, :runtime, [{"a", n}]}])

    Task.await_many(askers)
  end
end
