defmodule ElixirScope.Distributed.Capture.Targets.BatchesTest do
  # The VM's own answer is what counts, and it has one set of patterns for all.
  use ExUnit.Case

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.{Pattern, Targets}
  alias ElixirScope.Distributed.Capture.Targets.Batches

  defmodule Elixir.ScopeBatch.One do
    for n <- 1..12, do: def(unquote(:"f#{n}")(), do: unquote(n))
  end

  defmodule Elixir.ScopeBatch.Two do
    def a, do: b(1)
    defp b(n), do: n
  end

  @modules [ScopeBatch.One, ScopeBatch.Two]
  @calls [{:_, [], []}]
  @returns [{:_, [], [{:exception_trace}]}]

  test "each function has what was wanted for it, and no other has anything" do
    all = for m <- @modules, {f, a} <- m.module_info(:functions), do: {m, f, a}
    choice = one_of(Enum.map([nil, @calls, @calls, @returns], &constant/1))
    choices = fn size, random -> Enum.map_reduce(all, random, fn _, r -> choice.(size, r) end) end

    property(choices, [runs: 60], fn specs ->
      wanted = for {mfa, spec} <- Enum.zip(all, specs), spec, do: {mfa, spec}
      batches = Batches.of(wanted)
      assert length(batches) <= length(wanted)
      for {pattern, spec} <- batches, do: :erlang.trace_pattern(pattern, spec, [:local])
      found = for mfa <- all, do: {mfa, set(mfa)}
      for m <- @modules, do: :erlang.trace_pattern({m, :_, :_}, false, [:local])

      for {mfa, spec} <- found,
          do: assert({mfa, spec} == {mfa, Map.get(Map.new(wanted), mfa, false)})
    end)
  end

  test "whole modules take one call and a few for what is never meant" do
    {:ok, patterns} = Pattern.parse({:app, :ex_unit})
    {:ok, targets} = Targets.resolve(patterns)
    functions = for %{mfa: mfa} <- targets.functions, do: {mfa, @calls}
    modules = functions |> Enum.uniq_by(fn {{m, _, _}, _} -> m end) |> length()
    batches = Batches.of(functions)
    assert Enum.any?(batches, &match?({{ExUnit, :_, :_}, @calls}, &1))
    assert {{ExUnit, :module_info, 0}, false} in batches
    assert length(batches) <= min(length(functions), 6 * modules)
    assert Batches.of([]) == []
  end

  defp set(mfa) do
    case :erlang.trace_info(mfa, :match_spec) do
      {:match_spec, spec} when is_list(spec) -> spec
      {:match_spec, none} when none in [false, :undefined] -> false
    end
  end
end
