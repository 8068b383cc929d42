defmodule ElixirScope.Distributed.Parity.Stories do
  @moduledoc false
  # What is true of a cluster of three, told once for virtual and for real nodes. Each scene begins
  # with a whole cluster and returns what came of it, by the name of the story.

  import ElixirScope.Distributed.Parity.Cluster

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{ClusterStateManager, EventSynchronizer, GlobalClock}
  alias ElixirScope.Distributed.NodeCoordinator

  @doc """
  The scenes, in order. Those with options want scopes that begin again with them, also to forget whose
  connection came and went before.
  """
  def scenes do
    [
      calm: &calm/1,
      events: &events_of_all/1,
      answers: &answers/1,
      clock: &clock/1,
      refusals: &refusals/1,
      correlation: &correlation/1,
      put_out: &put_out/1,
      split: {[], &split/1},
      partial: {[], &partial/1},
      halves: {[], &halves/1},
      failure: {[], &failure/1},
      left: &left/1,
      tracing: &tracing/1,
      one_way: &one_way/1,
      flapping: {[], &flapping/1},
      on_demand: {[sync: :on_demand], &on_demand/1},
      one_keeps_all: {[sync: {:collectors, [:a]}], &one_keeps_all/1},
      each_kept_twice: {[sync: {:collectors, 1}], &each_kept_twice/1},
      read_only: {[allow: [:query]], &read_only/1}
    ]
  end

  defp calm(c) do
    info = for one <- all(), two <- all() -- [one], do: info(c, one, two) |> elem(1)
    status = for name <- all(), do: status(c, name)

    [
      members: for(name <- all(), do: members(c, name)),
      own_name: for(name <- all(), do: status(c, name).node),
      standing: for(i <- info, uniq: true, do: {i.status, i.reason, i.message, i.remedy}),
      protocol: for(i <- info, uniq: true, do: i.protocol),
      capabilities: for(i <- info, uniq: true, do: i.capabilities),
      itself: for(name <- all(), do: standing(c, name, name)),
      hears:
        for(
          name <- all(),
          do: elem(topology(c, name), 1).hears |> Enum.map(fn {n, h} -> {n, Enum.sort(h)} end)
        ),
      quorum: for(name <- all(), do: quorum(c, name)),
      no_partition: for(name <- all(), do: partition(c, name)),
      missing: for(s <- status, do: s.missing),
      status_keys: status |> hd() |> Map.keys() |> Enum.sort(),
      cluster_status_keys:
        ask(c, :a, &NodeCoordinator.get_distributed_status/1)
        |> elem(1)
        |> Map.keys()
        |> Enum.sort(),
      drift: for(s <- status, do: s.version_drift),
      keeps: for(s <- status, do: {s.exchange.mode, s.exchange.keeps, s.exchange.members}),
      bounds: for(s <- status, do: s.membership |> Map.drop([:malformed, :decisions])),
      rounds: for(name <- all(), do: sync(c, name) |> elem(1) |> Map.keys())
    ]
  end

  defp events_of_all(c) do
    for n <- 1..30, do: record(c, Enum.at(all(), rem(n, 3)), :n, n, correlation_id: "events")
    filter = [correlation_id: "events"]
    [{:ok, from_a}, {:ok, from_b}, {:ok, from_c}] = for name <- all(), do: query(c, name, filter)

    [
      each_once_in_order: for(name <- all(), do: data(c, name, "events")),
      same_ids_everywhere: from_a.events == from_b.events and from_b.events == from_c.events,
      who_recorded: Enum.frequencies_by(from_a.events, & &1.node),
      numbers_are_dense: dense?(from_a.events),
      nothing_missing: for(r <- [from_a, from_b, from_c], do: {r.missing, r.dropped, r.expired}),
      nothing_left: sync(c, :a) |> elem(1) |> Enum.map(fn {name, s} -> {name, is_map(s)} end),
      nodes_of:
        ask(c, :b, &Scope.nodes_of("events", &1)) |> elem(1) |> Enum.map(&{&1.node, &1.events})
    ]
  end

  # Of each origin the marks are numbered in the order in which they were recorded.
  defp dense?(events) do
    Enum.all?(Enum.group_by(events, &elem(&1.id, 0)), fn {_origin, events} ->
      seqs = for %{id: {_, seq}} <- events, do: seq
      seqs == Enum.sort(seqs) and seqs == Enum.uniq(seqs)
    end)
  end

  defp answers(c) do
    for {name, n} <- Enum.with_index(all()),
        do: record(c, name, :shape, {n, "text #{n}"}, correlation_id: "answers")

    record(c, :b, :deep, %{list: Enum.to_list(1..5), bin: <<1, 2, 3>>, map: %{k: 1.5}},
      correlation_id: "deep"
    )

    record(c, :b, :large, String.duplicate("x", 10_000), correlation_id: "large")
    story = [correlation_id: "answers"]
    stamp = now(c, :a)
    record(c, :c, :later, :later, correlation_id: "answers")
    take = fn {:ok, r} -> {for(e <- r.events, do: {e.node, e.subject, e.data}), r.more?} end
    {:ok, large} = query(c, :c, correlation_id: "large")

    [
      limit: take.(query(c, :a, story ++ [limit: 2])),
      newest_first: take.(query(c, :b, story ++ [order: :desc])),
      of_one_node: take.(query(c, :a, story ++ [nodes: [node_of(c, :b)]])),
      containing: take.(query(c, :c, story ++ [contains: "text 1"])),
      by_subject: take.(query(c, :c, story ++ [contains: "shape"])),
      of_another_kind:
        ask(c, :a, &Scope.events(scope: &1, kinds: [:call], correlation_id: "answers")),
      since:
        ask(c, :a, &EventSynchronizer.events_since(stamp, scope: &1, correlation_id: "answers"))
        |> elem(1)
        |> Enum.map(& &1.data),
      deep: data(c, :c, "deep"),
      cut_data: for(e <- large.events, do: {byte_size(inspect(e.data)) < 6_000, e.meta}),
      required_all: elem(query(c, :a, story, require: :all), 0),
      required_majority: elem(query(c, :b, story, require: :majority), 0)
    ]
  end

  defp clock(c) do
    offset = soon(fn -> match?({:ok, _}, offset(c, :a, :b)) && offset(c, :a, :b) end)
    {:ok, {offset_ns, uncertainty_ns}} = offset
    stamp = now(c, :b)
    {logical, physical, _node} = now(c, :a)
    ahead = {logical, physical + 3_600_000_000_000, node_of(c, :b)}

    [
      offset_is_small: abs(offset_ns) <= uncertainty_ns + 50_000_000,
      offset_unknown: offset(c, :a, :nobody@nowhere),
      later_than_heard: later?(c, stamp),
      too_far_ahead: ask(c, :a, &GlobalClock.update(ahead, &1)),
      nobody_quarantined: status(c, :a).clock.quarantined
    ]
  end

  defp offset(c, one, other) do
    other = c.nodes[other] || other
    ask(c, one, &GlobalClock.offset(other, &1))
  end

  defp later?(c, stamp) do
    ask(c, :a, fn scope ->
      {GlobalClock.update(stamp, scope), GlobalClock.compare(GlobalClock.now(scope), stamp)}
    end)
  end

  defp refusals(c) do
    [
      known_node: decide(c, :a, :register_node, :b),
      unknown_node: decide(c, :a, :unregister_node, :nobody@nowhere),
      no_node: ask(c, :a, &NodeCoordinator.setup_cluster([nil], &1)),
      too_many: ask(c, :a, &NodeCoordinator.setup_cluster(List.duplicate(:n@h, 5_000), &1)),
      no_info: info(c, :a, :nobody@nowhere),
      no_peer: ask(c, :a, &EventSynchronizer.sync_with_node(:nobody@nowhere, &1)),
      bad_filter: query(c, :a, kindz: 1),
      bad_pattern: ask(c, :a, &Scope.trace("no such thing(", scope: &1)),
      no_trace: ask(c, :a, &Scope.trace({NoSuchModule, :f}, scope: &1)),
      no_such_trace: ask(c, :b, &Scope.Capture.Conductor.stop(4_711, &1)),
      other_scope: ask(c, :a, fn _scope -> Scope.query(scope: :nothing_of_that_name) end)
    ]
  end

  defp correlation(c) do
    id = "order 17"
    for {name, n} <- Enum.with_index(all()), do: record(c, name, :step, n, correlation_id: id)
    record(c, :a, :step, :another, correlation_id: 17)

    [
      one_id: data(c, :c, id),
      another_id: data(c, :b, 17),
      no_id: data(c, :b, "order 18"),
      shown_as_given:
        query(c, :b, correlation_id: id)
        |> elem(1)
        |> Map.get(:events)
        |> Enum.map(& &1.correlation_id),
      inside: inside(c, "extent") |> Enum.filter(&(&1 == :inside))
    ]
  end

  defp inside(c, id) do
    c.world.run(c, :b, fn scope ->
      Scope.with_correlation(id, fn -> Scope.record(:inside, :inside, scope: scope) end)
    end)

    data(c, :a, id)
  end

  defp put_out(c) do
    record(c, :c, :before, :before, correlation_id: "put out")
    before = data(c, :a, "put out")
    :ok = decide(c, :a, :unregister_node, :c)
    soon(fn -> members(c, :b) == {:ok, [:a, :b]} and members(c, :c) == {:ok, [:c]} end)
    soon(fn -> standing(c, :b, :c) == {:unregistered, :unregistered} end)
    record(c, :c, :alone, :alone, correlation_id: "put out")

    out = [
      put_out_members: for(name <- all(), do: members(c, name)),
      put_out_standing: {standing(c, :a, :c), standing(c, :b, :c), standing(c, :c, :a)},
      put_out_again: decide(c, :a, :unregister_node, :c),
      put_out_takes_itself_in: takes_itself_in(c),
      put_out_answers_for_itself: data(c, :c, "put out"),
      put_out_events_stay: {before, data(c, :b, "put out")},
      put_out_is_not_missing:
        query(c, :a, correlation_id: "put out") |> elem(1) |> Map.get(:missing),
      put_out_known: becomes(fn -> partition(c, :a).known end, &(&1 == [:a, :b])),
      put_out_quorum: quorum(c, :a)
    ]

    back = decide(c, :b, :register_node, :c)
    whole(c)
    out ++ [put_out_is_back: {back, for(name <- all(), do: data(c, name, "put out"))}]
  end

  defp takes_itself_in(c) do
    _ = decide(c, :c, :register_node, :a)
    members(c, :a)
  end

  defp split(c) do
    c.world.cut(c, [:a], [:b, :c])
    soon(fn -> Enum.all?(all(), &(partition(c, &1).kind == :split)) end)
    soon(fn -> partition(c, :b).side == [:b, :c] and partition(c, :c).side == [:b, :c] end)
    for name <- all(), do: record(c, name, :apart, name, correlation_id: "split")
    ask = fn name, options -> query(c, name, [correlation_id: "split"], options) end

    brief = fn
      {:ok, r} -> {for(e <- r.events, do: e.data), r.missing}
      error -> error
    end

    refused = fn answer ->
      if tuple_size(answer) == 3, do: elem(answer, 1), else: elem(answer, 0)
    end

    apart = [
      split_named: for(name <- all(), do: partition(c, name)),
      split_quorum: for(name <- all(), do: quorum(c, name)),
      split_members: for(name <- all(), do: members(c, name)),
      split_answers: for(name <- all(), do: brief.(ask.(name, []))),
      split_majority: for(name <- all(), do: refused.(ask.(name, require: :majority))),
      split_all: for(name <- all(), do: refused.(ask.(name, require: :all))),
      split_status: for(name <- all(), do: status(c, name).missing),
      split_sync: ask(c, :a, &EventSynchronizer.sync_with_node(node_of(c, :b), &1)),
      split_traced: traced_apart(c)
    ]

    c.world.heal(c)
    whole(c)

    apart ++
      [
        healed_events: for(name <- all(), do: data(c, name, "split")),
        healed_quorum: for(name <- all(), do: quorum(c, name)),
        split_recorded: for(name <- all(), do: noted(c, name, :partition)),
        heal_recorded:
          for(name <- all(), do: becomes(fn -> noted(c, name, :heal) end, &(&1 != [])))
      ]
  end

  # A trace ends with who began it: it does not outlast this.
  defp traced_apart(c) do
    ask(c, :a, fn scope ->
      {:ok, trace} = Scope.trace({URI, :parse}, scope: scope)
      {:ok, _ended} = Scope.Capture.Conductor.stop(trace.id, scope)
      Map.keys(trace.nodes |> Map.new(&{&1, true}))
    end)
  end

  # Who hears whom as both sides say; what else was named in that time is another story.
  defp noted(c, name, kind) do
    {:ok, events} = events(c, name, kinds: [kind], nodes: [node_of(c, name)])
    about = for e <- events, kind == :heal or e.data.kind == :split, do: e.data.views
    for(views <- about, do: Enum.sort(Map.keys(views))) |> Enum.uniq()
  end

  defp partial(c) do
    c.world.cut(c, [:a], [:c])

    named =
      for name <- all(),
          do: becomes(fn -> partition(c, name) end, &(&1.kinds == [:partial] and &1.gaps != []))

    asymmetric = becomes(fn -> standing(c, :a, :c) end, &(elem(&1, 1) == :asymmetric))
    record(c, :a, :past, :past, correlation_id: "partial")
    through = becomes(fn -> data(c, :c, "partial") end, &(&1 != []))
    story = [correlation_id: "partial"]

    result = [
      partial_named: for(p <- named, do: {p.kinds, p.gaps, p.quorum, p.apart}),
      partial_standing: {asymmetric, standing(c, :b, :a), standing(c, :b, :c)},
      partial_goes_round: through,
      partial_missing:
        for(name <- all(), do: query(c, name, story) |> elem(1) |> Map.get(:missing))
    ]

    c.world.heal(c)
    whole(c)
    result ++ [partial_healed: for(name <- all(), do: partition(c, name).kinds -- [:flapping])]
  end

  defp halves(c) do
    :ok = decide(c, :a, :unregister_node, :c)
    soon(fn -> members(c, :a) == {:ok, [:a, :b]} and members(c, :b) == {:ok, [:a, :b]} end)
    soon(fn -> partition(c, :a).known == [:a, :b] and partition(c, :b).known == [:a, :b] end)
    c.world.cut(c, [:a], [:b])
    named = for name <- [:a, :b], do: becomes(fn -> partition(c, name) end, &(&1.kind == :split))

    result = [
      halves_named: for(p <- named, do: {p.side, p.apart, p.quorum}),
      halves_refuse: for(name <- [:a, :b], do: query(c, name, [], require: :majority) |> elem(1)),
      halves_decide:
        {decide(c, :a, :unregister_node, :b),
         becomes(fn -> quorum(c, :a) end, &(&1 == {:ok, :majority}))}
    ]

    c.world.heal(c)
    :ok = decide(c, :a, :register_node, :b)
    :ok = decide(c, :a, :register_node, :c)
    whole(c)
    result ++ [halves_healed: for(name <- all(), do: quorum(c, name))]
  end

  defp failure(c) do
    listen(c)
    record(c, :c, :shared, :shared, correlation_id: "failure")
    for name <- [:a, :b], do: soon(fn -> map_size(held(c, name, "failure")) == 1 end)
    c.world.kill(c, :c)
    gone = becomes(fn -> info(c, :a, :c) |> elem(1) end, &(&1.reason == :not_running))
    ask = fn options -> query(c, :b, [correlation_id: "failure"], options) end
    record(c, :a, :meanwhile, :meanwhile, correlation_id: "failure")

    down = [
      killed_standing:
        {gone.status, gone.reason, gone.nodedown_reason, gone.message, gone.remedy},
      killed_members: for(name <- [:a, :b], do: members(c, name)),
      killed_is_no_partition: partition(c, :a).kinds -- [:flapping],
      killed_quorum: quorum(c, :b),
      killed_missing: ask.([]) |> elem(1) |> Map.get(:missing),
      killed_majority: elem(ask.(require: :majority), 0),
      killed_all: elem(ask.(require: :all), 1),
      killed_events_are_kept: data(c, :b, "failure"),
      killed_told: heard(c),
      killed_recorded: recorded(c, :node_down)
    ]

    c.world.restart(c, :c)
    whole(c)

    down ++
      [
        restarted_standing:
          becomes(fn -> standing(c, :a, :c) end, &match?({:up, reason} when reason != nil, &1)),
        restarted_gets_back: becomes(fn -> data(c, :c, "failure") end, &(length(&1) == 2)),
        restarted_holds: becomes(fn -> held(c, :c, "failure") end, &(map_size(&1) == 2)),
        restarted_recorded: recorded(c, :node_up) == recorded(c, :node_down) or :more
      ]
  end

  defp recorded(c, kind) do
    {:ok, events} = events(c, :a, kinds: [kind], nodes: [node_of(c, :a)])
    for(e <- events, e.data.node == :c, do: e.data.node) |> Enum.uniq()
  end

  defp listen(c) do
    c.world.run(c, :a, fn scope ->
      spawn(fn ->
        :ok = ClusterStateManager.subscribe_to_changes(scope)
        Process.register(self(), :parity_listener)
        receive do: (:stop -> :ok)
      end)
    end)

    soon(fn -> c.world.run(c, :a, fn _scope -> Process.whereis(:parity_listener) != nil end) end)
  end

  defp heard(c) do
    {:messages, messages} =
      ask(c, :a, fn _scope -> Process.info(Process.whereis(:parity_listener), :messages) end)

    c.world.run(c, :a, fn _scope -> send(:parity_listener, :stop) end)
    for {:cluster_change, %{type: type, node: node}} <- messages, do: {type, node}
  end

  defp left(c) do
    c.world.stop(c, :c)
    left = becomes(fn -> info(c, :a, :c) |> elem(1) end, &(&1.reason == :left))

    result = [
      left_standing: {left.status, left.reason, left.message, left.remedy},
      left_known: becomes(fn -> partition(c, :b).known end, &(&1 == [:a, :b])),
      left_is_no_partition: partition(c, :b).kinds -- [:flapping]
    ]

    c.world.restart(c, :c)
    whole(c)
    result ++ [left_is_back: members(c, :c)]
  end

  # Each node calls it once while all trace it.
  defp tracing(c) do
    for name <- all(), do: c.world.run(c, name, fn _scope -> Code.ensure_loaded!(Base) end)

    {nodes, refused} =
      ask(c, :a, fn scope ->
        me = self()

        spawn(fn ->
          {:ok, trace} = Scope.trace({Base, :encode16, 1}, scope: scope)
          send(me, {trace.nodes, trace.refused})
          receive do: (:never -> :ok)
        end)

        receive do: ({_nodes, _refused} = begun -> begun)
      end)

    for name <- all(), do: c.world.run(c, name, fn _scope -> Base.encode16("#{name}") end)
    calls = fn -> events(c, :b, kinds: [:call], mfa: {Base, :encode16, 1}) |> elem(1) end
    calls = becomes(calls, &(length(&1) == 3))
    {:ok, ended} = ask(c, :a, &Scope.Capture.Conductor.stop(:all, &1))

    [
      trace_on: {Enum.sort(nodes), refused},
      trace_calls: Enum.sort(for e <- calls, do: e.data),
      trace_recorded_by: Enum.sort(for e <- calls, do: e.node),
      trace_stopped_on: Enum.sort(Map.keys(ended))
    ]
  end

  defp one_way(c) do
    c.world.cut_one_way(c, :a, :b)
    soon(fn -> members(c, :a) != {:ok, all()} or members(c, :b) != {:ok, all()} end)
    until = System.monotonic_time(:millisecond) + 4_000
    soon(fn -> System.monotonic_time(:millisecond) > until or members(c, :b) == {:ok, all()} end)
    result = [one_way_members: members(c, :b)]
    c.world.heal(c)
    whole(c)
    result
  end

  defp flapping(c) do
    for _ <- 1..4 do
      c.world.cut(c, [:a], [:b])
      soon(fn -> :b not in elem(members(c, :a), 1) and :a not in elem(members(c, :b), 1) end)
      c.world.heal(c)
      soon(fn -> members(c, :a) == {:ok, all()} and members(c, :b) == {:ok, all()} end)
    end

    named =
      for name <- [:a, :b], do: becomes(fn -> partition(c, name) end, &(&1.kinds == [:flapping]))

    [flapping_named: for(p <- named, do: {p.kind, p.flapping, p.quorum})]
  end

  # How events are kept

  defp fill(c, story),
    do: for(name <- all(), n <- 1..5, do: record(c, name, :n, n, correlation_id: story))

  defp on_demand(c) do
    fill(c, "on demand")
    for name <- all(), do: sync(c, name)
    quiet = for name <- all(), do: held(c, name, "on demand")
    some = query(c, :a, correlation_id: "on demand", nodes: [node_of(c, :b)])
    pulled = held(c, :a, "on demand")

    [
      on_demand_keeps: quiet,
      on_demand_answers: length(elem(some, 1).events),
      on_demand_pulled: pulled,
      on_demand_all: for(name <- all(), do: length(data(c, name, "on demand"))),
      on_demand_mode: status(c, :b).exchange.keeps
    ]
  end

  defp one_keeps_all(c) do
    fill(c, "one")
    everything = becomes(fn -> held(c, :a, "one") end, &(map_size(&1) == 3))

    [
      collector_keeps: everything,
      others_keep: for(name <- [:b, :c], do: held(c, name, "one")),
      collected_answers: for(name <- all(), do: length(data(c, name, "one"))),
      collector_mode: for(name <- all(), do: status(c, name).exchange.keeps)
    ]
  end

  defp each_kept_twice(c) do
    fill(c, "twice")
    held = fn -> for name <- all(), {node, 5} <- held(c, name, "twice"), do: node end
    twice = becomes(held, &(length(&1) == 6))

    [
      kept_twice: Enum.sort(twice),
      twice_answers: for(name <- all(), do: length(data(c, name, "twice")))
    ]
  end

  defp read_only(c) do
    record(c, :b, :here, :here, correlation_id: "read only")

    [
      read_only_capabilities: for(name <- [:b, :c], do: elem(info(c, :a, name), 1).capabilities),
      read_only_answers: data(c, :a, "read only"),
      read_only_trace: ask(c, :a, &Scope.trace({URI, :parse}, scope: &1))
    ]
  end
end
