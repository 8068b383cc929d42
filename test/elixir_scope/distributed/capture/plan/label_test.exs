defmodule ElixirScope.Distributed.Capture.Plan.LabelTest do
  # A match specification that sets a label which is no immediate term kills the VM, on every
  # version of it. So every specification that can come about is looked through: what options
  # and patterns make of plans of one trace and of several, with their callbacks.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.{Order, Pattern, Plan}
  alias ElixirScope.Distributed.Capture.Plan.Spec
  alias ElixirScope.Distributed.Capture.Targets.Merge

  @runs if System.get_env("SCOPE_LONG"), do: 20_000, else: 3_000
  @mfas for name <- [:a, :b], do: {ScopeLabelled, name, 2}

  @patterns [
    {ScopeLabelled, :a},
    {ScopeLabelled, :b},
    "ScopeLabelled.a(%{id: id}, _) when id > 3 -> return",
    "ScopeLabelled.a({1, n}, n)",
    "ScopeLabelled.a(n, _) when n < 7",
    "ScopeLabelled.b(_, %{}) -> return",
    "ScopeLabelled.b(x, [y | _]) when x == y"
  ]

  defp part(seat) do
    correlate = Enum.random([true, false, :each_call, :each_call])

    options = [
      correlate: correlate,
      return: Enum.random([true, false]),
      messages: Enum.random([true, false]),
      kinds: Enum.take_random([:process, :memory, :scheduling], Enum.random(0..3)),
      processes: Enum.random([:all, self()])
    ]

    patterns = Enum.take_random(@patterns, Enum.random(1..length(@patterns)))
    {:ok, order} = Order.new(patterns, options, {node(), self()})

    %{
      bit: Bitwise.bsl(1, seat),
      targets: targets(order.patterns),
      callbacks: Enum.take_random(@mfas, Enum.random(0..2)),
      families: Order.families(order),
      callers: Order.callers?(order),
      correlate: order.options[:correlate],
      arguments: Enum.random([true, false]),
      any: Enum.random([true, false]),
      new: Enum.random([true, false]),
      pids: Enum.take_random([self()], 1),
      heirs: []
    }
  end

  # As it is found, or as it is where it is a loop, which has no returns.
  defp targets(patterns) do
    found = for %Pattern{function: f} = pattern <- patterns, do: {{ScopeLabelled, f, 2}, pattern}
    loops = Enum.random([[], [], Enum.take_random(@mfas, 1)])

    for target <- Merge.functions(found) do
      if target.mfa in loops,
        do: %{
          target
          | pattern: %{target.pattern | return: false},
            also: Enum.map(target.also, &%{&1 | return: false})
        },
        else: target
    end
  end

  defp parts do
    seats = Enum.take_random([0, 1, 2, 31, 59, 60, 62], Enum.random(1..4))
    parts = Enum.map(seats, &part/1)
    if Spec.crowded(Enum.map(parts, & &1.targets)) == [], do: parts, else: parts()
  end

  defp specs(parts) do
    steps = Plan.difference(%Plan{}, Plan.of(parts))
    for {what, _of, spec} when what in [:function, :messages] <- steps, is_list(spec), do: spec
  end

  # Every term of an action that does something to a token.
  defp tokens(term) when is_tuple(term) do
    own = if elem(term, 0) in [:set_seq_token, :set_tcw], do: [term], else: []
    own ++ (term |> Tuple.to_list() |> Enum.flat_map(&tokens/1))
  end

  defp tokens([head | tail]), do: tokens(head) ++ tokens(tail)
  defp tokens(map) when is_map(map), do: map |> Map.to_list() |> tokens()
  defp tokens(_other), do: []

  defp bits(spec),
    do: for({_, _, body} <- spec, {:message, {{bits, _, e}}} <- body, do: {bits, e})

  test "no specification sets a label that kills the VM" do
    seed = :rand.seed(:exsss, :erlang.phash2(make_ref())) |> then(fn _ -> :rand.export_seed() end)

    labelled =
      for n <- 1..@runs, spec <- specs(parts()), reduce: 0 do
        labelled ->
          set = tokens(spec)
          assert {Enum.uniq(set) -- [{:set_seq_token, :label, {:self}}], n, seed} == {[], n, seed}
          for {bits, entries} <- bits(spec), do: assert(Bitwise.band(bits, entries) == entries)
          labelled + length(set)
      end

    assert labelled > @runs
  end

  test "a function with entries is seen to return from every call that is told" do
    for _n <- 1..@runs,
        spec <- specs(parts()),
        tokens(spec) != [],
        {_head, _guards, body} <- spec do
      assert {:exception_trace} in body
      said = Enum.find_index(body, &match?({:message, _}, &1))
      set = Enum.find_index(body, &(&1 == {:set_seq_token, :label, {:self}}))
      # What it carried before is asked for before it is overwritten.
      assert set == nil or said < set
      assert set != nil == match?({:message, {{_, _, _}}}, Enum.at(body, said))
    end
  end
end
