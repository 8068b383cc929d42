defmodule ElixirScope.Distributed.Cluster.PartitionTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Cluster.{Flaps, Partition, Quorum}
  doctest Quorum

  # The rows of `nodes` that are heard, where `links` are the directions that work.
  defp rows(nodes, links, all \\ [:a, :b, :c, :d]) do
    for node <- nodes, into: %{} do
      hears = for other <- all, {other, node} in links, do: other
      {node, %{hears: hears, misses: all -- [node | hears], deaf: [], flaps: []}}
    end
  end

  defp both(pairs), do: Enum.flat_map(pairs, fn {a, b} -> [{a, b}, {b, a}] end)

  defp whole, do: for(a <- [:a, :b, :c, :d], b <- [:a, :b, :c, :d], a != b, do: {a, b})

  test "all hear all: nothing" do
    assert Partition.judge(:a, rows([:a, :b, :c, :d], whole())) == nil
  end

  test "a full split is named on each side, with both sides" do
    links = both(a: :b, c: :d)

    assert %{kinds: [:split], side: [:a, :b], apart: [:c, :d]} =
             Partition.judge(:a, rows([:a, :b], links))

    assert %{kinds: [:split], side: [:c, :d], apart: [:a, :b]} =
             Partition.judge(:d, rows([:c, :d], links))
  end

  test "one hears the other, and is not heard" do
    links = whole() -- [{:a, :b}]

    assert %{kinds: [:one_way], one_way: [{:a, :b}]} =
             Partition.judge(:a, rows([:a, :b, :c, :d], links))

    # b cannot read what a says, and knows it from the others.
    deaf = rows([:b, :c, :d], links)
    assert %{kinds: [:partial], gaps: [{:a, :b}]} = Partition.judge(:b, deaf)

    assert %{kinds: [:one_way], one_way: [{:a, :b}]} =
             Partition.judge(:b, put_in(deaf[:c].deaf, a: :b))
  end

  test "two do not hear each other, and another hears both" do
    links = whole() -- [{:a, :c}, {:c, :a}]

    for {me, heard} <- [a: [:a, :b, :d], b: [:a, :b, :c, :d], c: [:b, :c, :d]] do
      assert %{kinds: [:partial], gaps: [{:a, :c}], apart: []} =
               Partition.judge(me, rows(heard, links))
    end
  end

  test "a link that flaps is named, whether it is there or not" do
    for links <- [whole(), whole() -- [{:a, :b}, {:b, :a}]] do
      rows = put_in(rows([:a, :b, :c, :d], links)[:b].flaps, a: :b)
      assert %{kinds: [:flapping], flapping: [{:a, :b}]} = Partition.judge(:c, rows)
    end
  end

  test "what holds for half an interval is news, and what does not is none" do
    split = %{kinds: [:split]}
    {[], partition} = Partition.settle(Partition.new(100), split, 0)
    {[], partition} = Partition.settle(partition, split, 49)
    {[], partition} = Partition.settle(partition, nil, 49)
    {[], partition} = Partition.settle(partition, split, 60)
    {[{:partition, ^split}], partition} = Partition.settle(partition, split, 110)
    {[], partition} = Partition.settle(partition, split, 500)
    {[], partition} = Partition.settle(partition, nil, 600)
    {[{:heal, ^split}], partition} = Partition.settle(partition, nil, 650)
    assert Partition.next(partition) == nil
  end

  test "who comes back three times within twenty intervals flaps, until that is past" do
    flaps = Flaps.new(100) |> Flaps.returned(:b, 0) |> Flaps.returned(:b, 500)
    assert Flaps.now(flaps, 600) == []
    flaps = Flaps.returned(flaps, :b, 900)
    assert Flaps.now(flaps, 1_900) == [:b]
    assert Flaps.now(flaps, 2_100) == []
    assert Flaps.forget(flaps, 3_000).returns == %{}
  end

  # Whatever the directions that work, as far as all are heard: it names what there is.
  test "any graph is named right" do
    directions =
      for {a, b} <- whole(), do: one_of([constant([]), constant([]), constant([{a, b}])])

    property(tuple(directions), [runs: 300], fn cut ->
      links = whole() -- List.flatten(Tuple.to_list(cut))
      rows = rows(Enum.filter([:a, :b, :c, :d], &(&1 == :a or {&1, :a} in links)), links)
      finding = Partition.judge(:a, rows)
      lost = for {from, to} <- whole() -- links, is_map_key(rows, to), do: {from, to}

      if lost == [] do
        assert finding == nil
      else
        assert finding.side -- finding.apart == finding.side

        for {from, to} <- finding.one_way,
            do: assert({from, to} not in links and {to, from} in links)

        for {a, b} <- finding.gaps, do: assert({a, b} not in links or {b, a} not in links)
        for {from, to} <- lost, do: assert(explained?(finding, from, to))
      end
    end)
  end

  defp explained?(finding, from, to) do
    from in finding.apart or to not in finding.side or {from, to} in finding.one_way or
      {min(from, to), max(from, to)} in finding.gaps or {to, from} in finding.one_way
  end
end
