defmodule ElixirScope.Distributed.Debug.Session.LifeTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Session.Life

  @settings %{boot_ms: 1_000, stop_ms: 200, lease_ms: 400, hold: false}
  @both %{target: :started, language: :started}
  @rounds if System.get_env("SCOPE_LONG"), do: 20_000, else: 600

  defp begin(roles \\ @both, settings \\ []),
    do: Life.begin(roles, Map.merge(@settings, Map.new(settings)), 0)

  # The effects of the last event, and the life after all of them.
  defp events({life, effects}, events) do
    Enum.reduce(events, {life, effects}, fn {at, event}, {life, _effects} ->
      Life.event(life, event, at)
    end)
  end

  test "a pair starts: names, connections, the target's turn, then that of the language node" do
    {life, effects} = begin()
    assert Enum.sort(effects) == [launch: :language, launch: :target]

    assert {life, [{:connect, :language}]} = Life.event(life, {:up, :language}, 1)
    # Before its turn nothing is compiled.
    assert {life, []} = Life.event(life, {:connected, :language}, 2)
    assert {life, [{:connect, :target}]} = Life.event(life, {:up, :target}, 3)
    assert {life, [{:say, :target, :prepare}]} = Life.event(life, {:connected, :target}, 4)

    assert {life, [{:tell, {:up, :target, :started}}, {:say, :language, :prepare}]} =
             Life.event(life, {:ready, :target}, 5)

    assert {life, effects} = Life.event(life, {:ready, :language}, 6)
    assert {:answer, :started} in effects
    assert {:say, :target, :run} in effects
    assert life.phase == :running
  end

  test "one that is held goes on when it is told to, once" do
    steps = [{1, {:up, :target}}, {2, {:connected, :target}}, {3, {:ready, :target}}]
    {life, effects} = begin(%{target: :started}, hold: true) |> events(steps)
    assert effects == [{:tell, {:up, :target, :started}}, {:answer, :started}]
    assert {life, [{:say, :target, :run}]} = Life.event(life, :run, 4)
    assert {^life, []} = Life.event(life, :run, 5)
  end

  test "a node that is joined and cannot be reached ends the session with the reason" do
    {life, [{:connect, :target}]} = begin(%{target: :joined})

    assert {%{phase: :ended}, [{:answer, {:failed, {:unreachable, :target, "why"}}}, :ended]} =
             Life.event(life, {:failed, :target, "why"}, 1)
  end

  test "a VM that ends before it can be debugged ends the session, and the others with it" do
    {life, effects} = begin() |> events([{1, {:exited, :target, 127}}])
    assert {:tell, {:exited, :target, 127}} in effects
    assert {:say, :language, :stop} in effects
    refute Enum.any?(effects, &match?({:answer, _}, &1))

    assert {%{phase: :ended}, effects} = Life.event(life, {:exited, :language, 0}, 2)
    assert {:answer, {:failed, {:exited, :target, 127}}} in effects
  end

  test "what is not there in time is ended, by the system in the end" do
    {life, effects} = begin() |> events([{1, {:up, :language}}, {1_000, :tick}])
    assert {:say, :target, :stop} in effects
    assert {life, []} = Life.event(life, :tick, 1_199)
    assert {life, effects} = Life.event(life, :tick, 1_200)
    assert Enum.sort(effects) == [kill: :language, kill: :target]
    {life, _effects} = Life.event(life, {:exited, :language, 137}, 1_201)

    assert {_life, effects} = Life.event(life, {:exited, :target, 137}, 1_202)
    assert {:answer, {:failed, {:not_in_time, :target, 1_000}}} in effects
  end

  defp running(roles \\ %{target: :started}) do
    began = [{1, {:up, :target}}, {2, {:connected, :target}}, {3, {:ready, :target}}]
    {life, _effects} = begin(roles) |> events(began)
    life
  end

  test "a connection that is cut is opened again, ever more slowly" do
    life = running()
    assert {life, [{:tell, {:down, :target, :cut}}]} = Life.event(life, {:cut, :target, :cut}, 10)
    assert {life, []} = Life.event(life, {:cut, :target, :again}, 11)

    {delays, life, _now} =
      Enum.reduce(1..6, {[], life, 10}, fn _, {delays, life, now} ->
        at = life.nodes.target.retry_at
        {life, _looked} = Life.event(%{life | looked: at}, {:here, :target}, at - 1)
        assert {life, [{:connect, :target}]} = Life.event(life, :tick, at)
        {life, []} = Life.event(life, {:unreachable, :target}, at)
        {[at - now | delays], life, at}
      end)

    # Half of each delay is spread.
    assert hd(delays) > 4 * List.last(delays)

    assert {life, [{:tell, {:back, :target, :cut}}]} =
             Life.event(life, {:connected, :target}, 99_999)

    assert life.nodes.target.state == :running
    assert life.nodes.target.attempts == 0
  end

  test "a VM that does not answer for a lease is down until it does" do
    life = running()
    assert {life, [{:say, :target, :there?}]} = Life.event(life, :tick, 150)
    assert {life, []} = Life.event(life, :tick, 160)
    {life, effects} = Life.event(life, :tick, 404)
    assert {:tell, {:down, :target, :silent}} in effects
    assert {_life, [{:tell, {:back, :target, :silent}}]} = Life.event(life, {:here, :target}, 450)
  end

  test "of a node that is gone nothing is told any more" do
    {life, [{:tell, {:exited, :target, 0}}]} = Life.event(running(), {:exited, :target, 0}, 5)

    for event <- [{:cut, :target, :x}, {:here, :target}, {:ready, :target}, {:connected, :target}],
        do: assert({^life, []} = Life.event(life, event, 6))

    assert {%{phase: :ended}, [:ended]} = Life.event(life, :stop, 7)
  end

  # A world in which programs take any time for anything, fail, fall silent, lose connections and do not
  # end when they are told to; and an owner who may stop at any time.

  describe "in any world" do
    test "nobody is told what is not so, and every session ends with all of its programs" do
      property(
        list(tuple([integer(0..11), integer(0..1), integer(1..300)])),
        [runs: @rounds],
        fn steps -> live(steps) end
      )
    end
  end

  @shapes [
    %{target: :started, language: :started},
    %{target: :joined, language: :started},
    %{target: :started, language: :joined},
    %{target: :started},
    %{language: :started}
  ]

  defp live(steps) do
    roles = Enum.at(@shapes, rem(length(steps), length(@shapes)))
    world = %{now: 0, programs: %{}, told: [], answers: [], prepared: [], said: [], ended: false}
    began = begin(roles, hold: rem(length(steps), 2) == 0)
    {life, world} = act(began, world)
    {life, world} = Enum.reduce(steps, {life, world}, &chance(&1, &2, Map.keys(roles)))
    {life, world} = step(:stop, {life, world})
    {life, world} = Enum.reduce(1..20, {life, world}, fn _, both -> finish(both) end)

    assert life.phase == :ended and world.ended
    assert Enum.all?(world.programs, fn {_role, state} -> state == :gone end)
    assert length(world.answers) <= 1
    for role <- Map.keys(roles), do: told(Enum.reverse(world.told), role)
    assert Enum.uniq(world.said) == world.said
  end

  # Down and back alternate, and an end is the last that is heard.
  defp told(told, role) do
    told
    |> Enum.filter(&(elem(&1, 1) == role))
    |> Enum.reduce(:there, fn
      {:up, _, _}, :there -> :there
      {:down, _, _}, :there -> :down
      {:back, _, _}, :down -> :there
      {:exited, _, _}, state when state != :gone -> :gone
      told, state -> flunk("#{inspect(told)} while #{state}")
    end)
  end

  defp chance({what, who, ms}, {life, world}, roles) do
    role = Enum.at(roles, rem(who, length(roles)))
    world = %{world | now: world.now + ms}
    happens(what, role, {life, world})
  end

  defp happens(0, role, {_, world} = both) when is_map_key(world.programs, role),
    do: exit(role, both)

  defp happens(1, _role, both), do: step(:run, both)
  defp happens(2, role, both), do: step({:cut, role, :cut}, both)
  defp happens(3, role, both), do: step({:unreachable, role}, both)
  defp happens(4, role, both), do: step({:failed, role, "why"}, both)
  defp happens(n, role, both) when n in 5..6, do: step({:connected, role}, both)
  defp happens(7, role, both), do: alive(role, both, {:up, role})
  defp happens(8, role, both), do: alive(role, both, {:ready, role})
  defp happens(9, role, both), do: alive(role, both, {:here, role})
  defp happens(_tick, _role, both), do: step(:tick, both)

  defp alive(role, {_life, world} = both, event),
    do: if(world.programs[role] == :there, do: step(event, both), else: both)

  defp exit(role, {life, world}) do
    if world.programs[role] == :there,
      do: step({:exited, role, 1}, {life, put_in(world.programs[role], :gone)}),
      else: {life, world}
  end

  # Programs that do not hear are killed at the end.
  defp finish({life, world}) do
    both = step(:tick, {life, %{world | now: world.now + 100}})
    Enum.reduce(world.programs, both, &die/2)
  end

  defp die({role, :killed}, {life, world}),
    do: step({:exited, role, 137}, {life, put_in(world.programs[role], :gone)})

  defp die(_there, both), do: both

  defp step(event, {life, world}), do: life |> Life.event(event, world.now) |> act(world)

  defp act({life, effects}, world) do
    preparing = for {role, %{state: :preparing}} <- life.nodes, do: role
    assert length(preparing) <= 1
    {life, Enum.reduce(effects, world, &effect/2)}
  end

  defp effect({:launch, role}, world), do: put_in(world.programs[role], :there)
  defp effect({:kill, role}, world), do: put_in(world.programs[role], :killed)
  defp effect({:tell, told}, world), do: %{world | told: [told | world.told]}
  defp effect({:answer, answer}, world), do: %{world | answers: [answer | world.answers]}

  defp effect({:say, role, what}, world) when what in [:run, :prepare],
    do: %{world | said: [{role, what} | world.said]}

  defp effect(:ended, world), do: %{world | ended: true}
  defp effect(_other, world), do: world
end
