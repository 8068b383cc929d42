defmodule ElixirScope.Distributed.Cluster.DriftTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Operations, only: [read: 2]

  alias ElixirScope.Distributed.Cluster.{Drift, Inventory}
  alias ElixirScope.Distributed.Types.ClusterMessage
  doctest Drift

  @md5 :erlang.md5("one")
  @other :erlang.md5("other")

  test "what this VM has loaded is known by its MD5" do
    brief = Inventory.brief()
    assert {:stdlib, version, _number} = List.keyfind(brief, :stdlib, 0)
    assert version == to_string(Application.spec(:stdlib, :vsn))

    assert [{:stdlib, ^version, modules, false}, {:nothing, nil, [], false}] =
             Inventory.full([:stdlib, :nothing])

    assert {:lists, :lists.module_info(:md5)} in modules
    assert byte_size(Inventory.digest(brief)) == 16
  end

  test "only what differs is suspected, other versions first" do
    ours = [{:a, "1", 1}, {:b, "1", 1}, {:c, "1", 1}, {:d, "1", 1}]
    theirs = [{:a, "1", 2}, {:b, "1", 1}, {:c, "2", 1}, {:e, "1", 1}]
    assert Drift.suspects(ours, theirs) == [:c, :d, :e, :a]
  end

  test "a module differs where both have it and it is another" do
    ours = [{:shop, "1.0", [{A, @md5}, {B, @md5}, {C, @md5}], false}]
    theirs = [{:shop, "1.0", [{A, @md5}, {B, @other}, {D, @md5}], false}, {:new, "2", [], false}]

    assert %{
             shop: %{ours: "1.0", theirs: "1.0", modules: [B], more: 0},
             new: %{ours: nil, theirs: "2"}
           } = Drift.compare(ours, theirs)

    assert Drift.compare(ours, ours) == %{}
  end

  test "fifty modules are named, and the others counted" do
    modules = for n <- 1..80, do: {:"m#{n}", @md5}
    others = for {name, _md5} <- modules, do: {name, @other}
    drift = Drift.compare([{:shop, "1", modules, false}], [{:shop, "1", others, true}])
    assert %{shop: %{modules: named, more: 30, cut?: true}} = drift
    assert length(named) == 50
  end

  test "what is told of it is bounded, and checked" do
    message = %ClusterMessage{source_node: :b, kind: :modules, sent_at: {0, 1, :b}, code: []}
    assert {:ok, _} = read(:b, message)
    full = {:shop, "1", [{A, @md5}], false}
    assert {:ok, %{code: [^full]}} = read(:b, %{message | code: [full]})
    many = for n <- 1..2_048, do: {:"m#{n}", @md5}
    assert {:ok, _} = read(:b, %{message | code: [{:shop, "1", many, true}]})

    for wrong <- [
          nil,
          :x,
          [full | :improper],
          [{:shop, 1, [], false}],
          [{:shop, String.duplicate("9", 65), [], false}],
          [{:shop, "1", [{A, "short"}], false}],
          [{:shop, "1", many, true}, full],
          List.duplicate({:shop, "1", [], false}, 257)
        ] do
      assert {:error, :modules} = read(:b, %{message | code: wrong})
    end

    assert {:error, :apps} = read(:b, %{message | kind: :apps, code: [{:shop, "1", :x}]})
  end
end
