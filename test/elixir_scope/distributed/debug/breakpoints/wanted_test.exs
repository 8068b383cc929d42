defmodule ElixirScope.Distributed.Debug.Breakpoints.WantedTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Breakpoints.Wanted

  @nodes [:a, :b]

  # Nodes as a model: which are up, and what each has of each owner. Requests are done at once, or
  # are cut off in the middle; a node may start again at any time and then has nothing.
  defp step do
    one_of([
      tuple([
        constant(:put),
        integer(1..6),
        integer(1..2),
        one_of([constant(:all), constant([:a]), constant([:b])])
      ]),
      tuple([constant(:drop), integer(1..6)]),
      tuple([constant(:owner_gone), integer(1..2)]),
      tuple([constant(:down), one_of(Enum.map(@nodes, &constant/1))]),
      tuple([constant(:up), one_of(Enum.map(@nodes, &constant/1))]),
      tuple([constant(:restart), one_of(Enum.map(@nodes, &constant/1))]),
      constant(:round)
    ])
  end

  test "whatever happens to nodes, at last each has what is wanted of it and nothing else" do
    property(list(step()), [runs: 300], fn steps ->
      world = Enum.reduce(steps, %{w: Wanted.new(), up: @nodes, have: %{}}, &run/2)
      # Everything is up, and time goes by: twice, as the first round finds out what was lost.
      world = %{world | up: @nodes} |> round!(true) |> round!(true)
      for node <- @nodes, do: assert(have(world, node) == wanted(world, node))
    end)
  end

  test "a question has at most one job at a time" do
    w = Wanted.put(Wanted.new(), 1, spec(:one, :all))
    {[_a, _b], w} = Wanted.jobs(w, @nodes, true)
    assert {[], _w} = Wanted.jobs(Wanted.put(w, 2, spec(:one, :all)), @nodes, true)
  end

  test "what fails is told once, what comes back is told, and what is gone" do
    w = Wanted.put(Wanted.new(), 1, spec(:one, [:a]))
    down = %{link: {:down, :away}, afresh?: true, set: %{}, cleared: []}
    held = %{link: :held, since: nil, afresh?: true, set: %{1 => {:ok, :breakpoint}}, cleared: []}
    {[{:set, 1, :a, {:error, :away}}], w} = done(w, down)
    {[], w} = done(w, down)
    {[{:back, 1, :a, :breakpoint}], w} = done(w, held)
    {[{:gone, 1, :a, :breakpoint}], _w} = done(w, down)
  end

  defp done(w, done) do
    {_jobs, w} = Wanted.jobs(w, @nodes, true)
    Wanted.done(w, :one, :a, done)
  end

  defp spec(owner, nodes),
    do: %{owner: owner, where: :here, options: [], nodes: nodes, scope: :s, timeout_ms: 1}

  defp run({:put, id, owner, nodes}, world) do
    # A number is used once.
    if is_map_key(world.w.wanted, id),
      do: world,
      else: round!(%{world | w: Wanted.put(world.w, id, spec(owner, nodes))}, false)
  end

  defp run({:drop, id}, world), do: round!(%{world | w: Wanted.drop(world.w, [id])}, false)

  defp run({:owner_gone, owner}, world) do
    {_nodes, w} = Wanted.drop_owner(world.w, owner)
    # Its lease ends everywhere.
    have = Map.reject(world.have, fn {{_node, who}, _ids} -> who == owner end)
    %{world | w: w, have: have}
  end

  defp run({:down, node}, world), do: %{world | up: world.up -- [node]}
  defp run({:up, node}, world), do: %{world | up: Enum.uniq([node | world.up])}

  defp run({:restart, node}, world),
    do: %{world | have: Map.reject(world.have, fn {{where, _owner}, _ids} -> where == node end)}

  defp run(:round, world), do: round!(world, true)

  defp round!(world, renew?) do
    {jobs, w} = Wanted.jobs(world.w, world.up, renew?)
    Enum.reduce(jobs, %{world | w: w}, &work/2)
  end

  defp work(job, world) do
    {done, have} =
      if job.node in world.up, do: answer(job, world.have), else: {away(), world.have}

    {_events, w} = Wanted.done(world.w, job.owner, job.node, done)
    %{world | w: w, have: have}
  end

  defp away, do: %{link: {:down, :away}, afresh?: true, set: %{}, cleared: []}

  # As the errand does it.
  defp answer(job, have) do
    key = {job.node, job.owner}

    case {job.first, have} do
      {:renew, %{^key => ids}} ->
        given(job, have, key, ids -- job.clear, job.set, false)

      _unknown ->
        there = Map.get(have, key, [])
        gone = there -- Enum.map(job.all, &elem(&1, 0))
        given(job, have, key, there -- gone, job.all, true)
    end
  end

  defp given(job, have, key, ids, set, afresh?) do
    set = for {id, _spec} <- set, into: %{}, do: {id, {:ok, id}}
    done = %{link: :held, since: nil, afresh?: afresh?, set: set, cleared: job.clear}
    {done, Map.put(have, key, Enum.uniq(ids ++ Map.keys(set)))}
  end

  defp have(world, node),
    do: Enum.sort(for {{^node, _owner}, ids} <- world.have, id <- ids, do: id)

  defp wanted(world, node) do
    Enum.sort(for {id, spec} <- world.w.wanted, node in Wanted.nodes(spec, world.up), do: id)
  end
end
