defmodule ElixirScope.Distributed.Case.StoryTest do
  # Suites of one test each, run beside this one: what they print when they fail, and when not.
  use ExUnit.Case, async: true

  @moduletag :cluster

  test "a test that fails prints what led to it, of all nodes" do
    {output, 2} =
      run("""
      test "an order is paid", %{nodes: [desk | _]} do
        on(desk, fn -> Troubles.Desk.order(desk, :book) end)
        assert_called Troubles.Till.charge(_, :lamp), within: 0
      end
      """)

    assert output =~ ~s(What led to the failure of "an order is paid":)
    assert output =~ "Troubles.Till.charge/2"
    for node <- ~w(desk stock till), do: assert(output =~ ~r/#{node}-\d+/)
    assert count(output, "What led to") == 1
  end

  test "a failed order shows what led to these two alone" do
    {output, 2} =
      run("""
      test "an order", %{nodes: [desk | _] = nodes} do
        9 = Troubles.race(nodes, &on/2)
        one = assert_called Troubles.Stock.set(_, _), on: desk
        other = assert_called Troubles.Stock.set(_, _), on: List.last(nodes)
        on(desk, fn -> Troubles.Desk.order(desk, :book) end)
        assert_before one, other
      end
      """)

    assert output =~ "Troubles.Stock.take/2"
    refute output =~ "Troubles.Desk.order/2"
  end

  test "a test that is killed is told of, too" do
    {output, 2} =
      run("""
      @tag timeout: 2_000
      test "waits", %{nodes: [desk | _]} do
        on(desk, fn -> Troubles.Desk.order(desk, :book) end)
        receive do: (:never -> :ok)
      end
      """)

    assert output =~ ~s(What led to the failure of "waits":)
    assert output =~ "Troubles.Desk.order/2"
  end

  test "one that passes prints nothing" do
    {output, 0} =
      run("""
      test "an order", %{nodes: [desk | _]} do
        assert {:ok, _} = on(desk, fn -> Troubles.Desk.order(desk, :book) end)
      end

      test "nothing at all", %{nodes: nodes} do
        assert length(nodes) == 3
      after
        :done
      end
      """)

    refute output =~ "What led to"
  end

  defp run(tests) do
    code = """
    ExUnit.start(autorun: true, colors: [enabled: false])

    defmodule Suite do
      use ElixirScope.Distributed.Case, nodes: [:desk, :stock, :till], capture: [Troubles.Desk, Troubles.Stock, Troubles.Till]
      setup %{nodes: nodes}, do: Troubles.open(nodes, &on/2)
      #{tests}
    end
    """

    paths = for path <- :code.get_path(), flag <- ["-pa", to_string(path)], do: flag
    System.cmd("elixir", paths ++ ["-e", code], stderr_to_stdout: true)
  end

  defp count(text, part), do: length(String.split(text, part)) - 1
end
