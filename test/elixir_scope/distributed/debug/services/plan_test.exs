defmodule ElixirScope.Distributed.Debug.Services.PlanTest do
  # Whom a call asks, and until when. The simulation has nodes that fail in every way, a clock and chance
  # that come from the seed, and breakers as they are; it replays from the seed that is printed.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Services.{Breaker, Plan}

  @nodes [:a@sim, :b@sim, :c@sim]

  defp plan(nodes, options \\ []) do
    defaults = [idempotent?: true, fallback?: false, retries: 2, deadline: 1_000]
    Plan.new(nodes, Keyword.merge(defaults, options))
  end

  test "one node after another, and some time is kept for the next" do
    assert {:ask, :a@sim, 750, plan} = Plan.next(plan([:a@sim, :b@sim]), 0, 0.5)
    assert {:on, plan} = Plan.heard(plan, :a@sim, {:refused, :no})
    assert {:ask, :b@sim, 1_000, plan} = Plan.next(plan, 100, 0.5)
    assert {:done, {:ok, 7}, %{asked: 2}} = Plan.heard(plan, :b@sim, {:ok, 7})
  end

  test "what may have been done is not asked for again, unless that is as doing it once" do
    for failure <- [:lost, :late, :slow] do
      {:ask, _, _, plan} = Plan.next(plan([:a@sim, :b@sim], idempotent?: false), 0, 0.5)
      assert {:done, {:error, :why}, _} = Plan.heard(plan, :a@sim, {failure, :why})
      {:ask, _, _, plan} = Plan.next(plan([:a@sim, :b@sim]), 0, 0.5)
      assert {:on, plan} = Plan.heard(plan, :a@sim, {failure, :why})
      assert {:ask, :b@sim, _, _} = Plan.next(plan, 0, 0.5)
    end
  end

  test "who refused or was slow is not asked in the next round" do
    outcomes = [a@sim: {:refused, :no}, b@sim: {:busy, :full}, c@sim: {:slow, :slow}]

    plan =
      Enum.reduce(outcomes, plan(@nodes), fn {node, outcome}, plan ->
        {:ask, ^node, _until, plan} = Plan.next(plan, 0, 0.5)
        {:on, plan} = Plan.heard(plan, node, outcome)
        plan
      end)

    assert {:wait, ms, plan} = Plan.next(plan, 0, 1.0)
    assert ms == 50
    assert %{queue: [:b@sim], retries: 1} = Plan.another_round(plan, @nodes)
  end

  test "what says most is told in the end" do
    {:ask, _, _, plan} = Plan.next(plan([:a@sim, :b@sim]), 0, 0.5)
    {:on, plan} = Plan.heard(plan, :a@sim, {:refused, :no})
    {:ask, _, _, plan} = Plan.next(plan, 0, 0.5)
    {:on, plan} = Plan.heard(plan, :b@sim, {:open, :open})
    assert {:error, :no} = Plan.next(plan, 0, 0.5)
  end

  test "nobody waits for who cannot be reached where there is an answer here" do
    {:ask, _, _, plan} = Plan.next(plan([:a@sim], fallback?: true), 0, 0.5)
    {:on, plan} = Plan.heard(plan, :a@sim, {:unreachable, :gone})
    assert {:fallback, _} = Plan.next(plan, 0, 0.5)
    assert {:error, nil} = Plan.next(plan([]), 0, 0.5)
    assert {:fallback, _} = Plan.next(plan([], fallback?: true), 0, 0.5)
    assert {:error, nil} = Plan.next(plan([:a@sim]), 1_000, 0.5)
  end

  # What a node does to a request: {how long until it says so, what, whether the work was done}.
  defp behaviours do
    one_of([
      map(integer(0..20), &{&1, {:ok, :value}, true}),
      map(integer(0..20), &{&1, {:error, :answer}, true}),
      map(integer(0..5), &{&1, {:refused, :refused}, false}),
      map(integer(0..5), &{&1, {:busy, :busy}, false}),
      map(integer(0..5), &{&1, {:unreachable, :unreachable}, false}),
      map(integer(0..300), &{&1, {:lost, :lost}, true}),
      constant({:never, {:late, :late}, true})
    ])
  end

  # For each moment of a hundred milliseconds what each node does then.
  defp worlds do
    fn size, random ->
      {rows, random} =
        Enum.map_reduce(0..(20 + size), random, fn _moment, random ->
          tuple(List.duplicate(behaviours(), length(@nodes))).(size, random)
        end)

      {List.to_tuple(rows), random}
    end
  end

  defp cases do
    tuple([
      worlds(),
      integer(0..1_000_000),
      one_of([constant(true), constant(false)]),
      one_of([constant(true), constant(false)]),
      integer(0..4)
    ])
  end

  test "whatever nodes do: in time, once where once is meant, never past an open circuit" do
    property(cases(), [runs: 400], fn {world, seed, idempotent?, fallback?, retries} ->
      sim = %{
        world: world,
        now: 0,
        breakers: %{},
        done: 0,
        random: :rand.seed_s(:exsss, seed),
        options: [idempotent?: idempotent?, fallback?: fallback?, retries: retries]
      }

      Enum.reduce(1..12, sim, fn _call, sim -> call(%{sim | done: 0}) end)
    end)
  end

  defp call(sim) do
    began = sim.now
    deadline = began + 400
    options = sim.options
    {result, asked, sim} = steps(Plan.new(@nodes, [deadline: deadline] ++ options), sim, [])

    assert sim.now <= deadline
    assert length(asked) <= length(@nodes) * (1 + options[:retries])
    # Where once is meant nobody is asked after one who may have done it.
    unless options[:idempotent?], do: assert(sim.done <= 1)
    if options[:fallback?] and options[:idempotent?], do: assert(result != {:error, :lost})
    {gap, random} = :rand.uniform_s(700, sim.random)
    %{sim | now: sim.now + gap, random: random}
  end

  defp steps(plan, sim, asked) do
    {chance, random} = :rand.uniform_s(sim.random)
    sim = %{sim | random: random}

    case Plan.next(plan, sim.now, chance) do
      {:ask, node, until, plan} ->
        assert until <= plan.deadline and until >= sim.now
        {outcome, sim} = ask(node, until, sim)
        asked = if elem(outcome, 0) == :open, do: asked, else: [node | asked]
        heard(Plan.heard(plan, node, outcome), sim, asked)

      {:wait, ms, plan} ->
        assert plan.idempotent? and sim.now + ms < plan.deadline
        steps(Plan.another_round(plan, @nodes), %{sim | now: sim.now + ms}, asked)

      {:fallback, plan} ->
        assert sim.now < plan.deadline
        {{:ok, :fallback}, asked, sim}

      {:error, reason} ->
        {{:error, reason}, asked, sim}
    end
  end

  defp heard({:on, plan}, sim, asked), do: steps(plan, sim, asked)
  defp heard({:done, result, _plan}, sim, asked), do: {result, asked, sim}

  defp ask(node, until, sim) do
    breaker = Map.get(sim.breakers, node, %Breaker{})

    case Breaker.ask(breaker, sim.now, true) do
      {:ok, breaker} -> let_through(node, breaker, until, sim)
      {{:open, _ms}, breaker} -> {{:open, :open}, put_in(sim.breakers[node], breaker)}
    end
  end

  defp let_through(node, breaker, until, sim) do
    {took, outcome, done?} = behaviour(node, sim)

    {now, outcome} =
      if took == :never or sim.now + took > until,
        do: {until, {:late, :late}},
        else: {sim.now + took, outcome}

    breaker = Breaker.heard(breaker, elem(outcome, 0), now)
    done = sim.done + if(done?, do: 1, else: 0)
    {outcome, %{put_in(sim.breakers[node], breaker) | now: now, done: done}}
  end

  defp behaviour(node, %{world: world, now: now}) do
    row = elem(world, rem(div(now, 100), tuple_size(world)))
    elem(row, Enum.find_index(@nodes, &(&1 == node)))
  end
end
