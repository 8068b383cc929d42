defmodule ElixirScope.Distributed.Debug.Services.VersionsTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Services.{Introduced, Retry, Versions}

  defp range,
    do: map(tuple([integer(1..9), integer(0..5)]), fn {low, more} -> {low, low + more} end)

  test "what two speak is the highest that both know, whoever asks" do
    property(tuple([range(), range()]), [runs: 300], fn {{l1, h1} = one, {l2, h2} = other} ->
      both = for v <- l1..h1, v in l2..h2, do: v
      expected = if both == [], do: :none, else: {:ok, Enum.max(both)}
      assert Versions.agree(one, other) == expected
      assert Versions.agree(other, one) == expected
    end)

    for nonsense <- [nil, {1}, {1, :two}, %{}, 1, {nil, nil}],
        do: assert(Versions.agree({1, 9}, nonsense) == :none)
  end

  test "what a node says of itself is read, or nothing is known" do
    hello = fn said -> {:elixir_scope_debug_hello, said} end
    said = %{versions: {1, 3}, desk: self(), services: [{:s, :x}], now_ms: 100, more: :later}

    assert %{version: 1, ahead_ms: 93, services: [{:s, :x}]} =
             Introduced.read(node(), hello.(said), 7)

    assert %{version: nil, versions: {8, 9}} =
             Introduced.read(node(), hello.(%{said | versions: {8, 9}}), 7)

    assert %{services: []} = Introduced.read(node(), hello.(%{said | services: [{:s, "x"}]}), 7)

    assert %{services: []} =
             Introduced.read(node(), hello.(%{said | services: [{:s, :x} | :y]}), 7)

    for wrong <- [%{said | versions: 1}, %{said | desk: :desk}, %{}, nil],
        do: assert(Introduced.read(node(), hello.(wrong), 7) == :none)

    assert Introduced.read(:other@host, hello.(said), 7) == :none
  end

  test "it is waited longer each time, by chance, and never beyond a bound" do
    %{first_ms: first, longest_ms: longest} = Retry.limits()
    assert Retry.wait_ms(1, 1.0) == first and Retry.wait_ms(99, 1.0) == longest

    property(tuple([integer(1..40), integer(0..1_000)]), [runs: 300], fn {number, chance} ->
      wait_ms = Retry.wait_ms(number, chance / 1_000)
      whole = min(first * Integer.pow(2, number - 1), longest)
      assert wait_ms in div(whole, 2)..whole
    end)
  end
end
