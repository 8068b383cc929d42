defmodule ElixirScope.Distributed.Sync.UpheavalTest do
  # Nodes record all the time while they are cut apart, killed, stopped, frozen and started again, while their
  # clocks are set, and others come and go; afterwards every node shows every event exactly once, in the
  # same order. What was recorded is known from outside (`Ledger`). What a killed node had not passed
  # on is not asked for; what any of those had that are left is on all. SCOPE_LONG=1 goes on ten times as
  # long, with more nodes and 10,000 events a second on each; UPHEAVALS says how long; SCOPE_SEED
  # repeats a run.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Case.Cluster
  alias ElixirScope.Distributed.{Ledger, NodeCoordinator, OtherOtp, WallClock}

  @long? System.get_env("SCOPE_LONG") != nil
  @upheavals String.to_integer(System.get_env("UPHEAVALS") || if(@long?, do: "40", else: "4"))
  @per_second if @long?, do: 10_000, else: 2_000
  @members if @long?, do: 3..5, else: 2..4
  @moduletag :tmp_dir
  @moduletag timeout: if(@long?, do: 3_600_000, else: 240_000)

  # Long enough for the first event of the longest run to be asked for by who joins at its end.
  @config [
    elixir_scope_distributed: [
      sync: :full,
      sync_interval_ms: 200,
      sync_since_ms: 3_600_000,
      sync_bytes_per_s: 64 * 1024 * 1024,
      retention_bytes: 1024 * 1024 * 1024
    ]
  ]

  # Two clocks are never further apart than is followed, and none is set back further than is absorbed.
  @clocks_ms -200..250
  @kinds [:cut, :halves, :pair, :one_way, :kill, :stop, :freeze, :clock] ++
           [:visitor, :newer_visitor, :stranger, :visitor_ahead]

  # What is known outside: who is here, which start each runs, how many events of an ended start
  # each had at least.
  defstruct [:folder, :members, running: %{}, had: %{}, starts: 0, visitors: [], strangers: []]

  setup do
    seed = String.to_integer(System.get_env("SCOPE_SEED") || "#{System.os_time(:second)}")
    IO.puts("\nSCOPE_SEED=#{seed}")
    :rand.seed(:exsss, seed)
    :ok
  end

  test "every node has every event once and in one order, whatever happened", context do
    upheavals(context, List.duplicate([], Enum.random(@members)))
  end

  @tag :other_otp
  test "and so it is where nodes run other versions of Erlang", context do
    others = OtherOtp.all()
    world = upheavals(context, [[] | others])
    releases = for node <- world.members, uniq: true, do: on(node, &System.otp_release/0)
    IO.puts("Erlang/OTP #{Enum.join(releases, ", ")}")
    assert length(releases) == length(others) + 1
  end

  defp upheavals(context, options) do
    world = Enum.reduce(options, %__MODULE__{folder: context.tmp_dir, members: []}, &member/2)
    connect(world.members)
    world = Enum.reduce(1..@upheavals, world, &upheaval/2)
    whole_and_equal(world)
  end

  defp member(options, world) do
    name = "member#{length(world.members) + 1}"
    folder = clock_folder(world, name)
    clock = WallClock.env!(folder)
    WallClock.step!(folder, Enum.random(@clocks_ms))

    [node] =
      start_nodes([name], [config: @config, connect: false, env: clock, log: :none] ++ options)

    load(node, %{world | members: world.members ++ [node]})
  end

  # One or two things at once, for a while.
  defp upheaval(n, world) do
    kinds = Enum.take_random(@kinds, Enum.random(1..2))
    IO.puts("#{n}/#{@upheavals} #{Enum.join(kinds, " and ")}")
    world = kinds |> Enum.reduce(world, &happen/2) |> meanwhile() |> mended()
    eventually(fn -> assert together?(world.members) end, within: 60_000)
    world
  end

  defp happen(:cut, world), do: cut(world, 1)
  defp happen(:halves, world), do: cut(world, div(length(world.members), 2))

  defp happen(:pair, world) do
    [one, other | _] = Enum.shuffle(world.members)
    partition(one, other)
    world
  end

  defp happen(:one_way, world) do
    [one, other | _] = Enum.shuffle(world.members)
    partition(one, to: other)
    world
  end

  defp happen(:kill, world), do: ended(world, some_but_one(world), &kill/1)
  defp happen(:stop, world), do: ended(world, some_but_one(world), &stop/1)

  # Its connections stay as they are; nobody takes what is sent to it.
  defp happen(:freeze, world) do
    for node <- some_but_one(world), do: freeze(node)
    world
  end

  defp happen(:clock, world) do
    for n <- 1..length(world.members),
        do: WallClock.step!(clock_folder(world, "member#{n}"), Enum.random(@clocks_ms))

    world
  end

  defp happen(:visitor, world), do: visitor(world, [])

  # Its clock is not followed, and its events keep their stamps.
  defp happen(:visitor_ahead, world) do
    folder = clock_folder(world, "visitor#{world.starts}")
    clock = WallClock.env!(folder)
    WallClock.step!(folder, 5_000)
    visitor(world, env: clock)
  end

  # It speaks the next version of the protocol, too.
  defp happen(:newer_visitor, world), do: visitor(world, [], &speak(&1, 1, 2))

  # It speaks only the next version: with nobody here.
  defp happen(:stranger, world) do
    before = world.visitors
    world = visitor(world, [], &speak(&1, 2, 2))
    [stranger | ^before] = world.visitors
    %{world | strangers: [world.running[stranger] | world.strangers]}
  end

  defp cut(world, number) do
    {one, others} = world.members |> Enum.shuffle() |> Enum.split(number)
    partition(one, others)
    world
  end

  # One that can end without being the last that runs.
  defp some_but_one(world) do
    case Enum.shuffle(running(world.members)) do
      [one, _another | _] -> [one]
      _too_few -> []
    end
  end

  defp visitor(world, options, prepare \\ fn _node -> :ok end) do
    name = "visitor#{world.starts}"
    [node] = start_nodes([name], [config: @config, connect: false, log: :none] ++ options)
    prepare.(node)
    for member <- running(world.members), do: connect([node, member])
    load(node, %{world | visitors: [node | world.visitors]})
  end

  defp speak(node, first, last) do
    source =
      "lib/elixir_scope/distributed/cluster/protocol.ex"
      |> File.read!()
      |> String.replace("@first 1", "@first #{first}")
      |> String.replace("@last 1", "@last #{last}")

    on(node, Code, :compiler_options, [[ignore_module_conflict: true]])
    [_] = on(node, Code, :compile_string, [source])
  end

  defp meanwhile(world) do
    until = System.monotonic_time(:millisecond) + Enum.random(300..2_000)
    eventually(fn -> System.monotonic_time(:millisecond) >= until end, within: 10_000)
    world
  end

  # All is as before, but for what was lost.
  defp mended(world) do
    world = ended(world, world.visitors, fn node -> Enum.random([&kill/1, &stop/1]).(node) end)
    for node <- world.members, do: if(Cluster.alive?(node), do: thaw(node), else: restart(node))
    heal(world.members)
    new = world.members -- Map.keys(world.running)
    Enum.reduce(new, %{world | visitors: []}, &load/2)
  end

  # Who ends takes along what it alone had. Of what it recorded itself, those that run have so much;
  # one that is frozen has what it has, which cannot be asked now.
  defp ended(world, nodes, how), do: Enum.reduce(nodes, world, &ended_one(&2, &1, how))

  defp ended_one(world, node, how) do
    how.(node)
    {start, running} = Map.pop!(world.running, node)
    had = Map.new(world.had, fn {start, had} -> {start, Map.delete(had, node)} end)

    held =
      for other <- running(world.members), into: %{} do
        {other, Map.get(on(other, Ledger, :held, [node]), start, 0)}
      end

    %{world | running: running, had: Map.put(had, start, held)}
  end

  defp running(nodes), do: Enum.filter(nodes, &match?({:ok, _control}, control(&1)))
  defp control(node), do: ElixirScope.Distributed.Case.Peer.control(node)

  defp load(node, world) do
    start = world.starts + 1
    on(node, Ledger, :begin, [world.folder, start, @per_second])
    %{world | starts: start, running: Map.put(world.running, node, start)}
  end

  defp together?(nodes) do
    Enum.all?(nodes, fn node ->
      {:ok, members} = on(node, &NodeCoordinator.get_cluster_nodes/0)
      Enum.sort(members) == Enum.sort(nodes)
    end)
  end

  defp whole_and_equal(world) do
    recorded = Map.new(world.members, &on(&1, Ledger, :stop, []))
    {:ok, _} = on(hd(world.members), &NodeCoordinator.force_event_sync/0)
    shown = eventually(fn -> equal(world.members, recorded) end, within: 120_000)

    assert shown.twice == []

    for {start, %{count: count, wrong: wrong}} <- shown.starts do
      assert wrong == nil, "not the numbers from one on of start #{start}: #{inspect(wrong)}"
      assert start not in world.strangers
      accounted(world, start, count, recorded)
    end

    for {start, had} <- world.had, start not in world.strangers do
      count = Map.get(shown.starts, start, %{count: 0}).count
      assert count >= Enum.max([0 | Map.values(had)]), "of start #{start} some had more"
    end

    report(world, shown)
  end

  # All show the same, and everything that those recorded which are here.
  defp equal(members, recorded) do
    [shown | others] = on(members, Ledger, :show, [])
    assert Enum.all?(others, &(&1 == shown))
    for {start, n} <- recorded, n > 0, do: assert(shown.starts[start].count == n)
    shown
  end

  defp accounted(world, start, count, recorded) do
    {least, most, _ms} = Ledger.written(world.folder, start)
    assert count <= most
    if is_map_key(recorded, start), do: assert(least == most and count == most)
  end

  defp report(world, shown) do
    written = for start <- 1..world.starts, do: Ledger.written(world.folder, start)
    recorded = Enum.sum(for {least, _most, _ms} <- written, do: least)
    ms = Enum.sum(for {_least, _most, ms} <- written, do: ms)

    IO.puts(
      "#{shown.count} events of #{world.starts} starts, the same on #{length(world.members)} nodes, " <>
        "#{div(1_000 * recorded, max(ms, 1))} a second on each; #{recorded - shown.count} that nobody had " <>
        "who is left, #{length(world.strangers)} starts of strangers among them"
    )

    world
  end

  defp clock_folder(world, name) do
    folder = Path.join(world.folder, name)
    File.mkdir_p!(folder)
    folder
  end
end
