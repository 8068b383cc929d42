defmodule ElixirScope.Distributed.Sync.EarlyTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Sync.Early
  alias ElixirScope.Distributed.Types.EventSyncMessage

  defp batch(from, bytes),
    do: %EventSyncMessage{source_node: from, events_batch: bytes, since_global_clock: nil}

  test "the last batch of each is kept, and of so many only" do
    early = Early.put(%{}, :a@h, batch(:a@h, "1"))
    assert Early.put(early, :a@h, batch(:a@h, "2")) == %{a@h: batch(:a@h, "2")}
    many = Enum.reduce(1..100, early, &Early.put(&2, :"n#{&1}@h", batch(:b@h, "1")))
    assert map_size(many) == 64
    assert Early.put(many, :a@h, batch(:a@h, "3"))[:a@h].events_batch == "3"
  end
end
