defmodule ElixirScope.Distributed.View.TreeTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO
  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.{Causality, Error, NastyText, Stories, View}
  alias ElixirScope.Distributed.View.{Text, Tree}
  doctest Tree

  setup_all do
    {:ok, request} = Causality.build(Stories.request())
    [request: request]
  end

  defp lines(source, options) do
    {:ok, causality} = Causality.build(source)
    lines = Tree.render(causality, [color: false, ascii: false] ++ options)
    for line <- lines, do: IO.iodata_to_binary(line)
  end

  for width <- [60, 80, 200] do
    test "a request at #{width} columns", %{request: request} do
      assert_golden("tree_#{unquote(width)}.txt", lines(request, width: unquote(width)))
    end
  end

  test "one call with what it led to, and no deeper than is asked for", %{request: request} do
    assert [_, take, run, charge, "", _] = lines(request, width: 150, id: "orders@127.0.0.1#4")
    assert take =~ "orders: MyApp.Stock.take(%{id: 7, name: \"日本の本\"})"
    assert run =~ "├─ → MyApp.Audit.run(7)"
    assert charge =~ "└─ →? payment: ✗ MyApp.Card.charge(300) → {:declined, \"no\\e[31m\\n\"}"
    assert [_, _, "", _] = lines(request, width: 120, id: "orders@127.0.0.1#4", depth: 1)
  end

  test "a loss stands in its place, and what is not known is said", %{request: request} do
    text = request |> lines(width: 160) |> Enum.join("\n")
    assert text =~ "╳ orders: gap: 120 events lost, a ring was full"
    assert text =~ "MyApp.Audit.run(7) (end not seen)"
    assert text =~ "MyApp.Stock.take/1 (beginning not seen) → {:error, :declined}"
    assert text =~ "10 of 20 events of 3 nodes, 120 dropped, none missing"
  end

  test "a deep tree is told by its depth" do
    calls = for n <- 0..99, do: {:a@h, 1, n, :call, {A, :"f#{n}", 0}, [], []}
    lines = lines(Stories.events(calls), width: 80)
    assert length(lines) == 103
    assert Enum.at(lines, 100) =~ "…99 A.f99()"
  end

  test "no line is wider than asked for, and none harms a terminal, whatever is in it" do
    property(NastyText.text(), [runs: 40], fn text ->
      steps = for n <- 1..4, do: {:"nöde@127.0.0.1", 1, n, :call, {A, :"end; #", 1}, [text], []}

      for width <- [1, 7, 12, 20, 33, 60, 80, 200],
          ascii <- [false, true],
          line <- lines(Stories.events(steps), width: width, ascii: ascii) do
        assert Text.width(line) <= width
        assert NastyText.harmless?(line)
      end
    end)
  end

  test "an answer without calls says so" do
    assert ["no calls among these events", "", "0 events of 0 nodes, 0 dropped, none missing"] =
             lines([], width: 80)
  end

  test "it is plain when it is piped, and coloured when asked for", %{request: request} do
    assert capture_io(fn -> assert View.tree(request, width: 80) == :ok end) =~
             "web: MyApp.Orders.place"

    refute capture_io(fn -> View.tree(request) end) =~ "\e["
    assert capture_io(fn -> View.tree(request, color: true) end) =~ "\e["
  end

  test "wrong options, ids and sources are errors", %{request: request} do
    assert {:error, %Error{reason: :bad_option}} = View.tree(request, depth: 0)
    assert {:error, %Error{reason: :bad_option}} = View.tree(request, deep: 1)
    assert {:error, %Error{reason: :unknown_event}} = View.tree(request, id: "web@127.0.0.1#99")
    assert {:error, %Error{reason: :bad_event_id}} = View.tree(request, id: "99")
    assert {:error, %Error{}} = View.tree(:nothing)
  end
end
