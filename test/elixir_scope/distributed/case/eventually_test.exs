defmodule ElixirScope.Distributed.Case.EventuallyTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]

  doctest ElixirScope.Distributed.Case, only: [eventually: 2]

  test "asks again until it holds and returns what was returned" do
    tries = :counters.new(1, [])

    result =
      eventually(fn ->
        :counters.add(tries, 1, 1)
        assert :counters.get(tries, 1) == 4
        :there
      end)

    assert result == :there
    assert :counters.get(tries, 1) == 4
  end

  test "at the deadline the last failure is told" do
    error =
      assert_raise ExUnit.AssertionError, fn ->
        eventually(fn -> assert String.upcase("got") == "WANTED" end, within: 30)
      end

    assert error.message =~ "not within 30 ms: Assertion with == failed"
    assert {error.left, error.right} == {"GOT", "WANTED"}

    assert_raise KeyError, fn -> eventually(fn -> raise KeyError, key: :k end, within: 1) end
  end

  test "a plain false is a failure and not overlooked" do
    assert_raise RuntimeError, ~r/returned false for 1 ms/, fn ->
      eventually(fn -> 1 == 2 end, within: 1)
    end
  end
end
