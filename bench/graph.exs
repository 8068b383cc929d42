# The module dependency graph beside :digraph, from Erlang's terms and back to them: a
# thousand, ten thousand and a hundred thousand modules with eight dependencies each. Every
# answer is compared. Then the graph of what is installed here, out of its BEAM files.

Code.require_file("support.exs", __DIR__)
alias ElixirScope.Distributed.Debug.{Beams, Graph}

defmodule Load do
  @degree 8

  def lists(modules) do
    :rand.seed(:exsss, {1, 2, 3})
    names = List.to_tuple(for n <- 1..modules, do: :"Elixir.Shop.Context#{rem(n, 97)}.M#{n}")
    for n <- 0..(modules - 1), do: {elem(names, n), entries(names, n)}
  end

  # Into lower ones, so that there is no cycle but those of the pairs below.
  defp entries(_names, 0), do: []

  defp entries(names, n) do
    lower = for _ <- 1..@degree, do: :rand.uniform(n) - 1
    back = if rem(n, 50) == 0 and n + 1 < tuple_size(names), do: [n + 1], else: []
    for to <- Enum.uniq(lower ++ back), do: entry(elem(names, to), to)
  end

  def entry(to, line),
    do: {to, Enum.at([:compile, :exports, :runtime], rem(line, 3)), places(line)}

  defp places(line), do: [{"lib/shop/context.ex", rem(line, 1_000)}]
end

defmodule Peer do
  def build(lists) do
    graph = :digraph.new()
    for {module, _} <- lists, do: :digraph.add_vertex(graph, module)
    for {module, entries} <- lists, do: add(graph, module, entries)
    graph
  end

  def replace(graph, module, entries) do
    for edge <- :digraph.out_edges(graph, module), do: :digraph.del_edge(graph, edge)
    add(graph, module, entries)
  end

  defp add(graph, module, entries) do
    for {to, kind, places} <- entries,
        do: :digraph.add_edge(graph, {module, to}, module, to, {kind, places})
  end
end

# The median of some runs, in microseconds, and what the last one returned.
time = fn runs, fun ->
  timed = for n <- 1..runs, do: :timer.tc(fn -> fun.(n) end)
  {Bench.median(for {us, _} <- timed, do: us), timed |> List.last() |> elem(1)}
end

sets = fn lists -> lists |> Enum.map(&Enum.sort/1) |> Enum.sort() end

of_size = fn size, name ->
  row = fn what, ours, peer, options ->
    options = [peer: {":digraph", peer}] ++ options
    Bench.row("Elixir: graph of #{name}: #{what}", "µs", ours, options)
  end

  lists = Load.lists(size)
  modules = for {module, _} <- lists, do: module
  middle = div(size, 2)

  {ours, {:ok, graph}} = time.(5, fn _ -> Graph.load(lists) end)
  {theirs, peer} = time.(1, fn _ -> Peer.build(lists) end)
  true = Graph.info(graph).edges == :digraph.no_edges(peer)
  row.("build", ours, theirs, times: 1)

  {ours, components} = time.(5, fn _ -> Graph.components(graph) end)
  {theirs, strong} = time.(1, fn _ -> :digraph_utils.strong_components(peer) end)
  true = sets.(components) == sets.(strong)
  row.("components, as lists", ours, theirs, times: 1)

  {ours, cycles} = time.(5, fn _ -> Graph.cycles(graph) end)
  {theirs, cyclic} = time.(1, fn _ -> :digraph_utils.cyclic_strong_components(peer) end)
  true = sets.(for {modules, _kinds} <- cycles, do: modules) == sets.(cyclic)
  row.("cycles", ours, theirs, times: 1)

  subject = Enum.at(modules, 50)
  {ours, {:ok, above}} = time.(9, fn _ -> Graph.dependents(graph, [subject]) end)
  {theirs, reaching} = time.(1, fn _ -> :digraph_utils.reaching_neighbours([subject], peer) end)
  true = Enum.sort(Enum.concat(above)) == Enum.sort(reaching -- [subject])
  per = middle / length(reaching)
  what = "who depends on it, per #{middle}, as a list"
  row.(what, ours * per, theirs * per, times: 1)

  # What a change comes to: who is compiled again, and who only calls what changed. The peer
  # knows no kinds, so it says of all that depend on it how many they are.
  {ours, {:ok, {recompiled, reached}}} = time.(9, fn _ -> Graph.affected(graph, [subject]) end)
  true = Enum.sort(recompiled ++ reached) == Enum.sort(reaching -- [subject])
  row.("what a change of one affects, as lists", ours, theirs, times: 1)

  {from, to} = {List.last(modules), subject}
  {ours, {:ok, path}} = time.(9, fn _ -> Graph.why(graph, from, to) end)
  {theirs, shortest} = time.(1, fn _ -> :digraph.get_short_path(peer, from, to) end)
  true = length(path || []) == length(shortest || [])
  row.("why", ours, theirs, times: 1)

  changing = for n <- 1..1_000, do: Enum.at(modules, middle + rem(n * 49, middle))

  changes =
    List.to_tuple(
      for m <- changing, do: {m, for(_ <- 1..8, do: Load.entry(Enum.random(modules), 7))}
    )

  change = fn n -> elem(changes, rem(n, 1_000)) end

  {ours, _} =
    time.(1_000, fn n ->
      {module, entries} = change.(n)
      {:ok, _} = Graph.replace(graph, module, entries)
    end)

  {theirs, _} =
    time.(1_000, fn n ->
      {module, entries} = change.(n)
      Peer.replace(peer, module, entries)
    end)

  row.("one module changed", ours, theirs, at_most: 20, times: 1)

  {ours, _} = time.(5, fn _ -> Graph.to_bytes(graph) end)
  Bench.row("Elixir: graph of #{name}: as bytes for another node", "µs", ours)
  :digraph.delete(peer)
end

of_size.(1_000, "1 k")
of_size.(10_000, "10 k")
of_size.(100_000, "100 k")

# A real system. The peer is what Erlang's own tool needs to read the same, where it is there.
applications = [:kernel, :stdlib, :compiler, :elixir, :eex, :ex_unit, :iex, :logger, :mix]
folder = fn app -> Path.wildcard("#{Path.dirname(:code.lib_dir(app))}/#{app}{,-*}/ebin") end

folders =
  for app <- applications,
      is_list(:code.lib_dir(app)),
      path <- Enum.take(folder.(app), -1),
      do: path

for path <- Path.wildcard(Path.join(:code.root_dir(), "lib/tools-*/ebin")),
    do: :code.add_pathz(to_charlist(path))

read = fn ->
  lists =
    for {:ok, {module, _md5, entries}} <- Beams.all(folders, &Beams.listed/1),
        do: {module, entries}

  {:ok, graph} = Graph.load(lists)
  {graph, length(lists)}
end

xref = fn ->
  {:ok, xref} = :xref.start([])
  :xref.set_default(xref, builtins: true, verbose: false, warnings: false)
  for folder <- folders, do: {:ok, _} = :xref.add_directory(xref, to_charlist(folder))
  {:ok, edges} = :xref.q(xref, ~c"ME")
  :xref.stop(xref)
  length(edges)
end

peer =
  if Code.ensure_loaded?(:xref) do
    {us, _edges} = time.(3, fn _ -> xref.() end)
    [peer: {":xref", us}, times: 0.5]
  end

{ours, {graph, count}} = time.(3, fn _ -> read.() end)
info = Graph.info(graph)

Bench.row(
  "Elixir: graph of Elixir and OTP, out of BEAM files",
  "µs",
  ours,
  [at_most: 10_000_000] ++ (peer || [])
)

Bench.row("Elixir: graph of Elixir and OTP: modules read", "", count)
Bench.row("Elixir: graph of Elixir and OTP: modules with those named", "", info.modules)
Bench.row("Elixir: graph of Elixir and OTP: edges", "", info.edges)

Bench.row(
  "Elixir: graph of Elixir and OTP: as bytes for another node",
  "bytes",
  byte_size(Graph.to_bytes(graph))
)
