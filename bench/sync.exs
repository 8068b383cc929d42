# What it takes to make two nodes equal: real nodes over the loopback, one of which recorded a
# million events while they were apart, beside an application that sends all events since then as
# terms. Times are those of the node that lacked them; processor time is of both nodes together.

Code.require_file("support.exs", __DIR__)
alias ElixirScope.Distributed, as: Scope
alias ElixirScope.Distributed.Case.{Cluster, Eventually}

defmodule Bench.Sync do
  @moduledoc false
  # What runs on the nodes.

  @after_compile ElixirScope.Distributed.Case
  alias ElixirScope.Distributed, as: Scope

  # A function of this module, to be called on a node.
  def to_call(function, arguments), do: fn -> apply(__MODULE__, function, arguments) end

  # In pieces that the rings take whole.
  def record(count) do
    for from <- 1..count//10_000 do
      for n <- from..(from + 9_999), do: Scope.record(:order, n)
      {:ok, _} = Scope.events(kinds: [:exit], limit: 1, nodes: [node()])
    end

    :ok
  end

  def connect(node), do: :net_kernel.connect_node(node)

  # Until everything is here, from before they are connected.
  def heal(node, count) do
    began = now_us()
    true = connect(node)
    wait(fn -> events() >= count end)
    (now_us() - began) / 1_000
  end

  def events do
    {:ok, %{store: store}} = Scope.status()
    store.events
  end

  defp wait(fun), do: if(fun.(), do: :ok, else: wait(5, fun))

  defp wait(ms, fun) do
    receive after: (ms -> wait(fun))
  end

  # Latencies of calls one after the other, until told to stop.
  def ping(node) do
    Process.register(self(), :bench_ping)
    ping(node, [])
  end

  defp ping(node, found) do
    receive do
      {:stop, to} -> send(to, {:pings, found})
    after
      0 ->
        case ping_time(node) do
          nil -> ping(node, found)
          us -> ping(node, [us | found])
        end
    end
  end

  # One call at a time and a pause: what is measured is one small message, not a stream of them.
  defp ping_time(node) do
    receive after: (1 -> :ok)

    if node in Node.list() do
      began = now_us()
      :erpc.call(node, :erlang, :node, [])
      now_us() - began
    end
  end

  def start_pings(node), do: spawn(__MODULE__, :ping, [node]) && :ok

  def stop_pings do
    send(:bench_ping, {:stop, self()})
    receive do: ({:pings, found} -> found)
  end

  # All since then, as terms, by a call.
  def since(limit), do: elem(Scope.events(nodes: [node()], limit: limit), 1)

  def naive(node, limit) do
    table = :ets.new(:naive, [:public])
    began = now_us()
    bytes = :erpc.call(node, fn -> :erlang.term_to_binary(since(limit)) end, :infinity)
    :ets.insert(table, for(event <- :erlang.binary_to_term(bytes), do: {event.id, event}))
    ms = (now_us() - began) / 1_000
    found = :ets.info(table, :size)
    :ets.delete(table)
    {found, ms, byte_size(bytes)}
  end

  def traffic(node) do
    port = :erlang.system_info(:dist_ctrl) |> List.keyfind(node, 0) |> elem(1)
    {:ok, stats} = :inet.getstat(port, [:send_cnt, :send_oct])
    {stats[:send_cnt], stats[:send_oct]}
  end

  # Every event as it is recorded on another node: how long each was on its way, by the wall clock of
  # the one machine that both run on.
  def follow(count) do
    {:ok, ref} = Scope.subscribe(kinds: [:mark])
    Process.register(self(), :bench_follow)
    followed(ref, count, [])
  end

  defp followed(ref, left, found) when left > 0 do
    receive do
      {:elixir_scope, ^ref, events, %{dropped: dropped}} ->
        now = System.os_time(:microsecond)
        delays = for %{data: at} <- events, do: now - at
        followed(ref, left - length(events) - dropped, [delays | found])
    end
  end

  defp followed(_ref, _left, found) do
    receive do: ({:stop, to} -> send(to, {:followed, Enum.concat(found)}))
  end

  def start_following(count), do: spawn(__MODULE__, :follow, [count]) && :ok

  def stop_following do
    send(:bench_follow, {:stop, self()})
    receive do: ({:followed, found} -> found)
  end

  # So many events in rounds of ten milliseconds.
  def record_paced(count, a_round) do
    for _ <- 1..div(count, a_round) do
      for _ <- 1..a_round, do: Scope.record(:paced, System.os_time(:microsecond))
      receive after: (10 -> :ok)
    end

    :ok
  end

  def now_us, do: System.monotonic_time(:microsecond)

  # What a call takes, so many times one after the other, beside calls of the same nodes that do nothing:
  # in turns, so that what disturbs the machine disturbs both.
  def latencies(count, what) do
    others = Node.list()
    for _ <- 1..20, do: {time(fn -> call(what) end), time(fn -> bare(others) end)}
    Enum.unzip(for _ <- 1..count, do: {time(fn -> call(what) end), time(fn -> bare(others) end)})
  end

  defp bare(nodes), do: for(node <- nodes, do: ^node = :erpc.call(node, :erlang, :node, []))

  defp call({:query, filter}) do
    {:ok, %{missing: missing}} = Scope.query(filter)
    0 = map_size(missing)
  end

  defp call(:sync), do: {:ok, %{}} = Scope.NodeCoordinator.force_event_sync()
  defp call(:status), do: {:ok, %{}} = Scope.NodeCoordinator.get_distributed_status()

  def stream(filter) do
    began = now_us()
    count = Enum.reduce(Scope.stream(filter), 0, fn %{id: {_origin, _seq}}, n -> n + 1 end)
    {count, (now_us() - began) / 1_000}
  end

  defp time(fun) do
    began = now_us()
    fun.()
    now_us() - began
  end
end

defmodule Bench.Queries do
  @moduledoc false
  # Questions over three nodes that have nothing of each other. SCOPE_LONG=1 asks over ten million events.

  alias Bench.Sync
  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Case.{Cluster, Eventually}

  @events if System.get_env("SCOPE_LONG"), do: 10_000_000, else: 300_000
  @calls 300
  @config [sync: :on_demand, retention_bytes: 512 * 1024 * 1024]

  def run do
    nodes = [a | _] = Cluster.start_nodes(3, config: [elixir_scope_distributed: @config])
    together(nodes)
    for node <- nodes, do: :ok = on(node, :record, [div(@events, 30_000) * 10_000])
    at = middle(a)

    report("query, the newest 100 of #{@events} events", a, {:query, [limit: 100, order: :desc]})
    report("query, 100 in the middle of them", a, {:query, [limit: 100, from: at]})

    report(
      "query, one that matches nothing",
      a,
      {:query, [correlation_id: "nobody's", limit: 100]}
    )

    report("force_event_sync/0", a, :sync)
    report("get_distributed_status/0", a, :status)
    {count, ms} = on(a, :stream, [[kinds: [:mark]]])
    Bench.row("stream of #{count} events of three nodes", "ns an event", ms * 1.0e6 / count)
    for node <- nodes, do: Cluster.stop(node)
  end

  # What it takes beside bare calls of the same nodes in the same run.
  defp report(what, node, call) do
    {ours, bare} = on(node, :latencies, [@calls, call])
    IO.puts("#{what}: #{Bench.Heal.percentiles(ours)}; erpc: #{Bench.Heal.percentiles(bare)}")
    added = (Bench.Heal.p99(ours) - Bench.Heal.p99(bare)) / 1_000
    Bench.row("#{what}: p99, added to that of a bare erpc", "ms", max(added, 0.0), at_most: 10)
  end

  defp middle(node) do
    {:ok, [%{at: {_, first, _}}]} = Cluster.on(node, Scope, :events, [[limit: 1]])
    {:ok, [%{at: {_, last, _}}]} = Cluster.on(node, Scope, :events, [[limit: 1, order: :desc]])
    div(first + last, 2)
  end

  defp together(nodes) do
    Eventually.eventually(
      fn ->
        {:ok, [_, _, _]} = Cluster.on(hd(nodes), Scope.NodeCoordinator, :get_cluster_nodes, [])
      end,
      within: 10_000
    )
  end

  defp on(node, function, arguments), do: Cluster.on(node, Sync.to_call(function, arguments))
end

defmodule Bench.Heal do
  @moduledoc false

  alias Bench.Sync
  alias ElixirScope.Distributed.Case.{Cluster, Eventually}

  @events 1_000_000
  @naive 100_000
  @config [retention_bytes: 512 * 1024 * 1024, sync_bytes_per_s: 1024 * 1024 * 1024]

  @rounds 5

  def run do
    [there] = start(1)
    :ok = on(there, :record, [@events])
    # Until the last of them are in a closed block.
    pause(2)
    rounds = for _ <- 2..@rounds, do: with_guest(&heal(&1, there))
    [here] = start(1)
    rounds = [heal(here, there) | rounds]
    ms = Bench.median(for {ms, _, _} <- rounds, do: ms)
    used = Bench.median(for {_, used, _} <- rounds, do: used)
    report_heal(ms, used, there, here)
    report_pings(Enum.flat_map(rounds, &elem(&1, 2)), here, there)
    report_naive(here, there, ms)
    report_default()
    report_idle(here, there)
    report_memory(here)
    report_live()
  end

  # A node that lacks all of it: how long it took, the processor time, and pings meanwhile.
  defp heal(here, there) do
    before = cpu(here) + cpu(there)
    :ok = on(here, :start_pings, [there])
    ms = on(here, :heal, [there, @events])
    used = cpu(here) + cpu(there) - before
    {ms, used, on(here, :stop_pings, [])}
  end

  defp with_guest(fun) do
    [guest] = start(1)
    found = fun.(guest)
    :ok = Cluster.stop(guest)
    found
  end

  defp report_heal(ms, used, there, here) do
    {:ok, %{sync: %{^here => sent}, store: store}} = Cluster.on(there, Scope, :status, [])
    IO.puts(inspect(sent))
    IO.puts("stored #{store.bytes} bytes of #{store.events} events")
    Bench.row("sync: heal of 1,000,000 missing events", "ms", ms, at_most: 1_000)
    allowed = 1.01 * store.bytes + 2 + 128 * sent.frames_out
    Bench.row("sync: bytes sent for them", "MB", sent.bytes_out / 1.0e6, at_most: allowed / 1.0e6)
    Bench.row("sync: processor time of both nodes an event", "ns", used * 1.0e9 / @events)
  end

  defp report_pings(busy, here, there) do
    :ok = on(here, :start_pings, [there])
    pause(5)
    idle = on(here, :stop_pings, [])
    IO.puts("pings: #{length(busy)} while it heals, #{length(idle)} after")
    IO.puts("busy: #{percentiles(busy)}; idle: #{percentiles(idle)}")
    most = 2 * p99(idle) / 1_000 + 5
    Bench.row("sync: p99 of an erpc ping while it heals", "ms", p99(busy) / 1_000, at_most: most)
  end

  defp report_naive(here, there, ms) do
    {@naive, naive_ms, bytes} = on(here, :naive, [there, @naive])
    scale = @events / @naive
    IO.puts("naive: #{naive_ms} ms and #{bytes} bytes for #{@naive} events")
    peer = {"all since, term_to_binary over erpc (from a tenth)", naive_ms * scale}
    Bench.row("sync: the same million", "ms", ms, peer: peer)
  end

  # As it comes out of the box: at most 2 MiB a second. Nothing else is on the connection.
  defp report_default do
    [here, there] = start(2, [])
    :ok = on(there, :record, [@events])
    pause(2)
    ms = on(here, :heal, [there, @events])
    Bench.row("sync: the same with sync_bytes_per_s as it is", "ms", ms)
    {_messages, bytes} = on(there, :traffic, [here])
    {:ok, %{sync: %{^here => sent}, store: store}} = Cluster.on(there, Scope, :status, [])
    allowed = 1.01 * store.bytes + 2 + 128 * sent.frames_out
    megabytes = bytes / 1.0e6
    Bench.row("sync: bytes of the connection", "MB", megabytes, at_most: allowed / 1.0e6)
  end

  defp report_idle(here, there) do
    {messages, bytes} = on(here, :traffic, [there])
    pause(10)
    {more, larger} = on(here, :traffic, [there])
    Bench.row("sync: idle, messages to a peer", "a second", (more - messages) / 10, at_most: 1)
    Bench.row("sync: idle, bytes to a peer", "a second", (larger - bytes) / 10)
  end

  # What is recorded on another node, as a subscriber here sees it; then a subscription to a quiet one.
  defp report_live do
    [here, there] = start(2)
    true = on(here, :connect, [there])
    pause(3)

    for {count, a_round, name} <- [{500, 1, "100"}, {50_000, 100, "10,000"}] do
      {delays, used} = live(here, there, count, a_round)
      row = &Bench.row("live: #{name} events a second of another node, #{&1}", "ms", &2)
      row.("median", Bench.median(delays) / 1_000)
      row.("p99", p99(delays) / 1_000)

      Bench.row(
        "live: #{name} events a second, processor time of both nodes an event",
        "us",
        used * 1.0e6 / count
      )
    end

    report_live_idle(here, there)
  end

  defp live(here, there, count, a_round) do
    :ok = on(here, :start_following, [count])
    pause(1)
    before = cpu(here) + cpu(there)
    :ok = on(there, :record_paced, [count, a_round])
    delays = on(here, :stop_following, [])
    {delays, cpu(here) + cpu(there) - before}
  end

  defp report_live_idle(here, there) do
    pause(5)
    {quiet, used} = idle(here, there)
    :ok = on(here, :start_following, [1_000_000])
    {more, busy} = idle(here, there)
    messages = (more - quiet) / 10
    Bench.row("live: a subscription to a quiet member, messages", "a second", messages)
    spent = (busy - used) * 1.0e3 / 10

    Bench.row(
      "live: a subscription to a quiet member, processor time of both",
      "ms a second",
      spent
    )
  end

  # Messages to the other node, and processor time, in ten seconds.
  defp idle(here, there) do
    {before, _bytes} = on(here, :traffic, [there])
    used = cpu(here) + cpu(there)
    pause(10)
    {now, _bytes} = on(here, :traffic, [there])
    {now - before, cpu(here) + cpu(there) - used}
  end

  defp report_memory(here) do
    others = start(3)
    before = resident(here)
    for other <- others, do: true = on(here, :connect, [other])

    Eventually.eventually(
      fn ->
        {:ok, [_, _, _, _, _]} = Cluster.on(here, Scope.NodeCoordinator, :get_cluster_nodes, [])
      end,
      within: 10_000
    )

    pause(5)
    more = (resident(here) - before) / 3 / 1024
    Bench.row("sync: memory for one more peer", "MiB", more, at_most: 10)
  end

  defp start(number, config \\ @config),
    do: Cluster.start_nodes(number, connect: false, config: [elixir_scope_distributed: config])

  defp on(node, function, arguments), do: Cluster.on(node, Sync.to_call(function, arguments))

  defp pause(seconds) do
    began = System.monotonic_time(:second)

    Eventually.eventually(fn -> System.monotonic_time(:second) - began >= seconds end,
      within: 60_000
    )
  end

  def p99(all), do: all |> Enum.sort() |> Enum.at(div(length(all) * 99, 100))

  def percentiles(all) do
    sorted = Enum.sort(all)

    for p <- [50, 90, 99, 100],
        into: "",
        do: "p#{p} #{Enum.at(sorted, min(div(length(all) * p, 100), length(all) - 1))} us "
  end

  # Seconds of processor time of the node's operating system process.
  defp cpu(node) do
    fields =
      File.read!("/proc/#{pid(node)}/stat") |> String.split(") ") |> List.last() |> String.split()

    (String.to_integer(Enum.at(fields, 11)) + String.to_integer(Enum.at(fields, 12))) / 100
  end

  defp resident(node) do
    [_, kib] = Regex.run(~r/VmRSS:\s+(\d+)/, File.read!("/proc/#{pid(node)}/status"))
    String.to_integer(kib)
  end

  defp pid(node), do: Cluster.on(node, System, :pid, [])
end

Bench.Queries.run()
Bench.Heal.run()
