defmodule ElixirScope.Distributed.Sync.EarlyTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Sync.Early

  defp put(early, node, batch \\ "x"), do: Early.put(early, node, %{events_batch: batch})

  test "the last batch of each that becomes a member is heard, the others are forgotten" do
    early = %Early{} |> put(:a@h) |> put(:b@h) |> put(:a@h, "y")
    assert {[{:a@h, %{events_batch: "y"}}], early} = Early.take(early, [:a@h])
    assert {[], _early} = Early.take(early, [:a@h, :b@h])
  end

  test "strangers and what they send are bounded, and counted" do
    early = Enum.reduce(1..100, %Early{}, &put(&2, :"stranger#{&1}@h"))
    assert %{early: 64, early_limit: 64, early_refused: 36} = Early.bounds(early)
    assert %{early_refused: 1} = Early.bounds(put(%Early{}, :a@h, String.duplicate("x", 300_000)))
  end
end
