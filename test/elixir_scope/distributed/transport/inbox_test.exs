defmodule ElixirScope.Distributed.Transport.InboxTest do
  # A running scope, an honest member, and one that sends whatever it likes.
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Hostile
  import ExUnit.CaptureLog

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{NodeCoordinator, Operations, Transport}
  alias ElixirScope.Distributed.Transports.Isolated

  @evil :evil@sim

  setup context do
    network = start_supervised!({Isolated.Network, [seed: 7]})
    [a, b] = for name <- ["a", "b"], do: :"#{context.test} #{name}"

    for {scope, node} <- [{a, :a@sim}, {b, :b@sim}] do
      transport = {Isolated, network: network, scope: context.test}
      options = [name: scope, node: node, transport: transport, sync_interval_ms: 500]
      start_supervised!({Scope, options}, id: scope)
    end

    :ok = NodeCoordinator.setup_cluster([:b@sim], a)
    together(a, b)
    options = [network: network, node: @evil, scope: context.test, deliver: fn _ -> :ok end]
    evil = start_supervised!({Isolated, options} |> spec())
    :ok = Isolated.connect(evil, :a@sim)
    [a: a, b: b, evil: evil]
  end

  defp spec({module, options}), do: %{id: :evil, start: {module, :start_link, [options]}}

  defp together(a, b) do
    for scope <- [a, b] do
      eventually(fn ->
        assert {:ok, nodes} = NodeCoordinator.get_cluster_nodes(scope)
        assert [:a@sim, :b@sim] -- nodes == []
      end)
    end
  end

  defp say(evil, message) do
    case Isolated.send(evil, :a@sim, message) do
      :ok -> :ok
      {:error, :busy} -> say(evil, message)
    end
  end

  defp account(scope, peer \\ @evil) do
    {:ok, %{incoming: %{peers: peers}}} = Scope.status(scope)
    peers[peer]
  end

  defp total(account) do
    sum = &Enum.sum(Map.values(&1))

    account.accepted + account.malformed + account.unknown + sum.(account.limited) +
      sum.(account.refused)
  end

  defp processes(scope) do
    registered =
      Registry.select(ElixirScope.Distributed.Registry, [{{{scope, :_}, :"$1", :_}, [], [:"$1"]}])

    {:ok, %{transport: {_module, name}}} = ElixirScope.Distributed.Scope.fetch(scope)
    tracer = Process.whereis(ElixirScope.Distributed.Capture.Tracer)
    Enum.sort([Process.whereis(name), tracer | registered])
  end

  defp memory(scope) do
    for pid <- processes(scope), :erlang.garbage_collect(pid), reduce: 0 do
      sum -> sum + elem(Process.info(pid, :memory), 1)
    end
  end

  test "random and broken messages: no process ends, all is counted, memory is bounded",
       context do
    %{a: a, b: b, evil: evil} = context
    Process.register(self(), :hostile_test)
    [hello | _] = messages(@evil)
    say(evil, hello)
    eventually(fn -> assert account(a).accepted == 1 end)
    {before, memory} = {processes(a), memory(a)}
    seed = :rand.uniform(1_000_000)

    log =
      capture_log(fn ->
        for n <- 1..3_000, do: say(evil, pick(message(@evil), seed: seed * 10_000 + n, size: 10))
        eventually(fn -> assert total(account(a)) == 3_001 end, within: 30_000)
      end)

    assert {seed, processes(a)} == {seed, before}
    refute_received :called
    assert {seed, memory(a) - memory < 20_000_000} == {seed, true}

    lines =
      log
      |> String.split("\n")
      |> Enum.filter(&(&1 =~ "[warning]" and &1 =~ "evil" and not (&1 =~ "partitioned")))

    assert length(lines) < 20, "seed #{seed}: " <> Enum.join(lines, "\n")

    # And it goes on.
    together(a, b)
    Scope.record(:n, 1, scope: b)

    assert {:ok, %{events: [%{data: 1}]}} =
             Scope.query([kinds: [:mark], nodes: [:b@sim]], scope: a)
  end

  test "a flood is taken in as fast as its limit says, and others are heard", context do
    %{a: a, b: b, evil: evil} = context
    [hello | _] = messages(@evil)
    began = System.monotonic_time(:millisecond)
    for _ <- 1..2_000, do: say(evil, hello)
    eventually(fn -> assert total(account(a)) == 2_000 end)
    seconds = (System.monotonic_time(:millisecond) - began) / 1_000
    {per_s, burst} = Operations.named(:hello).rate
    assert account(a).accepted <= burst + per_s * (seconds + 1)
    assert account(a).limited.hello > 0
    assert account(a, :b@sim).limited == %{}
    together(a, b)
  end

  test "who was put out is heard on membership alone, and is told so", context do
    %{a: a, evil: evil} = context
    [hello | _] = messages(@evil)
    say(evil, hello)

    eventually(fn ->
      assert {:ok, nodes} = NodeCoordinator.get_cluster_nodes(a)
      assert @evil in nodes
    end)

    :ok = NodeCoordinator.unregister_node(@evil, a)
    arm = Enum.find(messages(@evil), &(Map.get(&1, :kind) == :arm))
    say(evil, arm)
    eventually(fn -> assert account(a).unknown == 1 end)
  end

  test "something that is no message is counted under nobody's name", context do
    %{a: a} = context
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(a)
    for _ <- 1..3, do: assert(Transport.route(scope, {:transport, :stray, nil}) == :ok)
    assert account(a, :others).malformed == 3
  end

  test "every limit has a name and a number in the status", %{a: a} do
    {:ok, %{incoming: incoming}} = Scope.status(a)
    assert Map.keys(incoming.limits) -- Enum.map(Operations.all(), & &1.name) == []
    assert map_size(incoming.limits) == length(Operations.all())
    assert %{serve: :all, grants: [:record, :query, :trace], peer_limit: 512} = incoming
    assert %{accepted: n, malformed: 0, left: %{view: left}} = incoming.peers[:b@sim]
    assert n > 0 and left > 0
  end

  test "no more peers have an account than there is room for; who is gone makes room" do
    inbox = Transport.Inbox.new()
    scope = %{inbox: inbox, options: [allow: [], serve: :all]}
    capture_log(fn -> for n <- 1..600, do: Transport.Inbox.stray(scope, :"peer_#{n}@sim") end)
    malformed = Transport.Inbox.malformed(inbox)
    assert map_size(malformed) == Transport.Inbox.limit() + 1
    assert malformed[:others] == 600 - Transport.Inbox.limit()
    Transport.Inbox.gone(inbox, :peer_1@sim)
    Transport.Inbox.stray(scope, :new@sim)
    malformed = Transport.Inbox.malformed(inbox)
    assert malformed[:new@sim] == 1 and malformed[:peer_1@sim] == nil
  end
end
