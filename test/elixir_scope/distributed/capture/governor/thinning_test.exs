defmodule ElixirScope.Distributed.Capture.Governor.ThinningTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.Governor
  alias ElixirScope.Distributed.Capture.Governor.{Budgets, Thinning}
  alias ElixirScope.Distributed.Options

  @limit 1_000
  @poll_ms 100
  @many 0xFFFFFFFFFFFFFFFF

  defp governor do
    options = [events: 1_000_000_000, duration_ms: 1_000_000_000, lease_ms: 1_000_000_000]
    options = [events_per_s: @limit, bytes: 1_000_000_000, cpu_percent: 1_000_000] ++ options
    {:ok, budgets} = Budgets.new(Options.validate!(:trace, options))
    Governor.new(budgets, 0)
  end

  # What comes in each poll, thinned by the level of the moment as `kept` says: the level after each
  # poll and what was kept in it, until a trip.
  defp run(counts, kept \\ &evenly/2, sketch \\ @many) do
    first = {governor(), %{events: 0, thinned: 0, sketch: sketch}, []}

    {governor, _usage, polls} =
      counts
      |> Enum.with_index(1)
      |> Enum.reduce_while(first, fn {came, poll}, {governor, usage, polls} ->
        kept = kept.(came, governor.thinning.level)
        usage = %{usage | events: usage.events + kept, thinned: usage.thinned + came - kept}
        {verdict, governor} = Governor.check(governor, usage, poll * @poll_ms)
        next = {governor, usage, [{governor.thinning.level, kept} | polls]}
        if verdict == :ok, do: {:cont, next}, else: {:halt, next}
      end)

    {governor.trip, Enum.reverse(polls)}
  end

  defp evenly(came, level), do: div(came, Bitwise.bsl(1, level))
  defp levels(polls), do: for({level, _kept} <- polls, do: level)
  defp last_second(polls), do: polls |> Enum.take(-10) |> Enum.map(&elem(&1, 1)) |> Enum.sum()
  defp rising?(levels), do: levels == Enum.sort(levels)

  describe "at a constant rate" do
    test "the level rises to what fits, and stays" do
      property(integer(0..div(@limit * 1_024, 10)), [runs: 300], fn came ->
        {trip, polls} = run(List.duplicate(came, 60))
        assert trip == nil
        assert rising?(levels(polls))
        assert last_second(polls) <= @limit
        # No stronger than it has to be.
        level = List.last(levels(polls))
        assert level == 0 or came * 10 > @limit * Bitwise.bsl(1, level - 1)
      end)
    end

    test "the level is that of what came in the last second, at every poll" do
      {nil, polls} = run(List.duplicate(10 * @limit, 20))
      assert Enum.take(levels(polls), 11) == [4, 5, 5, 6, 6, 6, 7, 7, 7, 7, 7]
    end

    # Some units are larger than others: what a level leaves of them is anything that is less.
    test "the level stays that once was enough, however large units are" do
      shares = map(tuple(List.duplicate(integer(0..100), 10)), &Tuple.to_list/1)

      property(tuple([integer(101..20_000), shares]), [runs: 300], fn {came, shares} ->
        shares = [100 | Enum.sort(shares, :desc)]
        kept = fn came, level -> div(came * Enum.at(shares, level), 100) end
        {trip, polls} = run(List.duplicate(came, 300), kept)
        assert rising?(levels(polls))

        if trip,
          do: assert({trip.reason, List.last(levels(polls))} == {:rate, Thinning.top()}),
          else: assert(last_second(polls) <= @limit)
      end)
    end

    test "that the strongest level does not make small enough it trips" do
      {trip, polls} = run(List.duplicate(300_000, 100))
      assert %{reason: :rate, limit: @limit, value: value} = trip
      assert value > @limit and List.last(levels(polls)) == Thinning.top()
    end
  end

  describe "at any rate" do
    test "the level is one of eleven, and only the strongest trips" do
      property(list(integer(0..200_000)), [runs: 300], fn counts ->
        {trip, polls} = run(counts)
        assert Enum.all?(levels(polls), &(&1 in 0..Thinning.top()))
        if trip, do: assert(List.last(levels(polls)) == Thinning.top())
      end)
    end

    test "what is within the budget in every second is not thinned" do
      property(list(integer(0..100)), [runs: 200], fn counts ->
        {nil, polls} = run(counts)
        assert Enum.all?(levels(polls), &(&1 == 0))
      end)
    end

    test "no more is kept once the level has fitted for a second" do
      property(list(integer(0..50_000)), [runs: 200], fn counts ->
        worst = Enum.max([0 | counts])
        {trip, polls} = run(counts ++ List.duplicate(worst, 40))
        assert trip != nil or last_second(polls) <= @limit
      end)
    end

    test "the level falls by one a second, when what comes has become less" do
      {nil, polls} = run(List.duplicate(3_000, 30) ++ List.duplicate(10, 70))
      {high, rest} = polls |> levels() |> Enum.split(30)
      assert List.last(high) == 5
      assert List.last(rest) == 0
      for {a, b} <- Enum.zip(rest, tl(rest)), do: assert((a - b) in [0, 1])
      runs = rest |> Enum.chunk_by(& &1) |> Enum.map(&length/1)
      assert runs |> Enum.drop(1) |> Enum.drop(-1) |> Enum.all?(&(&1 >= 10))
    end
  end

  describe "of few units" do
    test "it trips at once, as each alone is too much" do
      for {units, sketch} <- [{1, 1}, {3, 0b10101}], too_much <- [1.1, 20] do
        came = ceil(@limit * units * too_much)
        assert {%{reason: :rate}, [_only]} = run([came], fn _came, _level -> 0 end, sketch)
      end
    end

    test "it does not, where together they are too much" do
      {nil, polls} = run([3 * @limit], fn _came, _level -> 0 end, 0b11111)
      assert levels(polls) == [2]
    end

    test "nothing is known of units that nobody saw" do
      {nil, polls} = run([3 * @limit], fn _came, _level -> 0 end, 0)
      assert levels(polls) == [2]
    end
  end
end
