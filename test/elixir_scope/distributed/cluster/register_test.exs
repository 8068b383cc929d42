defmodule ElixirScope.Distributed.Cluster.RegisterTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Cluster.Register

  @late {0, 1_000_000, :z@h}

  defp stamp(n), do: {0, n, :a@h}

  test "the later decision holds" do
    register = Register.decide(%Register{}, [:b, :c], :in, stamp(1))
    register = Register.decide(register, [:b], :out, stamp(2))
    assert {Register.wanted(register), Register.out(register)} == {[:c], [:b]}
    assert Register.merge(register, [{:b, {:in, stamp(1)}}], @late) == register
    assert Register.wanted(Register.decide(register, [:b], :in, stamp(3))) == [:b, :c]
  end

  test "what a configuration names is weaker than any decision" do
    out = Register.decide(%Register{}, [:b], :out, stamp(1))
    assert Register.out?(Register.propose(out, [:b]), :b)
    assert Register.wanted?(Register.propose(%Register{}, [:b]), :b)

    assert Register.out?(
             Register.decide(Register.propose(%Register{}, [:b]), [:b], :out, stamp(1)),
             :b
           )
  end

  test "a decision from the future is none" do
    assert Register.merge(%Register{}, [{:b, {:out, stamp(9)}}], stamp(8)) == %Register{}
  end

  test "it is bounded, and the latest decisions stay" do
    entries = for n <- 1..1_000, do: {:"n#{n}@h", {:in, stamp(n)}}
    register = Register.merge(%Register{}, entries, @late)
    assert length(Register.entries(register)) == Register.limit()
    assert Register.wanted?(register, :n1000@h)
    refute Register.wanted?(register, :n1@h)
  end

  test "members that were told the same know the same, in whatever order" do
    node = one_of(Enum.map([:a@h, :b@h, :c@h], &constant/1))
    decision = tuple([one_of([constant(:in), constant(:out)]), map(integer(0..5), &stamp/1)])

    property(tuple([list(tuple([node, decision])), integer()]), fn {entries, seed} ->
      shuffled = Enum.sort_by(entries, &:erlang.phash2({seed, &1}))
      one = Register.merge(%Register{}, entries, @late)
      {first, second} = Enum.split(shuffled, div(length(shuffled), 2))
      other = %Register{} |> Register.merge(second, @late) |> Register.merge(first, @late)
      assert Register.digest(one) == Register.digest(other)
      assert Register.merge(one, Register.entries(other), @late) == one
    end)
  end
end
