defmodule ElixirScope.Distributed.Capture.Correlation.EachCallNodesTest do
  # Where the ids of traced calls get, from one node to another.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.NodeCoordinator

  @behaviour GenServer

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]

  setup do
    [a, b] = nodes = start_nodes([:a, :b])
    :ok = on(a, NodeCoordinator, :setup_cluster, [[b]])
    for node <- nodes, do: eventually(fn -> length(members(node)) == 2 end)

    for node <- nodes do
      on(node, fn ->
        body = quote(do: def(within(fun), do: {:within, fun.()}))
        Module.create(ScopeEntered, body, Macro.Env.location(__ENV__))

        {:ok, _} =
          Task.Supervisor.start_link(name: Tasks) |> tap(fn {:ok, pid} -> Process.unlink(pid) end)

        {:ok, _} = GenServer.start(__MODULE__, nil, name: Server)
      end)
    end

    {:ok, nodes: nodes}
  end

  defp members(node), do: elem(on(node, NodeCoordinator, :get_cluster_nodes, []), 1)

  # A trace ends with who began it: here that is a process which stays.
  defp trace(node, options \\ []) do
    options = [correlate: :each_call, health: @calm] ++ options

    on(node, fn ->
      asking = self()

      spawn(fn ->
        send(asking, {:trace, Scope.trace({ScopeEntered, :within}, options)})
        receive do: (:never -> :ok)
      end)

      receive do: ({:trace, {:ok, trace}} -> trace)
    end)
  end

  defp entered(fun), do: apply(ScopeEntered, :within, [fun])
  defp events(node, filters), do: elem(on(node, fn -> Scope.events(filters) end), 1)

  @ways [:call, :erpc, :spawn, :cast, :send, :supervised_task]

  test "each call of a process is one id, with what it made the other node do", %{nodes: [a, b]} do
    trace(a)

    ids =
      on(a, fn ->
        for n <- 1..6 do
          {:within, id} =
            entered(fn ->
              for way <- @ways, do: reach_and_record(way, b, {way, n})
              Scope.correlation()
            end)

          Scope.record(:between, n)
          id
        end
      end)

    assert [{^a, _, _, _} | _] = ids
    assert length(Enum.uniq(ids)) == 6
    assert length(Enum.uniq_by(ids, &elem(&1, 2))) == 1

    for node <- [a, b], {id, n} <- Enum.with_index(ids, 1) do
      found = events(node, correlation_id: id)
      assert Enum.uniq(for e <- found, do: e.correlation_id) == [id]

      assert [%{kind: :call, node: ^a, meta: %{entry: true}}] =
               for(%{kind: :call} = e <- found, do: e)

      assert [%{kind: :return}] = for(%{kind: :return} = e <- found, do: e)
      own = for %{subject: :own} = e <- found, do: {e.data, e.meta}
      assert own == for(way <- @ways, do: {{way, n}, %{}})
      there = for %{node: ^b} = e <- found, do: e
      assert Enum.sort(for e <- there, do: e.data) == Enum.sort(for way <- @ways, do: {way, n})
      meta = %{attribution: :inherited, confidence: :likely}
      assert Enum.uniq(for e <- there, do: e.meta) == [meta]
    end

    # All at once they are shown as they are when asked for one by one.
    all = events(b, kinds: [:mark], nodes: [b])
    assert length(all) == 36

    for %{data: {_way, n}, correlation_id: id} <- all, do: assert(id == Enum.at(ids, n - 1))

    assert for(e <- events(a, kinds: [:mark]), e.subject == :between, do: e.correlation_id)
           |> Enum.uniq() == [nil]

    {:ok, lines} =
      on(b, fn -> Scope.Export.json_lines(correlation_id: hd(ids), kinds: [:mark]) end)

    assert lines |> IO.iodata_to_binary() |> String.split("\n", trim: true) |> length() == 12
  end

  test "two processes at one time do not get what the other one does", %{nodes: [a, b]} do
    trace(a)

    ids =
      on(a, fn ->
        for who <- 1..2 do
          Task.async(fn ->
            for n <- 1..20 do
              {:within, id} =
                entered(fn ->
                  reach(:call, b, {who, n})
                  Scope.correlation()
                end)

              {{who, n}, id}
            end
          end)
        end
        |> Enum.flat_map(&Task.await/1)
      end)

    assert length(Enum.uniq(ids)) == 40
    expected = Map.new(ids)

    for node <- [a, b],
        event <- events(node, kinds: [:mark], nodes: [b]),
        do: assert({event.data, event.correlation_id} == {event.data, expected[event.data]})

    for {what, id} <- ids,
        do: assert([%{data: ^what}] = events(b, correlation_id: id, kinds: [:mark]))
  end

  test "with_correlation inside goes there, and then the call's id again", %{nodes: [a, b]} do
    trace(a)

    {:within, id} =
      on(a, fn ->
        entered(fn ->
          reach(:call, b, :before)
          Scope.with_correlation("r-17", fn -> reach(:call, b, :inside) end)
          reach(:call, b, :behind)
          Scope.correlation()
        end)
      end)

    on(a, fn ->
      Scope.with_correlation("r-18", fn -> entered(fn -> reach(:call, b, :in_18) end) end)
    end)

    assert for(%{node: ^b, data: d} <- events(a, correlation_id: id), do: d) == [:before, :behind]
    assert for(%{node: ^b, data: d} <- events(a, correlation_id: "r-17"), do: d) == [:inside]
    assert for(%{node: ^b, data: d} <- events(a, correlation_id: "r-18"), do: d) == [:in_18]
    ids = for event <- events(b, nodes: [b], kinds: [:mark]), do: event.correlation_id
    assert ids == [id, "r-17", id, "r-18"]
  end

  test "what there is of a call's node alone is said", %{nodes: [a, b]} do
    trace(a)

    {:within, there} =
      on(a, fn ->
        entered(fn -> :erpc.call(b, fn -> {Scope.correlation(), Scope.context()} end) end)
      end)

    assert {{^a, nil, pid, nil} = any, context} = there
    assert node(pid) == a
    on(b, fn -> Scope.with_context(context, fn -> Scope.record(:resumed) end) end)
    assert [%{subject: :resumed, correlation_id: {^a, k, ^pid, _}} | _] = resumed(b, any)
    assert k == nil or is_integer(k)
  end

  defp resumed(node, id),
    do: for(%{subject: :resumed} = e <- events(node, correlation_id: id), do: e)

  test "a trace is refused on the node where another tool traces tokens", %{nodes: [a, b]} do
    on(b, fn -> :seq_trace.set_system_tracer(Process.whereis(Server)) end)
    trace = trace(a)
    assert trace.nodes == [a]
    assert %{^b => %{reason: :system_tracer}} = trace.refused
    on(b, fn -> :seq_trace.set_system_tracer(false) end)
  end

  @impl true
  def init(nil), do: {:ok, nil}

  @impl true
  def handle_call({:record, what}, _from, nil), do: {:reply, Scope.record(:there, what), nil}

  @impl true
  def handle_cast(message, nil), do: handle_info(message, nil)

  @impl true
  def handle_info({:record, what, reply_to}, nil) do
    Scope.record(:there, what)
    send(reply_to, {:done, what})
    {:noreply, nil}
  end

  # On OTP 25 the answer of an `:erpc` clears the caller's token: an event of its own puts it back.
  defp reach_and_record(way, b, what) do
    reach(way, b, what)
    Scope.record(:own, what)
  end

  defp reach(:call, b, what), do: GenServer.call({Server, b}, {:record, what})
  defp reach(:erpc, b, what), do: :erpc.call(b, Scope, :record, [:there, what])

  defp reach(:supervised_task, b, what),
    do: Task.await(Task.Supervisor.async({Tasks, b}, Scope, :record, [:there, what]))

  defp reach(:cast, b, what), do: done(what, &GenServer.cast({Server, b}, &1))
  defp reach(:send, b, what), do: done(what, &send({Server, b}, &1))

  defp reach(:spawn, b, what),
    do: done(what, fn message -> Node.spawn(b, __MODULE__, :handle_info, [message, nil]) end)

  defp done(what, tell) do
    tell.({:record, what, self()})
    receive do: ({:done, ^what} -> :ok)
  end
end
