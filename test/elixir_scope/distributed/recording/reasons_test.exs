defmodule ElixirScope.Distributed.Recording.ReasonsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Recording.Reasons

  doctest Reasons

  test "every reason of a result comes back, and no other becomes an atom" do
    exits = [:not_allowed, :busy, :not_a_member, :malformed, :failed, :too_much, :cut]

    for reason <-
          [{:node_unavailable, :a@h}, :distributed_timeout] ++
            for(exit <- exits, do: {:distributed_exit, exit}),
        do: assert(Reasons.read(:a@h, Reasons.write(reason)) == reason)

    assert Reasons.write({:distributed_exit, {:storage, :down}}) == "storage"
    assert Reasons.read(:a@h, "storage") == {:distributed_exit, {:storage, :not_read}}
    assert Reasons.write({:distributed_exit, :of_tomorrow}) == "exit:failed"
    assert Reasons.read(:a@h, "exit:of_tomorrow") == {:distributed_exit, :failed}
  end
end
