defmodule ElixirScope.Distributed.Cluster.OutlookTest do
  # Whole clusters of outlooks in a network without processes: time, latency and loss are
  # drawn from a seed, which is printed where a test fails. SCOPE_LONG=1 runs them longer.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Cluster.Outlook

  @interval 1_000
  @long? System.get_env("SCOPE_LONG") != nil

  @moduletag timeout: :infinity

  defmodule World do
    defstruct [
      :random,
      now: 0,
      nodes: %{},
      flight: [],
      cuts: MapSet.new(),
      stalls: %{},
      loss: 0.2,
      news: [],
      sent: 0
    ]

    def new(names, seed) do
      world = %__MODULE__{random: :rand.seed_s(:exsss, {seed, 1, 0})}
      world = %{world | nodes: Map.new(names, &{&1, Outlook.new(&1, 1_000)})}
      Enum.reduce(names, world, &stand(&2, &1, names -- [&1], []))
    end

    # What a membership would say: who is up, and who is missed.
    def stand(world, name, up, missed) do
      standing = %{up: up, missed: missed, known: Enum.sort([name | up ++ missed]), register: 0}
      step(world, name, &Outlook.members(&1, standing, world.now))
    end

    # Both ends of a connection that is gone, or there again.
    def split(world, left, right) do
      world
      |> each(left, fn world, name -> stand(world, name, left -- [name], right) end)
      |> each(right, fn world, name -> stand(world, name, right -- [name], left) end)
    end

    def join(world, names) do
      each(world, names, fn world, name ->
        mates = names -- [name]
        world = stand(world, name, mates, [])

        each(world, mates, fn world, mate ->
          update_in(world.nodes[name], &Outlook.greeted(&1, mate, false, world.now))
        end)
      end)
    end

    # It does nothing for so long, and then all that came meanwhile.
    def stall(world, name, ms), do: put_in(world.stalls[name], world.now + ms)

    # What it has said is lost.
    def mute(world, name),
      do: %{world | flight: Enum.reject(world.flight, &(elem(&1, 2) == name))}

    def cut(world, ways), do: %{world | cuts: MapSet.new(ways)}

    def run(world, ms), do: go(world, world.now + ms)

    def kinds(world, name) do
      case world.nodes[name].partition.reported do
        nil -> []
        finding -> finding.kinds
      end
    end

    defp each(world, names, fun), do: Enum.reduce(names, world, &fun.(&2, &1))

    defp go(world, until) do
      ticks =
        for {name, outlook} <- world.nodes,
            do: {awake(world, name, max(Outlook.next(outlook, world.now), world.now + 1)), name}

      {tick_at, ticker} = Enum.min(ticks)
      arrival = List.first(world.flight)

      cond do
        arrival != nil and elem(arrival, 0) <= min(tick_at, until) ->
          world |> arrive(arrival) |> go(until)

        tick_at <= until ->
          %{world | now: tick_at} |> tick(ticker) |> go(until)

        true ->
          %{world | now: until}
      end
    end

    defp arrive(world, {at, number, from, to, view}) do
      world = %{world | now: max(world.now, at), flight: tl(world.flight)}
      awake = awake(world, to, at)

      cond do
        {from, to} in world.cuts ->
          world

        awake > at ->
          %{world | flight: Enum.sort([{awake, number, from, to, view} | world.flight])}

        true ->
          step(world, to, &Outlook.heard(&1, from, view, world.now))
      end
    end

    defp awake(world, name, at), do: max(at, Map.get(world.stalls, name, at))

    defp tick(world, name) do
      {sends, news, outlook} = Outlook.tick(world.nodes[name], world.now)
      world = put_in(world.nodes[name], outlook)
      told = for {type, finding} <- news, do: {world.now, name, type, finding.kinds}
      send_all(%{world | news: told ++ world.news}, name, sends)
    end

    defp step(world, name, fun) do
      {sends, outlook} = fun.(world.nodes[name])
      send_all(put_in(world.nodes[name], outlook), name, sends)
    end

    defp send_all(world, from, sends), do: Enum.reduce(sends, world, &send_one(&2, from, &1))

    defp send_one(world, from, {to, view}) do
      {dice, random} = :rand.uniform_s(world.random)
      {latency, random} = :rand.uniform_s(20, random)
      world = %{world | random: random, sent: world.sent + 1}
      message = {world.now + latency, world.sent, from, to, view}

      if dice < world.loss,
        do: world,
        else: %{world | flight: Enum.sort([message | world.flight])}
    end
  end

  defp clusters, do: tuple([integer(2..5), integer(1..1_000_000)])
  defp names(number), do: Enum.map(1..number, &:"n#{&1}")

  test "with a fifth of all messages lost, nothing is reported that is not so" do
    for seed <- 1..if(@long?, do: 50, else: 4) do
      hours = if @long?, do: 10, else: 1
      world = World.new(names(3), seed) |> World.run(hours * 1_000 * @interval)
      assert world.news == [], "seed #{seed}"
    end
  end

  test "who is slow to join is no partition, nor who stands still for an interval" do
    property(clusters(), [runs: 30], fn {number, seed} ->
      [first | _] = all = names(number)
      world = all |> World.new(seed) |> World.mute(first) |> World.stall(first, 4 * @interval)
      world = World.run(world, 10 * @interval)
      world = world |> World.stall(first, @interval) |> World.run(10 * @interval)
      assert world.news == []
    end)
  end

  test "to say much at once is not to ask often" do
    world = World.new([:n1, :n2], 3) |> World.run(5_000)
    world = world |> World.stall(:n2, 2_000) |> World.run(1_500)

    outlook =
      Enum.reduce(1..100, world.nodes[:n1], fn register, outlook ->
        standing = %{up: [:n2], missed: [], known: [:n1, :n2], register: register}
        outlook |> Outlook.members(standing, world.now) |> elem(1)
      end)

    assert Outlook.here(outlook) == [:n1, :n2]
  end

  test "a full split is named on each side, and its end, within three intervals" do
    property(clusters(), [runs: 30], fn {number, seed} ->
      [first | others] = all = names(number)
      world = World.new(all, seed) |> World.run(5_000)
      ways = for a <- [first], b <- others, way <- [{a, b}, {b, a}], do: way
      world = world |> World.cut(ways) |> World.split([first], others) |> World.run(3 * @interval)
      for name <- all, do: assert(World.kinds(world, name) == [:split])
      world = world |> World.cut([]) |> World.join(all) |> World.run(3 * @interval)
      for name <- all, do: assert(World.kinds(world, name) == [])
    end)
  end

  test "a direction that is dead is named by everybody who can know, before the VM notices" do
    property(integer(1..1_000_000), [runs: 30], fn seed ->
      world = World.new([:n1, :n2, :n3], seed) |> World.run(5_000)
      world = world |> World.cut([{:n1, :n2}]) |> World.run(3 * @interval)
      for name <- [:n1, :n2, :n3], do: assert(World.kinds(world, name) == [:one_way])
      assert Outlook.reason(world.nodes[:n1], :n2) == :asymmetric
      assert Outlook.reason(world.nodes[:n2], :n1) == :asymmetric
      assert Outlook.reason(world.nodes[:n2], :n3) == nil
    end)
  end

  test "two that cannot reach each other, and a third that reaches both" do
    property(integer(1..1_000_000), [runs: 30], fn seed ->
      world = World.new([:n1, :n2, :n3], seed) |> World.run(5_000)
      world = World.cut(world, [{:n1, :n3}, {:n3, :n1}])
      world = world |> World.stand(:n1, [:n2], [:n3]) |> World.stand(:n3, [:n2], [:n1])
      world = World.run(world, 3 * @interval)
      for name <- [:n1, :n2, :n3], do: assert(World.kinds(world, name) == [:partial])
    end)
  end

  test "what comes and goes is named once, and its end" do
    world = %{World.new([:n1, :n2], 7) | loss: 0.0} |> World.run(5_000)

    flap = fn _n, world ->
      world = world |> World.split([:n1], [:n2]) |> World.run(300)
      world = world |> World.join([:n1, :n2])
      update_in(world.nodes[:n1], &Outlook.greeted(&1, :n2, true, world.now)) |> World.run(300)
    end

    world = Enum.reduce(1..6, world, flap) |> World.run(3 * @interval)
    assert World.kinds(world, :n1) == [:flapping]
    assert World.kinds(world, :n2) == [:flapping]
    world = World.run(world, 25 * @interval)
    assert World.kinds(world, :n1) == [] and World.kinds(world, :n2) == []

    assert [:partition, :heal] ==
             for({_at, :n1, type, _kinds} <- Enum.reverse(world.news), do: type)
  end

  test "a quiet cluster says one small thing per member and interval" do
    world = %{World.new([:n1, :n2, :n3], 1) | loss: 0.0} |> World.run(10_000)
    later = World.run(world, 100 * @interval)
    assert later.sent - world.sent <= 6 * 101
    assert Enum.all?(later.flight, fn {_at, _n, _from, _to, view} -> view.body == nil end)
  end
end
