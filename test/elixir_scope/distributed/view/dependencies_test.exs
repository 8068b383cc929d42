defmodule ElixirScope.Distributed.View.DependenciesTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.Debug.Graph
  alias ElixirScope.Distributed.{Error, Mermaid, Pictures}
  alias ElixirScope.Distributed.Pictures.Random
  alias ElixirScope.Distributed.View.Dependencies
  doctest Dependencies

  defp lines(picture, options \\ []) do
    options = Keyword.merge([width: 80, color: false, ascii: false], options)
    for line <- Dependencies.render(picture, options), do: IO.iodata_to_binary(line)
  end

  # Web calls Orders twice, which asks Stock and Payment by messages; Audit is begun by Stock.
  defp picture do
    call = fn node, process, us, kind, module, more ->
      {node, process, us, kind, {module, :run, 1}, nil, more}
    end

    Pictures.of([
      call.(:a@h, 1, 0, :call, MyApp.Web, []),
      call.(:a@h, 1, 1, :call, MyApp.Orders, []),
      {:a@h, 1, 2, :send, :stock, :take, []},
      {:b@h, 2, 3, :receive, nil, :take, causes: [{:message, 2, :exact}]},
      call.(:b@h, 2, 4, :call, MyApp.Stock, []),
      {:b@h, 2, 5, :spawn, nil, nil, []},
      call.(:b@h, 3, 6, :call, MyApp.Audit, causes: [{:spawn, 5, :exact}]),
      call.(:b@h, 2, 7, :return, MyApp.Stock, []),
      call.(:a@h, 1, 8, :return, MyApp.Orders, []),
      call.(:a@h, 1, 9, :call, MyApp.Orders, []),
      call.(:a@h, 1, 10, :call, MyApp.Card, []),
      call.(:a@h, 1, 11, :exception, MyApp.Orders, []),
      call.(:a@h, 1, 12, :call, MyApp.Log, []),
      call.(:a@h, 1, 13, :return, MyApp.Web, []),
      call.(:a@h, 1, 14, :call, MyApp.Log, [])
    ])
  end

  defp graph do
    {:ok, graph} =
      Graph.load([
        {MyApp.Web, [{MyApp.Orders, :runtime, []}, {MyApp.Router, :compile, []}]},
        {MyApp.Orders, [{MyApp.Web, :runtime, []}]},
        {MyApp.Elsewhere, [{MyApp.Web, :runtime, []}]}
      ])

    graph
  end

  test "as a tree" do
    assert lines(picture()) == [
             "MyApp.Log  1 call",
             "MyApp.Web  1 call",
             "├─ MyApp.Orders  2 calls",
             "│  ├─ MyApp.Card  1 call",
             "│  └─ MyApp.Stock  1 message",
             "│     └─ MyApp.Audit  1 message",
             "└─ MyApp.Log  1 call",
             "",
             "15 events of 2 nodes, 0 dropped, none missing"
           ]
  end

  for width <- [60, 80, 200] do
    test "with what the code needs, at #{width} columns" do
      lines = lines(picture(), graph: graph(), width: unquote(width))
      assert_golden("dependencies_#{unquote(width)}.txt", lines)
    end
  end

  test "what goes round is written once" do
    lines = lines(picture(), graph: graph())
    assert Enum.any?(lines, &(&1 =~ "MyApp.Web  not seen, runtime  (above)"))
    assert Enum.any?(lines, &(&1 =~ "MyApp.Router  not seen, compile"))
    refute Enum.any?(lines, &(&1 =~ "Elsewhere"))
  end

  test "for Mermaid" do
    chart = picture() |> lines(format: :mermaid, graph: graph()) |> Mermaid.flowchart()
    assert {"MyApp.Web", "-->", "MyApp.Orders", "2 calls, runtime"} in chart.edges
    assert {"MyApp.Stock", "-.->", "MyApp.Audit", "1 message"} in chart.edges
    assert {"MyApp.Web", "-.->", "MyApp.Router", "not seen, compile"} in chart.edges
    assert length(chart.nodes) == 7
    assert_golden("dependencies.mmd", lines(picture(), format: :mermaid))
  end

  test "for Graphviz" do
    dot = lines(picture(), format: :dot)
    assert_golden("dependencies.dot", dot)
    assert hd(dot) == "digraph dependencies {"
    assert List.last(dot) == "}"
  end

  test "of anything they are forms that can be read" do
    property(Random.picture(), [runs: 40], fn picture ->
      assert %{} = picture |> lines(format: :mermaid) |> Mermaid.flowchart()

      for line <- picture |> lines(format: :dot) |> Enum.slice(3..-2//1) do
        assert line =~
                 ~r/\A  "(?:[^"\\]|\\.)*"(?: -> "(?:[^"\\]|\\.)*" \[label="(?:[^"\\]|\\.)*".*\])?;\z/u
      end
    end)
  end

  test "a call that is never seen to return is nobody's caller" do
    picture =
      Pictures.of([
        {:a@h, 1, 0, :call, {A, :f, 0}, nil, []},
        {:a@h, 1, 1, :call, {B, :f, 0}, nil, []}
      ])

    assert ["A  1 call", "B  1 call" | _] = lines(picture)
  end

  test "a gap closes what was open" do
    picture =
      Pictures.of([
        {:a@h, 1, 0, :call, {A, :f, 0}, nil, []},
        {:a@h, nil, 1, :gap, nil, 3, []},
        {:a@h, 1, 2, :call, {B, :f, 0}, nil, []},
        {:a@h, 1, 3, :return, {A, :f, 0}, nil, []}
      ])

    assert ["A  1 call", "B  1 call" | _] = lines(picture)
  end

  test "a module that calls itself, and two that call each other" do
    assert ["A  1 call", "└─ A  1 call  (above)" | _] =
             lines(
               Pictures.of([
                 {:a@h, 1, 0, :call, {A, :f, 0}, nil, []},
                 {:a@h, 1, 1, :call, {A, :f, 0}, nil, []},
                 {:a@h, 1, 2, :return, {A, :f, 0}, nil, []}
               ])
             )
  end

  test "wrong options are said" do
    for {wrong, message} <- [
          {[graph: :none], "expected :graph to be a reference or nil, got: :none"},
          {[format: :text], "expected :format to be one of :tree, :mermaid, :dot, got: :text"}
        ] do
      assert {:error, %Error{} = error} = Dependencies.render(picture(), wrong)
      assert Exception.message(error) == message
    end
  end
end
