defmodule ElixirScope.Distributed.Case.GenTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  doctest ElixirScope.Distributed.Case.Gen, import: true

  test "a failure says what was generated and the seed that shows it again" do
    small? = fn n -> assert n < 20 end

    error =
      assert_raise ExUnit.AssertionError, fn -> property(integer(0..99), [seed: 5], small?) end

    assert error.message =~ "SCOPE_SEED=5"

    again =
      assert_raise ExUnit.AssertionError, fn -> property(integer(0..99), [seed: 5], small?) end

    assert again.message == error.message
    assert again.left == error.left
  end

  test "an error that is no assertion is told with its seed too" do
    raising = fn key -> raise KeyError, key: key end
    error = assert_raise RuntimeError, fn -> property(constant(1), [seed: 6], raising) end
    assert error.message =~ "KeyError"
    assert error.message =~ "SCOPE_SEED=6"
  end

  test "the counterexample is a small one" do
    few? = fn list -> assert length(list) < 5 end

    error =
      assert_raise ExUnit.AssertionError, fn -> property(list(integer()), [seed: 1], few?) end

    assert error.left < 15
  end

  test "the number of runs can be chosen and values differ" do
    me = self()
    assert property(integer(0..1_000), [runs: 20], &send(me, {:run, &1})) == :ok

    values =
      for _ <- 1..20 do
        assert_received {:run, value}
        value
      end

    refute_received {:run, _}
    assert length(Enum.uniq(values)) > 10
  end

  test "terms are of every shape and come back from the external format" do
    property(term(), fn term ->
      assert :erlang.binary_to_term(:erlang.term_to_binary(term)) === term
    end)

    terms = for seed <- 1..200, do: pick(term(), seed: seed, size: 50)

    for shape? <- [&is_list/1, &is_map/1, &is_tuple/1, &is_binary/1, &is_float/1, &is_atom/1] do
      assert Enum.any?(terms, shape?)
    end
  end

  test "commands have generated arguments" do
    commands = pick(commands(put: [integer(1..2), binary()], drop: []), seed: 2, size: 50)

    assert Enum.all?(commands, fn
             {:put, [key, value]} -> key in 1..2 and is_binary(value)
             {:drop, []} -> true
           end)

    assert Enum.any?(commands, &match?({:put, _}, &1))
  end
end
