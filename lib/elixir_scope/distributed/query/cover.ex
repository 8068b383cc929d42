defmodule ElixirScope.Distributed.Query.Cover do
  @moduledoc false
  # Who reads what. Members say which events they have, as ranges of numbers of each start of a node;
  # a cover gives every number that anybody has to exactly one of them: to this node what it has
  # itself, to the node that recorded it what only it has, and the rest to whoever has it, in turns,
  # so that one that keeps everything is not asked for everything. Pure.

  alias ElixirScope.Distributed.Query.Wire

  @typedoc "What members have, or shall read. Of one member, no number twice."
  @type t :: %{node => [Wire.range()]}

  @typep origin :: {node :: String.t(), incarnation :: non_neg_integer}
  @typep runs :: [{first :: pos_integer, last :: pos_integer}]

  @doc """
  The cover of what members have, seen by one of them.

      iex> Cover.plan(%{a@h: [{"b@h", 7, 1, 5}], b@h: [{"b@h", 7, 3, 9}]}, :a@h)
      %{a@h: [{"b@h", 7, 1, 5}], b@h: [{"b@h", 7, 6, 9}]}
  """
  @spec plan(t, node) :: t
  def plan(holdings, me) do
    held = by_origin(holdings)

    for {origin, holders} <- Enum.sort(held),
        {node, runs} <- share(origin, holders, me),
        {first, last} <- runs,
        reduce: %{} do
      cover ->
        Map.update(cover, node, [row(origin, first, last)], &[row(origin, first, last) | &1])
    end
    |> Map.new(fn {node, rows} -> {node, Enum.reverse(rows)} end)
  end

  @doc """
  What is in nobody's hands, between the first and the last number that somebody has: retention
  took it everywhere before others could have it.

      iex> Cover.holes(%{a@h: [{"b@h", 7, 1, 5}], b@h: [{"b@h", 7, 9, 9}]})
      [{"b@h", 7, 6, 8}]
  """
  @spec holes(t) :: [Wire.range()]
  def holes(holdings) do
    for {origin, holders} <- Enum.sort(by_origin(holdings)),
        runs = holders |> Map.values() |> Enum.concat() |> union(),
        {first, last} <- between(runs),
        do: row(origin, first, last)
  end

  @doc """
  What came before the first number that anybody has, each of the member that should know how old it
  was: who recorded it, else who has most of it left.

      iex> Cover.below(%{a@h: [{"x@h", 7, 5, 9}], b@h: [{"x@h", 7, 3, 9}], c@h: [{"c@h", 1, 1, 9}]})
      %{b@h: [{"x@h", 7, 1, 2}]}
  """
  @spec below(t) :: t
  def below(holdings) do
    for {origin, holders} <- Enum.sort(by_origin(holdings)),
        {node, first} = oldest(origin, holders),
        first > 1,
        reduce: %{} do
      below ->
        Map.update(below, node, [row(origin, 1, first - 1)], &[row(origin, 1, first - 1) | &1])
    end
  end

  defp oldest({recorder, _incarnation}, holders) do
    firsts = for {node, [{first, _last} | _]} <- holders, do: {node, first}
    {_node, lowest} = Enum.min_by(firsts, fn {node, first} -> {first, node} end)

    knows =
      Enum.min_by(firsts, fn {node, first} -> {Atom.to_string(node) != recorder, first, node} end)

    {elem(knows, 0), lowest}
  end

  @doc "Two of them in one."
  @spec both(t, t) :: t
  def both(one, other), do: Map.merge(one, other, fn _node, rows, more -> rows ++ more end)

  @doc "Of ranges, those of some nodes; of all, where none is named."
  @spec of([Wire.range()], [String.t()]) :: [Wire.range()]
  def of(rows, []), do: rows
  def of(rows, nodes), do: Enum.filter(rows, &(elem(&1, 0) in nodes))

  @doc "Of a cover, what is about some nodes; about all, where none is named."
  @spec of_nodes(t, [String.t()]) :: t
  def of_nodes(cover, nodes), do: Map.new(cover, fn {node, rows} -> {node, of(rows, nodes)} end)

  @doc "Of what members have, what is in some ranges."
  @spec only(t, [Wire.range()]) :: t
  def only(holdings, ranges) do
    wanted = runs_by_origin(ranges)

    Map.new(holdings, fn {node, rows} ->
      {node,
       for {origin, runs} <- runs_by_origin(rows),
           {first, last} <- intersect(runs, Map.get(wanted, origin, [])) do
         row(origin, first, last)
       end}
    end)
  end

  @doc "What is in `rows` and not in `others`."
  @spec less([Wire.range()], [Wire.range()]) :: [Wire.range()]
  def less(rows, others) do
    others = runs_by_origin(others)

    for {origin, runs} <- Enum.sort(runs_by_origin(rows)),
        {first, last} <- subtract(runs, Map.get(others, origin, [])),
        do: row(origin, first, last)
  end

  # Each takes, in the order of preference, what is left of what it has.
  defp share(origin, holders, me) do
    everything = holders |> Map.values() |> Enum.concat() |> union()

    {shares, _nothing} =
      holders
      |> Map.keys()
      |> Enum.sort_by(&preference(&1, origin, me))
      |> Enum.map_reduce(everything, fn node, left ->
        taken = intersect(left, holders[node])
        {{node, taken}, subtract(left, taken)}
      end)

    shares
  end

  defp preference(me, _origin, me), do: {0, 0}

  defp preference(node, {recorder, _incarnation} = origin, _me) do
    if Atom.to_string(node) == recorder,
      do: {1, 0},
      else: {2, :erlang.phash2({origin, node})}
  end

  defp by_origin(holdings) do
    for {node, rows} <- holdings, {origin, runs} <- runs_by_origin(rows), reduce: %{} do
      held -> Map.update(held, origin, %{node => runs}, &Map.put(&1, node, runs))
    end
  end

  @spec runs_by_origin([Wire.range()]) :: %{origin => runs}
  defp runs_by_origin(rows) do
    rows
    |> Enum.group_by(fn {node, start, _, _} -> {node, start} end, fn {_, _, a, b} -> {a, b} end)
    |> Map.new(fn {origin, runs} -> {origin, union(runs)} end)
  end

  defp row({node, incarnation}, first, last), do: {node, incarnation, first, last}

  # Ranges: sorted, disjoint, and not adjacent. `:infinity` is larger than any number, as all atoms are.

  defp union(runs), do: runs |> Enum.sort() |> join()

  defp join([{a, b}, {c, d} | rest]) when b == :infinity or c <= b + 1,
    do: join([{a, max(b, d)} | rest])

  defp join([run | rest]), do: [run | join(rest)]
  defp join([]), do: []

  defp intersect([{_a, b} | rest], [{c, _d} | _] = others) when b < c, do: intersect(rest, others)
  defp intersect([{a, _b} | _] = runs, [{_c, d} | rest]) when d < a, do: intersect(runs, rest)

  defp intersect([{a, b} | rest] = runs, [{c, d} | others_rest] = others) do
    both = {max(a, c), min(b, d)}
    [both | if(b < d, do: intersect(rest, others), else: intersect(runs, others_rest))]
  end

  defp intersect(_runs, _others), do: []

  defp subtract([{_a, b} = run | rest], [{c, _d} | _] = others) when b < c,
    do: [run | subtract(rest, others)]

  defp subtract([{a, _b} | _] = runs, [{_c, d} | others]) when d < a, do: subtract(runs, others)

  defp subtract([{a, b} | rest], [{c, d} | _] = others) do
    before = if a < c, do: [{a, c - 1}], else: []
    behind = if d < b, do: [{d + 1, b}], else: []
    before ++ subtract(behind ++ rest, others)
  end

  defp subtract(runs, []), do: runs
  defp subtract([], _others), do: []

  defp between([{_, b}, {c, _} = next | rest]), do: [{b + 1, c - 1} | between([next | rest])]
  defp between(_last), do: []
end
