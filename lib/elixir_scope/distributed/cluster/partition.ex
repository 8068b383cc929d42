defmodule ElixirScope.Distributed.Cluster.Partition do
  @moduledoc false
  # What kind of partition there is, from the views of the members that are heard.
  #
  # A row says whom a member hears, and whom it misses: members that it heard once and can no
  # longer reach. `side` is everybody that can be heard along such rows. Then
  #
  #   * `:split`    - somebody on this side misses somebody whom nobody on it hears,
  #   * `:one_way`  - one hears the other, and is not heard by it,
  #   * `:partial`  - two of one side do not hear each other,
  #   * `:flapping` - a connection between two came back three times within twenty intervals.
  #
  # A link that flaps counts as there, so that each time it comes and goes is not news. What
  # two say of each other changes at two moments: only what holds for half an interval is
  # believed.

  @type row :: %{
          hears: [node],
          misses: [node],
          deaf: [{node, node}],
          flaps: [{node, node}]
        }
  @type kind :: :flapping | :split | :one_way | :partial
  @type finding :: %{
          kinds: [kind],
          side: [node],
          apart: [node],
          one_way: [{from :: node, to :: node}],
          gaps: [{node, node}],
          flapping: [{node, node}]
        }
  @type t :: %__MODULE__{
          grace: pos_integer,
          reported: finding | nil,
          candidate: finding | nil,
          since: integer | nil
        }

  defstruct [:grace, :reported, :candidate, :since]

  @doc "Nothing was found yet; `interval` is in milliseconds."
  @spec new(pos_integer) :: t
  def new(interval), do: %__MODULE__{grace: max(div(interval, 2), 1)}

  @doc "The pairs of which one hears the other and is not heard, as far as rows say both."
  @spec one_way(%{node => row}) :: [{node, node}]
  def one_way(rows) do
    for {to, row} <- rows, from <- row.misses, hears?(rows, from, to), do: {from, to}
  end

  @doc "What the rows mean for `me`, `nil` if all is well."
  @spec judge(node, %{node => row}) :: finding | nil
  def judge(me, rows) do
    flapping = claimed(rows, :flaps)
    rows = Map.new(rows, fn {node, row} -> {node, calm(row, node, flapping)} end)
    side = reach([me], links(rows), MapSet.new([me]))
    one_way = Enum.uniq(Enum.sort(one_way(rows) ++ still(claimed(rows, :deaf), rows, flapping)))
    found(side, rows, one_way, flapping)
  end

  @doc "Takes in what is found now; what holds long enough is news."
  @spec settle(t, finding | nil, integer) :: {[{:partition | :heal, finding}], t}
  def settle(%{reported: same} = partition, same, _now),
    do: {[], %{partition | candidate: nil, since: nil}}

  def settle(%{candidate: same, since: since} = partition, same, now) when since != nil do
    if now - since >= partition.grace,
      do:
        {[news(partition.reported, same)],
         %{partition | reported: same, candidate: nil, since: nil}},
      else: {[], partition}
  end

  def settle(partition, other, now), do: {[], %{partition | candidate: other, since: now}}

  @doc "When something may become news, `nil` if nothing is on the way."
  @spec next(t) :: integer | nil
  def next(%{since: nil}), do: nil
  def next(partition), do: partition.since + partition.grace

  defp news(before, nil), do: {:heal, before}
  defp news(_before, finding), do: {:partition, finding}

  defp found(side, rows, one_way, flapping) do
    apart = missed(side, rows) -- side
    gaps = gaps(side, rows, one_way)
    kinds = [flapping: flapping, split: apart, one_way: one_way, partial: gaps]

    case for {kind, [_ | _]} <- kinds, do: kind do
      [] ->
        nil

      kinds ->
        %{
          kinds: kinds,
          side: side,
          apart: apart,
          one_way: one_way,
          gaps: gaps,
          flapping: flapping
        }
    end
  end

  # Everybody who hears or is heard by somebody of this side.
  defp reach([], _links, side), do: Enum.sort(side)

  defp reach([node | rest], links, side) do
    new = for other <- Map.get(links, node, []), other not in side, uniq: true, do: other
    reach(new ++ rest, links, MapSet.union(side, MapSet.new(new)))
  end

  defp links(rows) do
    ways =
      for {node, row} <- rows, other <- row.hears, way <- [{node, other}, {other, node}], do: way

    Enum.group_by(ways, &elem(&1, 0), &elem(&1, 1))
  end

  defp missed(side, rows),
    do:
      for(node <- side, row = rows[node], other <- row.misses, uniq: true, do: other)
      |> Enum.sort()

  defp gaps(side, rows, one_way) do
    pairs =
      for node <- side,
          row = rows[node],
          other <- row.misses,
          other in side,
          not hears?(rows, other, node),
          do: {min(node, other), max(node, other)}

    Enum.uniq(Enum.sort(pairs)) -- Enum.map(one_way, fn {a, b} -> {min(a, b), max(a, b)} end)
  end

  defp claimed(rows, key),
    do: Enum.uniq(Enum.sort(Enum.flat_map(rows, fn {_node, row} -> Map.fetch!(row, key) end)))

  # What others say of two counts where those two say nothing, or not the contrary.
  defp still(pairs, rows, flapping) do
    for {from, to} = pair <- pairs,
        {min(from, to), max(from, to)} not in flapping,
        not hears?(rows, to, from),
        do: pair
  end

  defp calm(row, _node, []), do: row

  defp calm(row, node, flapping) do
    others = for {a, b} <- flapping, node in [a, b], do: if(a == node, do: b, else: a)
    %{row | hears: Enum.uniq(row.hears ++ others), misses: row.misses -- others}
  end

  defp hears?(rows, node, other) do
    case rows do
      %{^node => %{hears: hears}} -> other in hears
      _unknown -> false
    end
  end
end
