defmodule ElixirScope.Distributed.CaseTest do
  use ElixirScope.Distributed.Case, nodes: 3, apps: [], async: true

  test "nodes are connected with each other and know nothing of this one", %{nodes: nodes} do
    for node <- nodes do
      assert Enum.sort(on(node, &Node.list/0)) == Enum.sort(nodes -- [node])
    end
  end

  test "a function of a test runs on the node, with what it closed over", %{nodes: [a | _]} do
    number = 41
    assert on(a, fn -> {Node.self(), number + 1} end) == {a, 42}
    assert on(a, fn -> helper(number) end) == {:helped, 41}
    assert on(a, String, :upcase, ["a"]) == "A"
  end

  test "several nodes answer in order", %{nodes: nodes} do
    assert on(nodes, &Node.self/0) == nodes
    assert on(nodes, :erlang, :node, []) == nodes
  end

  test "an assertion that fails on a node fails here", %{nodes: [a | _]} do
    error = assert_raise ExUnit.AssertionError, fn -> on(a, fn -> assert 1 == 2 end) end
    assert {error.left, error.right} == {1, 2}
    assert catch_throw(on(a, fn -> throw(:ball) end)) == :ball
  end

  test "a partition cuts what crosses it and nothing else", %{nodes: [a, b, c]} do
    partition([a], [b, c])
    assert on(a, &Node.list/0) == []
    assert on(b, &Node.list/0) == [c]
    for {x, y} <- [{a, b}, {b, a}, {a, c}, {c, a}], do: refute(connects?(x, y))

    heal([a, b, c])
    for {x, y} <- [{a, b}, {b, a}, {a, c}, {c, a}], do: assert(connected?(x, y))
  end

  test "healing without connecting leaves the first step to the nodes", %{nodes: [a, b, _c]} do
    partition(a, b)
    heal([a, b], connect: false)
    refute connected?(a, b)
    assert connects?(a, b)
  end

  test "a one-way cut can be undone from the other side only", %{nodes: [a, b, _c]} do
    partition(a, to: b)
    refute connected?(a, b)
    refute connects?(a, b)

    assert connects?(b, a)
    eventually(fn -> assert connected?(a, b) end)
  end

  test "a killed node is gone for the others and comes back as a new one", %{nodes: [a, b, c]} do
    pid = on(b, System, :pid, [])
    on(b, fn -> :persistent_term.put(:memory, :kept) end)
    kill(b)

    assert_raise RuntimeError, ~r/is down: restart/, fn -> on(b, &Node.self/0) end
    eventually(fn -> assert on(a, &Node.list/0) == [c] end)
    refute running?(pid)

    restart(b)
    assert on(b, System, :pid, []) != pid
    assert on(b, fn -> :persistent_term.get(:memory, :lost) end) == :lost
    assert Enum.sort(on(b, &Node.list/0)) == Enum.sort([a, c])
  end

  test "a node that restarts in a partition stays in it", %{nodes: [a, b, c]} do
    partition(b, [a, c])
    kill(a)
    restart(b)
    restart(a)
    assert on(b, &Node.list/0) == []
    refute connects?(b, c)
    refute connects?(c, b)
    heal([a, b, c])
    assert Enum.sort(on(b, &Node.list/0)) == Enum.sort([a, c])
  end

  test "a node can be stopped in order", %{nodes: [a, b, c]} do
    stop(b)
    eventually(fn -> assert on(a, &Node.list/0) == [c] end)
  end

  test "nodes that are not of this test are refused" do
    assert_raise ArgumentError, ~r/not a node of this test/, fn -> kill(:"who@127.0.0.1") end
  end

  defp connects?(from, to), do: on(from, :net_kernel, :connect_node, [to])
  defp connected?(one, other), do: other in on(one, &Node.list/0)

  defp running?(pid),
    do: match?({_output, 0}, System.cmd("kill", ["-0", pid], stderr_to_stdout: true))

  defp helper(number), do: {:helped, number}
end
