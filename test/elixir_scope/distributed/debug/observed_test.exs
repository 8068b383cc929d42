defmodule ElixirScope.Distributed.Debug.ObservedTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Debug.{Graph, Observed}
  alias ElixirScope.Distributed.{Error, Pictures}

  doctest Observed

  # Web calls Orders, which calls itself and asks Stock by a message; Log is called by nobody that was seen.
  defp picture do
    call = fn process, us, kind, module, more ->
      {:a@h, process, us, kind, {module, :run, 1}, nil, more}
    end

    Pictures.of([
      call.(1, 0, :call, Web, []),
      call.(1, 1, :call, Orders, []),
      call.(1, 2, :call, Orders, []),
      call.(1, 3, :return, Orders, []),
      {:a@h, 1, 4, :send, :stock, :take, []},
      {:a@h, 2, 5, :receive, nil, :take, causes: [{:message, 4, :exact}]},
      call.(2, 6, :call, Stock, []),
      call.(2, 7, :return, Stock, []),
      call.(1, 8, :return, Orders, []),
      call.(1, 9, :return, Web, []),
      call.(1, 10, :call, Log, [])
    ])
  end

  test "calls and messages between modules are edges, those within one or of nobody are not" do
    assert Observed.of(picture()) ==
             [{Orders, [{Stock, :observed, []}]}, {Web, [{Orders, :observed, []}]}]
  end

  test "are a kind of their own in a graph, beside what the code says" do
    observed = Observed.of(picture())
    {:ok, graph} = Graph.load([{Web, [{Router, :runtime, []}]}, {Orders, []} | observed])
    assert {:ok, direct} = Graph.direct(graph, Web)
    assert Enum.sort(direct) == [{Orders, [:observed]}, {Router, [:runtime]}]
    assert Graph.why(graph, Web, Stock) == {:ok, [Web, Orders, Stock]}
    assert Graph.why(graph, Web, Stock, kinds: [:runtime]) == {:ok, nil}
  end

  test "what cannot be asked is an error" do
    assert {:error, %Error{}} = Observed.entries(nonsense: 1)
    assert {:error, %Error{}} = Observed.entries(scope: :no_such_scope)
    assert Observed.entries([]) == {:ok, []}
  end
end
