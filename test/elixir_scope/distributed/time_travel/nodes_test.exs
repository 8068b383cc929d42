Code.require_file("../../../shared/past.exs", __DIR__)

defmodule ElixirScope.Distributed.TimeTravel.NodesTest do
  # The past of processes of another node, which may be gone, and notes that reach it.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, NodeCoordinator, Scratch}
  alias ScopePast.Server

  @config [
    elixir_scope_distributed: [
      sync_interval_ms: 100,
      flush_ms: 100,
      allow: [:record, :query, :trace, :replay]
    ]
  ]

  setup do
    folder = Scratch.folder!()
    options = Code.compiler_options(ignore_module_conflict: true)
    path = Path.join(__DIR__, "../../../shared/past.exs")

    for {module, code} <- Code.compile_file(path),
        do: File.write!(Path.join(folder, "#{module}.beam"), code)

    Code.compiler_options(options)
    on_exit(fn -> File.rm_rf!(folder) end)

    nodes = start_nodes(2, config: @config)
    on(nodes, :code, :add_patha, [to_charlist(folder)])
    on(nodes, Code, :ensure_loaded, [Server])

    for node <- nodes,
        do:
          eventually(fn ->
            assert {:ok, [_, _]} = on(node, NodeCoordinator, :get_cluster_nodes, [])
          end)

    [nodes: nodes]
  end

  # A server on a node, of which another one has everything captured.
  defp traced(node, by) do
    pid = on(node, fn -> elem(GenServer.start(Server, 1), 1) end)

    on(by, fn ->
      parent = self()

      spawn(fn ->
        whole = [state: true, messages: true, capture: :full, duration_ms: 60_000]
        send(parent, Scope.trace(Server, [processes: :all] ++ Keyword.delete(whole, :messages)))
        receive do: (:never -> :ok)
      end)

      receive do: ({:ok, _trace} -> :ok)
    end)

    on(node, fn ->
      GenServer.call(pid, {:add, 3})
      for n <- [1, 13, 2], do: GenServer.cast(pid, {:inc, n})
      :sys.get_state(pid)
    end)

    pid
  end

  test "states, changes and replays of another node's process", %{nodes: [one, other]} do
    pid = traced(one, other)
    assert {:ok, state} = on(other, Scope, :state_at, [pid])
    assert %{state: %{n: 17, items: [3, :begun]}, unsure: [], missing: missing} = state
    assert missing == %{}
    {{^one, _incarnation}, _seq} = state.event

    assert {:ok, %{changes: [_one, change, _last]}} = on(other, Scope, :changes, [pid, [:n]])

    assert %{old: {:ok, 2}, new: {:ok, 15}, message: %{content: {:inc, 13}, confidence: :exact}} =
             change

    assert {:ok, %{state: %{n: 15}}} =
             on(other, Scope, :state_at, [pid, Event.Id.text(change.event)])

    assert {:ok, %{messages: 4, states: 4}} = on(other, Scope, :replay, [pid, 0, :now, Server])

    assert {:error, %{reason: :different, details: %{path: [:n], expected: 15, got: 16}}} =
             on(other, Scope, :replay, [pid, 0, :now, ScopePast.Changed])
  end

  test "a node that is gone left what others have, and it is said", %{nodes: [one, other]} do
    pid = traced(one, other)
    assert {:ok, _all} = on(other, NodeCoordinator, :force_event_sync, [])
    kill(one)

    eventually(fn ->
      assert {:ok,
              %{state: %{n: 17}, unsure: [{:missing, ^one, _reason}], missing: %{^one => _why}}} =
               on(other, Scope, :state_at, [pid])
    end)
  end

  test "notes reach the other node", %{nodes: [one, other]} do
    on(one, fn -> Scope.record(:step, 1) end)
    {:ok, [event]} = on(other, fn -> Scope.events(kinds: [:mark]) end)
    assert :ok = on(other, Scope, :note, [event.id, "from the other node"])
    assert {:ok, [note]} = on(one, Scope, :notes, [[of: event.id]])
    assert {note.text, note.node} == {"from the other node", other}
  end
end
