defmodule ElixirScope.Distributed.Cluster.QuarantineTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Cluster.Quarantine
  doctest Quarantine

  @details %{ahead_ns: 2_000, limit_ns: 500}

  test "who was refused is in until an exchange was right, and each is news once" do
    {:news, quarantine} = Quarantine.refuse(%Quarantine{}, :b@h, @details)
    {:known, quarantine} = Quarantine.refuse(quarantine, :b@h, @details)
    {:known, ^quarantine} = Quarantine.accept(quarantine, :a@h)
    assert Quarantine.member?(quarantine, :b@h)
    {:news, quarantine} = Quarantine.accept(quarantine, :b@h)
    {:known, ^quarantine} = Quarantine.accept(quarantine, :b@h)
    assert quarantine == %Quarantine{}
  end

  test "it does not grow without bound" do
    quarantine =
      Enum.reduce(1..1_000, %Quarantine{}, fn n, quarantine ->
        {:news, quarantine} = Quarantine.refuse(quarantine, :"n#{n}@h", @details)
        quarantine
      end)

    assert length(Quarantine.nodes(quarantine)) == 256
    assert Quarantine.member?(quarantine, :n1000@h)
    assert length(quarantine.order) == map_size(quarantine.ahead)
  end
end
