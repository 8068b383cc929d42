defmodule ElixirScope.Distributed.Cluster.AudienceTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Cluster.Audience

  defp deaf do
    pid = spawn_link(fn -> receive(do: (:stop -> :ok)) end)
    for n <- 1..1_000, do: send(pid, n)
    pid
  end

  test "all are told, each once" do
    {:ok, audience} = Audience.add(Audience.new([self()]), self())
    Audience.tell(audience, %{type: :node_up})
    assert_received {:cluster_change, %{type: :node_up}}
    refute_received {:cluster_change, _again}
  end

  test "who does not look at its messages is told no more, and it is counted" do
    audience = Enum.reduce(1..3, Audience.new([deaf()]), &Audience.tell(&2, %{n: &1}))
    assert %{subscriber_waiting: 1_000, changes_missed: 3} = Audience.bounds(audience)
  end

  test "and hears how much it missed, before the next change" do
    for n <- 1..1_000, do: send(self(), n)
    audience = Audience.tell(Audience.new([self()]), %{n: 1})
    for n <- 1..1_000, do: assert_received(^n)
    audience = Audience.tell(audience, %{n: 2})
    Audience.tell(audience, %{n: 3})
    assert {:messages, messages} = Process.info(self(), :messages)

    assert for({:cluster_change, change} <- messages, do: change) == [
             %{type: :missed, changes: 1},
             %{n: 2},
             %{n: 3}
           ]
  end

  test "their number is bounded, and who ended makes room" do
    {_all, audience} =
      Enum.map_reduce(1..Audience.limit(), Audience.new(), fn _n, audience ->
        {:ok, audience} = Audience.add(audience, spawn(fn -> :ok end))
        {:ok, audience}
      end)

    assert Audience.add(audience, self()) == :full

    assert {:ok, audience} =
             Audience.add(Audience.remove(audience, hd(Audience.pids(audience))), self())

    assert Audience.bounds(audience).subscribers == Audience.limit()
    assert Audience.tell(audience, %{type: :heal}).missed == 0
    assert_received {:cluster_change, %{type: :heal}}
  end
end
