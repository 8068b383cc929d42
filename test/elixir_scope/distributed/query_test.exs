defmodule ElixirScope.Distributed.QueryTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Query}

  setup context do
    start_supervised!({Scope, name: context.test, node: :me@test})
    {:ok, scope: context.test}
  end

  test "it runs in a worker, never in the process that asks", %{scope: scope} do
    asker = self()

    read = fn reading, _options ->
      send(asker, {:reader, self()})
      {%{events: [], count: 0, more?: false}, reading}
    end

    assert {:ok, _result} = Query.run([scope: scope], read)
    assert_receive {:reader, reader}
    assert reader != asker
  end

  test "a reader that dies is an error, not a crash of the asker", %{scope: scope} do
    capture_log(fn ->
      assert {:error, %Error{reason: :query_failed}} =
               Query.run([scope: scope], fn _reading, _options -> exit(:broken) end)
    end)
  end

  test "what is missing is warned of once, with its number", %{scope: scope} do
    # A number that no other test, which may warn at the same time, has.
    dropped = 70_707
    found = %{events: [], count: 0, more?: false}
    read = fn reading, _options -> {found, put_in(reading.losses.before, dropped)} end
    {:ok, result} = Query.run([scope: scope], read)
    log = capture_log(fn -> Query.warn(result) end)
    assert [_before, _after] = String.split(log, "#{dropped} dropped")
  end
end
