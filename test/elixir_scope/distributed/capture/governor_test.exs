defmodule ElixirScope.Distributed.Capture.GovernorTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Capture.{Governor, Health}
  alias ElixirScope.Distributed.Capture.Governor.Budgets
  alias ElixirScope.Distributed.{Error, Options}

  @mib 1024 * 1024

  defp budgets(options \\ []) do
    {:ok, budgets} = Budgets.new(Options.validate!(:trace, options))
    budgets
  end

  defp governor(options \\ []), do: Governor.new(budgets(options), 0)

  defp verdict(governor, usage, now), do: elem(Governor.check(governor, usage, now), 0)

  describe "budgets" do
    test "of the profiles" do
      for {profile, numbers} <- [
            adhoc: [10_000, 15_000, 8 * @mib, 2_000, false],
            recorder: [720_000_000, 3_600_000, 64 * @mib, 200_000, true],
            production: [600_000, 600_000, 64 * @mib, 1_000, false]
          ] do
        b = budgets(profile: profile)
        assert [b.events, b.duration_ms, b.bytes, b.events_per_s, b.overwrite] == numbers
        assert {b.profile, b.lease_ms, b.open_calls} == {profile, 10_000, 10_000}
      end

      assert budgets(profile: :production).cpu_percent == 1
      assert budgets().profile == :adhoc
      assert Budgets.profiles() == [:adhoc, :recorder, :production]
    end

    test "with any number replaced" do
      for number <- Budgets.numbers() do
        budgets = budgets([{number, 7}, only: {:slower_than, 10}])
        assert Map.fetch!(budgets, number) == 7
        assert %{budgets | number => 0} == %{budgets() | number => 0}
      end

      assert budgets(lease_ms: 500).lease_ms == 500
    end

    test "of calls that are looked at, where some are not kept" do
      looked = for profile <- Budgets.profiles(), do: budgets(profile: profile).calls_per_s
      assert looked == [100_000, 100_000, 10_000]
      options = Options.validate!(:trace, calls_per_s: 7)
      assert {:error, %Error{reason: :needs_only} = error} = Budgets.new(options)
      assert Exception.message(error) =~ "calls_per_s: bounds the calls that `only:` looks at"
    end

    test "of a profile that does not take an option" do
      options = Options.validate!(:trace, profile: :production, capture: :full)
      assert {:error, %Error{reason: :not_in_profile} = error} = Budgets.new(options)
      assert Exception.message(error) == "profile: :production does not take [capture: :full]"
      assert {:ok, _} = Budgets.new(Options.validate!(:trace, capture: :full))
    end
  end

  describe "a trace ends" do
    for {name, usage, now, reason} <- [
          {"after its events", %{events: 10_000}, 9_000, :events},
          {"after its bytes", %{bytes: 8 * @mib}, 1, :bytes},
          {"after its time", %{}, 15_000, :duration},
          {"when nobody renews its lease", %{}, 10_000, :lease},
          {"at too many events of one unit in a second", %{thinned: 2_100, sketch: 8}, 1_000,
           :rate},
          {"at as many in less", %{events: 4_100, refused: 2_100, sketch: 8}, 1, :rate},
          {"when it looks at 100,001 calls in a second", %{calls: 100_001}, 1_000, :calls},
          {"when it takes a scheduler", %{cpu_ns: 1_000_000_001}, 1_000, :cpu},
          {"with 10,000 open calls", %{open_calls: 10_000}, 1, :runaway_returns},
          {"with a full run queue", %{health: {:trip, :run_queue, 30, 25}}, 1, :run_queue},
          {"with little memory", %{health: {:trip, :memory, 30, 25}}, 1, :memory},
          {"with busy schedulers", %{health: {:trip, :scheduler, 99, 98}}, 1, :scheduler},
          {"with a busy connection", %{health: {:trip, :dist_ports, 9, 8}}, 1, :dist_ports}
        ] do
      @usage usage
      @now now
      @reason reason
      test name do
        assert verdict(governor(), @usage, @now) == {:trip, @reason}
      end
    end

    for {name, usage, now} <- [
          {"one event before", %{events: 9_999}, 5_000},
          {"one byte before", %{bytes: 8 * @mib - 1}, 1},
          {"a millisecond before its lease ends", %{}, 9_999},
          {"at 2,000 events a second", %{events: 2_000}, 1_000},
          {"at more of them, which can be thinned", %{events: 9_999}, 1_000},
          {"at too many of two units", %{thinned: 2_100, sketch: 9}, 1_000},
          {"when it looks at 100,000 calls", %{calls: 100_000}, 1_000},
          {"with all of a scheduler", %{cpu_ns: 1_000_000_000}, 1_000},
          {"one open call before", %{open_calls: 9_999}, 1}
        ] do
      @usage usage
      @now now
      test "not #{name}" do
        assert verdict(governor(), @usage, @now) == :ok
      end
    end

    test "not for bytes where the newest replace the oldest" do
      assert verdict(governor(profile: :recorder), %{bytes: 1_000 * @mib}, 1) == :ok
    end

    test "in production at one percent of a scheduler" do
      governor = governor(profile: :production)
      assert verdict(governor, %{cpu_ns: 10_000_000}, 1_000) == :ok
      assert verdict(governor, %{cpu_ns: 10_000_001}, 1_000) == {:trip, :cpu}
    end

    test "for what is no number" do
      for reason <- [:taken_over, :owner_down, :stopped] do
        governor = Governor.trip(governor(), reason, 7)
        assert verdict(governor, %{}, 8) == {:trip, reason}
        assert governor.trip == %{reason: reason, at: 7, value: nil, limit: nil}
      end

      assert_raise FunctionClauseError, fn -> Governor.trip(governor(), :bored, 7) end
    end
  end

  describe "a lease" do
    test "that is renewed goes on" do
      governor =
        Enum.reduce(1..5, governor(duration_ms: 1_000_000), &Governor.renew(&2, &1 * 9_999))

      assert verdict(governor, %{}, 5 * 9_999 + 9_999) == :ok
      assert verdict(governor, %{}, 5 * 9_999 + 10_000) == {:trip, :lease}
    end

    test "that has run out is not renewed, nor one of a trace that tripped" do
      assert governor() |> Governor.renew(10_000) |> verdict(%{}, 10_001) == {:trip, :lease}
      stopped = Governor.trip(governor(), :stopped, 1)
      assert Governor.renew(stopped, 2) == stopped
    end

    test "may begin shorter" do
      governor = Governor.new(budgets(), 100, 50)
      assert verdict(governor, %{}, 149) == :ok
      assert verdict(governor, %{}, 150) == {:trip, :lease}
      assert governor |> Governor.renew(149) |> verdict(%{}, 10_148) == :ok
    end
  end

  describe "what is left for a node that comes later" do
    test "is the rest" do
      usage = %{events: 1_000, bytes: @mib}
      {:ok, rest, lease_ms} = Governor.rest(governor(), usage, 4_000)
      assert {rest.events, rest.bytes, rest.duration_ms} == {9_000, 7 * @mib, 11_000}
      assert lease_ms == 6_000
      assert rest.events_per_s == 2_000
    end

    test "is nothing after a trip" do
      assert Governor.rest(Governor.trip(governor(), :stopped, 1), %{}, 2) == {:trip, :stopped}
      assert Governor.rest(governor(), %{events: 10_000}, 9_000) == {:trip, :events}
    end
  end

  describe "reasons" do
    test "are a closed list, each with words" do
      assert Enum.sort(Governor.reasons()) ==
               Enum.sort(
                 ~w(events duration bytes rate calls lease cpu runaway_returns run_queue memory
                            scheduler dist_ports taken_over tracer_failed owner_down stopped)a
               )

      for reason <- Governor.reasons(), do: assert(String.length(Governor.message(reason)) > 15)
    end

    test "of health are the names of its thresholds" do
      assert (Health.names() -- [:available]) -- Governor.reasons() == []
    end

    test "say the numbers where there are some" do
      usage = %{events: 2_000, thinned: 2_500, sketch: 1}
      {{:trip, :rate}, governor} = Governor.check(governor(), usage, 1_000)

      assert Governor.message(governor.trip) ==
               "more events came in a second than it was allowed, and thinning was not enough " <>
                 "(4500.0, limit 2000)"

      assert Governor.message(Governor.trip(governor(), :stopped, 1).trip) ==
               "it was asked to stop"
    end
  end

  describe "however it is used" do
    defp steps do
      numbers = [integer(0..4_000), integer(0..@mib), integer(0..10_001)]
      usage = map(tuple(numbers), fn {e, b, c} -> %{events: e, bytes: b, open_calls: c} end)
      commands(check: [usage, integer(0..3_000)], renew: [integer(0..3_000)])
    end

    test "what tripped stays tripped, for the reason it tripped for first" do
      property(steps(), [runs: 300], fn steps ->
        {verdicts, _governor, _totals, _now} =
          Enum.reduce(steps, {[], governor(), %{}, 0}, &step/2)

        case Enum.drop_while(Enum.reverse(verdicts), &(&1 == :ok)) do
          [] -> :ok
          [trip | later] -> assert Enum.uniq([trip | later]) == [trip]
        end
      end)
    end

    test "what does not trip is within every budget" do
      property(steps(), [runs: 300], fn steps ->
        {verdicts, governor, totals, now} = Enum.reduce(steps, {[], governor(), %{}, 0}, &step/2)

        if List.first(verdicts) == :ok and Map.get(totals, :checked) == now do
          assert totals.events < 10_000 and totals.bytes < 8 * @mib
          assert now < 15_000 and now < governor.lease_until
        end
      end)
    end

    defp step({:renew, [wait]}, {verdicts, governor, totals, now}),
      do: {verdicts, Governor.renew(governor, now + wait), totals, now + wait}

    defp step({:check, [usage, wait]}, {verdicts, governor, totals, now}) do
      now = now + wait

      totals =
        Map.merge(usage, totals, &sum/3)
        |> Map.merge(%{open_calls: usage.open_calls, checked: now})

      {verdict, governor} = Governor.check(governor, totals, now)
      {[verdict | verdicts], governor, totals, now}
    end

    defp sum(:checked, _new, old), do: old
    defp sum(_key, new, old), do: new + old
  end

  describe "the sliding second" do
    # Polls of 100 ms: the second is exactly ten of them.
    test "thins at the first poll that closes a second with too much in it" do
      property(list(integer(0..40)), [runs: 200], fn counts ->
        governor = governor(events_per_s: 100, duration_ms: 10_000_000, lease_ms: 10_000_000)
        assert first_thinned(governor, counts) == first_over(counts, 100)
      end)
    end

    test "keeps no more samples than a second has room for" do
      governor =
        Enum.reduce(1..5_000, governor(), fn now, governor ->
          {:ok, governor} = Governor.check(governor, %{}, now)
          governor
        end)

      assert length(governor.window.samples) <= 21
    end

    test "counts an average where nobody looked for longer" do
      {:ok, governor} = Governor.check(governor(), %{}, 1_000)
      assert {:ok, %{thinning: %{level: 0}}} = Governor.check(governor, %{events: 8_000}, 5_000)
      assert {:ok, %{thinning: %{level: 1}}} = Governor.check(governor, %{events: 8_001}, 5_000)
    end

    defp first_thinned(governor, counts) do
      counts
      |> Enum.scan(&(&1 + &2))
      |> Enum.with_index(1)
      |> Enum.reduce_while(governor, fn {events, poll}, governor ->
        case Governor.check(governor, %{events: events}, poll * 100) do
          {:ok, %{thinning: %{level: 0}} = governor} -> {:cont, governor}
          {:ok, _thinned} -> {:halt, poll}
        end
      end)
      |> then(&if is_integer(&1), do: &1)
    end

    defp first_over(counts, limit) do
      Enum.find(1..length(counts)//1, fn poll ->
        counts |> Enum.take(poll) |> Enum.take(-10) |> Enum.sum() > limit
      end)
    end
  end
end
