defmodule ElixirScope.Distributed.Debug.Adapter.CoordinationNodesTest do
  # Each mode with a real language node, which is killed in the middle of the session.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Eventually

  alias ElixirScope.Distributed.CLI.Kept
  alias ElixirScope.Distributed.{Coordinated, Debugged}
  alias ElixirScope.Distributed.Debug.Adapter.Coordination.Language
  alias ElixirScope.Distributed.Debug.Adapter.Launch
  alias ElixirScope.Distributed.Debug.Session

  @moduletag :cluster
  @moduletag skip: if(Debugged.told?(), do: false, else: "needs /proc, to see what is left")

  @file_of_it "lib/shop/till.ex"
  @asked 3
  @other 8

  setup do
    folder = Debugged.project!()
    debugger = Debugged.debugger!()

    on_exit(fn ->
      Debugged.clear(debugger)
      File.rm_rf!(folder)
    end)

    # As the adapter does.
    :ok = Debugged.call(debugger, Kept, :library, [])
    [debugger: debugger, folder: folder]
  end

  defp session!(debugger, folder) do
    options = [target: :none, language: :start, project_dir: folder]
    {:ok, session} = Debugged.start(debugger, options)
    session
  end

  test "beam-rpc, extension and auto, before and after the language node was killed", context do
    %{debugger: debugger, folder: folder} = context
    session = session!(debugger, folder)

    ask = fn mode, distributed, line ->
      arguments = [session.language, mode, distributed, @file_of_it, line]
      Debugged.call(debugger, Coordinated, :dependencies, arguments)
    end

    of_node = {:ok, %{modules: [Shop.Till], source: :language, failed: []}}
    assert ask.("beam-rpc", %{}, @asked) == of_node
    assert ask.("auto", %{}, @asked) == of_node
    of_editor = %{modules: [Of.The.Editor], source: :editor}
    assert ask.("extension", %{}, @asked) == {:ok, Map.put(of_editor, :failed, [])}

    # Who knows that there is no code has answered.
    assert {:error, [language: _no_code]} = ask.("auto", %{}, 1_000)

    kill(debugger, session)

    # What it said once is kept; what it did not say is asked of the next one.
    assert ask.("beam-rpc", %{}, @asked) == of_node
    assert {:error, [language: gone]} = ask.("beam-rpc", %{}, @other)
    assert {:ok, answer} = ask.("auto", %{}, @other)
    assert answer == Map.put(of_editor, :failed, language: gone)

    # This node, where it has the code.
    off = %{"fallbackToExtensionCoordination" => false}
    assert {:error, [language: _gone, local: _no_file]} = ask.("auto", off, @other)
    [ebin] = Path.wildcard(Path.join(folder, "_build/*/lib/shop/ebin"))
    Debugged.call(debugger, :code, :add_patha, [to_charlist(ebin)])
    assert {:ok, %{modules: [Shop.Till], source: :local}} = ask.("auto", off, @other)
  end

  test "as many answers are kept as the configuration says, and its changes are followed",
       context do
    %{debugger: debugger, folder: folder} = context
    %{language: node} = session!(debugger, folder)

    for {distributed, limit, followed?} <- [
          {%{"dependencyCacheSize" => 3}, 3, true},
          {%{"dependencyCacheSize" => 5, "enableTracerStreaming" => false}, 5, false}
        ] do
      {:ok, launch, []} = Launch.parse(%{"distributedDebugging" => distributed})
      # In a process of its own: one has one service for a node.
      status = Debugged.call(debugger, Coordinated, :status, [node, launch, followed?])
      assert %{node: ^node, cache_limit: ^limit} = status
      assert status.version != nil == followed?
    end
  end

  defp kill(debugger, session) do
    {:ok, %{nodes: nodes}} = Debugged.call(debugger, Session, :status, [session])
    %{os_pid: os_pid} = Enum.find(nodes, &(&1.role == :language))
    Debugged.signal(os_pid, "KILL")
    eventually(fn -> Debugged.call(debugger, Node, :list, [:hidden]) == [] end, within: 10_000)
  end

  test "there are names for as many sessions as there can be", %{debugger: debugger} do
    {:ok, launch, []} =
      Launch.parse(%{"distributedDebugging" => %{"enableTracerStreaming" => false}})

    assert {:error, :too_many_sessions} = Debugged.call(debugger, Coordinated, :exhaust, [launch])
    assert Code.ensure_loaded?(Language)
  end
end
