defmodule ElixirScope.Distributed.Capture.Correlation.InheritanceTest do
  # Where an id gets by itself: each way from one process to another, on one node and
  # from one node to another. What is reached records an event named after the way.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.{NodeCoordinator, OtherOtp}

  # The server that is called: a module of its own would not be known on the nodes.
  @behaviour GenServer

  @ways [
    :send,
    :call,
    :cast,
    :spawn,
    :spawn_link,
    :spawn_monitor,
    :erpc,
    :erpc_cast,
    :rpc,
    :task,
    :supervised_task,
    :tasks_in_tasks
  ]

  setup do
    [a, b] = nodes = start_nodes([:a, :b])
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b]])

    for node <- nodes do
      on(node, fn ->
        {:ok, _} =
          Task.Supervisor.start_link(name: Tasks) |> tap(fn {:ok, pid} -> Process.unlink(pid) end)

        {:ok, _} = GenServer.start(__MODULE__, nil, name: Server)
      end)
    end

    {:ok, nodes: nodes}
  end

  test "an id gets to every process that is reached from its extent", %{nodes: [a, b]} do
    for target <- [a, b], id <- ["r-#{target}", :erlang.phash2(target), {:order, target}] do
      on(a, fn ->
        Scope.with_correlation(id, fn -> Enum.each(@ways, &reach_and_record(&1, target)) end)
        Enum.each(@ways, &reach(&1, target))
      end)

      {:ok, [mark | events]} = on(a, fn -> Scope.events(correlation_id: id) end)
      assert mark.subject == :correlation
      {own, events} = Enum.split_with(events, &(&1.subject == :own))
      assert Enum.map(own, &{&1.correlation_id, &1.meta}) == for(_way <- @ways, do: {id, %{}})

      assert Enum.sort(for(event <- events, do: event.subject)) == Enum.sort(@ways)

      for event <- events do
        assert {event.correlation_id, event.data} == {id, where(event.subject, a, target)}
        assert {event.subject, event.meta} == {event.subject, meta(event.subject, a, target)}
      end
    end
  end

  test "the nodes that a request touched, asked on either", %{nodes: [a, b] = nodes} do
    on(a, fn -> Scope.with_correlation("r-17", fn -> reach(:erpc, b) end) end)

    for node <- nodes do
      {:ok, touched} = on(node, fn -> Scope.nodes_of("r-17") end)
      assert [a, b] == touched |> Enum.map(& &1.node) |> Enum.sort()
    end

    # The mark that tells the term came with the events.
    assert {:ok, [_mark, %{correlation_id: "r-17", node: ^b}]} =
             on(b, fn -> Scope.events(correlation_id: Correlation.key("r-17")) end)
  end

  test "an id is resumed on another node, with its context", %{nodes: [a, b]} do
    carried =
      on(a, fn ->
        Scope.with_correlation({:order, 17}, fn ->
          :ok = Scope.put_context(tenant: 3)
          Scope.context()
        end)
      end)

    on(b, fn -> Scope.with_context(carried, fn -> Scope.record(:resumed) end) end)
    {:ok, events} = on(b, fn -> Scope.events(correlation_id: {:order, 17}, nodes: [node()]) end)

    assert [%{data: %{id: {:order, 17}, context: %{tenant: 3}}}, %{subject: :resumed, meta: meta}] =
             events

    assert meta == %{}
  end

  test "clear_tokens takes them from every process, and an extent keeps its id", %{nodes: [a, _b]} do
    on(a, fn ->
      :seq_trace.set_token(:label, %{other: :tool})
      GenServer.call(Server, :before)

      Scope.with_correlation("r-17", fn ->
        assert :ok = Scope.clear_tokens()
        assert :seq_trace.get_token() == []

        assert Process.info(Process.whereis(Server), :sequential_trace_token) ==
                 {:sequential_trace_token, []}

        assert Scope.correlation() == "r-17"
        Scope.record(:after)
        GenServer.call(Server, :called)
      end)
    end)

    {:ok, events} = on(a, fn -> Scope.events(correlation_id: "r-17") end)
    assert [:correlation, :after, :called] = for(event <- events, do: event.subject)
  end

  test "another tool's system tracer hears of its own tokens and of none of ours", %{
    nodes: [a, _b]
  } do
    heard =
      on(a, fn ->
        :seq_trace.set_system_tracer(self())
        Scope.with_correlation(17, fn -> GenServer.call(Server, :ours) end)
        ours = heard()
        :seq_trace.set_token(:label, %{other: :tool})
        :seq_trace.set_token(:send, true)
        Scope.with_correlation(17, fn -> GenServer.call(Server, :both) end)
        :seq_trace.set_token([])
        {ours, heard()}
      end)

    assert {[], [%{other: :tool, elixir_scope: {17, _expiry}} | _]} = heard
  end

  @tag :other_otp
  test "an id gets to a node of another version of Erlang, and back", %{nodes: [a, b]} do
    [c] = start_nodes([:c], [connect: false] ++ OtherOtp.options())
    assert on(c, fn -> System.otp_release() end) != System.otp_release()
    connect([a, b, c])
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b, c]])

    on(a, fn ->
      Scope.with_correlation({:order, 17}, fn ->
        :erpc.call(c, fn ->
          Scope.record(:there)
          :erpc.call(b, Scope, :record, [:and_back])
        end)
      end)
    end)

    for node <- [a, b, c] do
      {:ok, events} = on(node, fn -> Scope.events(correlation_id: {:order, 17}) end)

      assert for(event <- events, do: {event.subject, event.node}) == [
               correlation: a,
               there: c,
               and_back: b
             ]

      assert for(event <- events, uniq: true, do: event.correlation_id) == [{:order, 17}]
    end
  end

  @tag :slow
  test "where there is no place left, events go by their token, and say so", %{nodes: [a, _b]} do
    {events, status, last} =
      on(a, fn ->
        context = Scope.with_correlation(17, &Scope.context/0)
        pids = Enum.flat_map(1..70, fn _thousand -> begin_thousand(context) end)
        {:ok, %{extents: status}} = Scope.status()
        {:ok, events} = Scope.events(correlation_id: 17, contains: "own", limit: 100_000)
        for pid <- pids, do: Process.exit(pid, :kill)
        eventually(fn -> not Enum.any?(pids, &Process.alive?/1) end)
        Scope.with_correlation(18, fn -> Scope.record(:last) end)
        {:ok, last} = Scope.events(correlation_id: 18)
        {for(%{subject: :own} = event <- events, do: event.meta), status, List.last(last)}
      end)

    assert %{limit: 65_536, refused: refused, used: used} = status
    assert length(events) == 70_000
    assert Enum.count(events, &(&1 == %{attribution: :inherited})) == refused
    assert refused >= 70_000 - 65_536 and used == 70_000 - refused
    assert {last.subject, last.meta} == {:last, %{}}
  end

  test "a word that was another process's is none of its extent for long", %{nodes: [a, _b]} do
    on(a, fn ->
      :erts_debug.set_internal_state(:available_internal_state, true)
      context = Scope.with_correlation(7, &Scope.context/0)
      dead = spawn(fn -> Scope.put_context(context) end)
      gone(dead)
      for n <- 1..4_096, do: Scope.with_correlation(n, fn -> :ok end)
      assert again(dead, 1_000) == {dead, nil}
    end)
  end

  @impl true
  def init(nil), do: {:ok, nil}

  @impl true
  def handle_call(way, _from, nil), do: {:reply, Scope.record(way, node()), nil}

  @impl true
  def handle_cast(message, nil), do: handle_info(message, nil)

  @impl true
  def handle_info({way, reply_to}, nil) do
    record_and_tell(way, reply_to)
    {:noreply, nil}
  end

  # Processes are started until one has that word again, and says which id its event has.
  defp again(_pid, 0), do: :never

  defp again(pid, tries) do
    [_node, number, "0>"] = pid |> :erlang.pid_to_list() |> to_string() |> String.split(".")
    :erts_debug.set_internal_state(:next_pid, String.to_integer(number) - 1)
    parent = self()

    other =
      spawn(fn ->
        Scope.record(:again)
        send(parent, {:recorded, self()})
      end)

    receive do: ({:recorded, ^other} -> :ok)
    if other == pid, do: {pid, correlation_of(pid)}, else: again(pid, tries - 1)
  end

  defp correlation_of(pid) do
    {:ok, events} = Scope.events(pids: [pid])
    List.last(for(%{subject: :again} = event <- events, do: event)).correlation_id
  end

  # So many at a time that the rings take what they record.
  defp begin_thousand(context) do
    parent = self()
    pids = for _n <- 1..1_000, do: spawn(fn -> hold(context, parent) end)
    for _pid <- pids, do: receive(do: (:recorded -> :ok))
    {:ok, [_newest]} = Scope.events(limit: 1, order: :desc)
    pids
  end

  defp hold(context, parent) do
    :ok = Scope.put_context(context)
    Scope.record(:own)
    send(parent, :recorded)
    receive do: (:never -> :ok)
  end

  # The labels of what the system tracer was sent; this process has asked itself last.
  defp heard do
    send(self(), :last)
    heard([])
  end

  defp heard(labels) do
    receive do
      {:seq_trace, label, _what} -> heard([label | labels])
      :last -> labels
    end
  end

  defp gone(pid) do
    reference = Process.monitor(pid)
    receive do: ({:DOWN, ^reference, _, _, _} -> :ok)
  end

  # Unsupervised tasks are local; everything else runs on the target.
  defp where(way, a, _target) when way in [:task, :tasks_in_tasks], do: a
  defp where(_way, _a, target), do: target

  # Without a limit of time, both run what is for their own node in the caller.
  defp meta(way, a, a) when way in [:rpc, :erpc], do: %{}
  defp meta(_way, _a, _target), do: %{attribution: :inherited}

  # On OTP 25 the answer of an `:erpc` or `:rpc` clears the caller's token: the event in its
  # extent puts it back.
  defp reach_and_record(way, target) do
    reach(way, target)
    Scope.record(:own, way)
  end

  defp reach(:send, target), do: told(:send, &send({Server, target}, {:send, &1}))
  defp reach(:cast, target), do: told(:cast, &GenServer.cast({Server, target}, {:cast, &1}))
  defp reach(:call, target), do: GenServer.call({Server, target}, :call)

  defp reach(way, target) when way in [:spawn, :spawn_link, :spawn_monitor] do
    told(way, &apply(Node, way, [target, fn -> record_and_tell(way, &1) end]))
  end

  defp reach(:erpc, target), do: :erpc.call(target, Scope, :record, [:erpc, target])
  defp reach(:rpc, target), do: :rpc.call(target, Scope, :record, [:rpc, target])

  defp reach(:erpc_cast, target) do
    told(:erpc_cast, &:erpc.cast(target, fn -> record_and_tell(:erpc_cast, &1) end))
  end

  defp reach(:task, _target), do: Task.await(Task.async(fn -> Scope.record(:task, node()) end))

  defp reach(:supervised_task, target) do
    arguments = [:supervised_task, target]
    Task.await(Task.Supervisor.async({Tasks, target}, Scope, :record, arguments))
  end

  defp reach(:tasks_in_tasks, _target) do
    inner = fn -> Task.await(Task.async(fn -> Scope.record(:tasks_in_tasks, node()) end)) end
    Task.await(Task.async(inner))
  end

  defp record_and_tell(way, to) do
    Scope.record(way, node())
    send(to, way)
  end

  defp told(way, tell) do
    tell.(self())
    receive do: (^way -> :ok)
  end
end
