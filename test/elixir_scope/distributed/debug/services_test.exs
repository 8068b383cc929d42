defmodule ElixirScope.Distributed.Debug.ServicesTest do
  # Nodes that know code, nodes that run it, and those who ask them.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Facade
  alias ElixirScope.Distributed.{Bare, Error, NodeCoordinator, Served}
  alias ElixirScope.Distributed.Debug.{Desk, Services}

  @debug [elixir_scope_distributed: [allow: [:record, :query, :trace, :debug]]]
  @language [:dependency_analysis, :tracer_data_access, :module_information, :workspace_analysis]
  @target [:interpretation_management, :breakpoint_coordination, :process_monitoring]

  defp language(name) do
    [node] = start_nodes([name], capture: false)
    Served.stub(node, @language)
    :ok = on(node, fn -> Services.register_language_server_services() end)
    node
  end

  defp target(options \\ []) do
    [node] = start_nodes([:target], [capture: false, config: @debug] ++ options)
    Served.stub(node, @target)
    node
  end

  defp ask(node, options \\ [], what \\ :any),
    do: on(node, fn -> Services.call(:workspace_analysis, :why, [what, Enum], options) end)

  defp count(node, operation), do: on(node, :served_stub, :count, [operation])

  defp sees(node, service, whom) do
    eventually(fn ->
      assert {:ok, pid} = on(node, fn -> Services.find_service({service, whom}) end)
      assert node(pid) == whom
    end)
  end

  defp status(node) do
    {:ok, status} = on(node, fn -> Facade.status() end)
    status
  end

  describe "a language node and a target node" do
    setup do
      {language, target} = {language(:language), target()}
      connect([language, target])
      sees(target, :workspace_analysis, language)
      sees(language, :process_monitoring, target)
      {:ok, language: language, target: target}
    end

    test "both serve, and both ask", %{language: language, target: target} do
      assert {:ok, {:why, ^language}, about} = ask(target)
      assert about == %{node: language, source: :service, version: 1, attempts: 1}

      assert {:ok, {:stopped, ^target}, %{node: ^target}} =
               on(language, fn -> Services.call(:process_monitoring, :stopped, []) end)

      # Of this node first.
      assert {:ok, {:why, ^language}, %{node: ^language}} = ask(language)
      assert {:ok, pid} = on(target, fn -> Services.find_service(:workspace_analysis) end)
      assert node(pid) == language

      assert {:error, :service_not_found} =
               on(language, fn -> Services.find_service({:process_monitoring, language}) end)

      assert %{services: %{registered: [:target], offered: offered}} = status(target)
      assert %{workspace_analysis: [^language], process_monitoring: [^target]} = offered
    end

    test "what needs :debug is refused by a node that does not allow it, whoever asks", context do
      %{language: language, target: target} = context
      stopped = fn -> Services.call(:process_monitoring, :stopped, [], node: language) end

      for node <- [language, target] do
        assert {:error, %Error{reason: :not_allowed, details: %{what: :debug, node: ^language}}} =
                 on(node, stopped)
      end

      assert {:error, %Error{reason: :not_allowed, details: %{what: :debug}}} =
               on(language, fn -> Services.register_debug_adapter_services() end)

      assert count(target, :stopped) == 0
    end

    test "what is no operation is refused, counted and said once", context do
      %{language: language, target: target} = context

      for {service, operation, args} <- [
            {:workspace_analysis, :apply, [Kernel, :node, []]},
            {:kernel, :why, [Enum, List]},
            {:workspace_analysis, :why, [Enum]},
            {:workspace_analysis, :why, [{Kernel, :node, []}, Enum]}
          ] do
        assert {:error, :not_a_service_operation} =
                 on(target, fn -> Services.call(service, operation, args) end)

        raw = {:elixir_scope_debug, 1, Facade, service, operation, args, 1_000_000_000}
        answer = on(target, fn -> GenServer.call({Desk, language}, raw) end)
        assert answer == {:error, :not_a_service_operation}
      end

      assert %{not_a_service_operation: 4} = status(language).services.counts
    end

    test "what a function does comes back as it is", %{target: target} do
      for {what, expected} <- [
            {:fine, {:ok, :ok}},
            {:refuse, {:error, :planted}},
            {:crash, {:error, :worker_failed}},
            {:exit, {:error, :worker_failed}},
            {:strange, {:error, :worker_failed}},
            {:large, {:error, :answer_too_large}}
          ] do
        assert {what, expected} == {what, brief(ask(target, [], what))}
      end
    end

    defp brief({:ok, value, _about}), do: {:ok, value}
    defp brief({:error, %Error{reason: reason}}), do: {:error, reason}
    defp brief({:error, reason}), do: {:error, reason}

    test "a deadline travels: the work is ended, and this node answers", context do
      %{language: language, target: target} = context
      assert {:error, :not_available} = ask(target, [timeout_ms: 400], :block)

      eventually(fn ->
        assert on(language, fn -> Process.whereis(:served_blocked) end) == nil
        assert %{workers: 0, waiting: 0, counts: %{too_late: 1}} = status(language).services
      end)

      options = [timeout_ms: 300, node: language]
      assert {:error, %Error{reason: :too_late}} = ask(target, options, :block)
      assert count(language, :why) == 2
    end

    test "work that nobody waits for any more is ended", %{language: language, target: target} do
      asking =
        on(target, fn ->
          spawn(fn -> Services.call(:workspace_analysis, :why, [:block, Enum]) end)
        end)

      eventually(fn -> assert on(language, fn -> Process.whereis(:served_blocked) end) end)
      on(target, fn -> Process.exit(asking, :kill) end)

      eventually(fn ->
        assert %{workers: 0, counts: %{abandoned: 1}} = status(language).services
        assert on(language, fn -> Process.whereis(:served_blocked) end) == nil
      end)
    end

    test "a node that was put out gets nothing", %{language: language, target: target} do
      eventually(fn -> assert target in Map.keys(status(language).nodes) end)
      :ok = on(language, fn -> NodeCoordinator.unregister_node(target) end)

      eventually(fn ->
        assert {:error, %Error{reason: :put_out}} = ask(target, node: language)
      end)
    end

    test "the services end with the scope, and are there again with it", context do
      %{language: language, target: target} = context
      :ok = on(target, fn -> Facade.stop() end)

      eventually(fn ->
        assert {:error, :service_not_found} =
                 on(language, fn -> Services.find_service(:process_monitoring) end)
      end)

      on(target, fn -> {:ok, _} = Facade.start(allow: [:query, :debug]) end)
      sees(language, :process_monitoring, target)
    end

    test "the desk that died is there again, with what was registered", context do
      %{language: language, target: target} = context
      {:ok, _, _} = ask(target)
      on(language, fn -> Process.exit(Process.whereis(Desk), :kill) end)
      sees(target, :workspace_analysis, language)
      assert {:ok, {:why, ^language}, %{source: :service}} = ask(target)
    end
  end

  describe "several that offer the same" do
    test "a partition, a kill and a heal: each side asks whom it reaches, or itself" do
      {one, other, target} = {language(:one), language(:other), target()}
      Served.stub(target, [:workspace_analysis])
      connect([one, other, target])
      for node <- [one, other], do: sees(target, :workspace_analysis, node)

      assert {:ok, {:why, first}, _} = ask(target)
      assert {:ok, {:why, ^first}, _} = ask(target)
      [second] = [one, other] -- [first]

      partition([first], [target])
      assert {:ok, {:why, ^second}, %{source: :service}} = ask(target)
      partition([second], [target])
      assert {:ok, {:why, ^target}, %{source: :fallback, node: ^target}} = ask(target)
      assert {:error, _} = ask(target, fallback: false, retries: 0)

      heal([one, other, target])
      for node <- [one, other], do: sees(target, :workspace_analysis, node)
      assert {:ok, {:why, ^first}, %{source: :service}} = ask(target)

      asked = Task.async(fn -> ask(target, [], :block) end)
      eventually(fn -> assert on(first, fn -> Process.whereis(:served_blocked) end) end)
      kill(first)
      eventually(fn -> assert on(second, fn -> Process.whereis(:served_blocked) end) end)
      on(second, fn -> send(:served_blocked, :go) end)
      assert {:ok, :went, %{node: ^second, attempts: 2}} = Task.await(asked)
    end

    test "what may be done only once is not asked for again when its node dies" do
      {one, other} = {target(), target()}
      asker = language(:asker)
      connect([one, other, asker])
      for node <- [one, other], do: sees(asker, :breakpoint_coordination, node)

      asked =
        Task.async(fn ->
          on(asker, fn ->
            Services.call(:breakpoint_coordination, :set, [self(), "block", []])
          end)
        end)

      # The stub takes the first name or text for what to do; nobody else has it.
      assert {:ok, {:set, node}, _} = Task.await(asked)
      [another] = [one, other] -- [node]

      asked =
        Task.async(fn ->
          on(asker, fn -> Services.call(:process_monitoring, :step, [self(), :into]) end)
        end)

      assert {:ok, {:step, ^node}, _} = Task.await(asked)
      assert count(another, :set) + count(another, :step) == 0
    end
  end

  describe "who is not as the others" do
    test "a hidden node asks, and is asked" do
      target = target()
      [tool] = start_nodes([:tool], capture: false, args: ["-hidden"])
      Served.stub(tool, @language)
      :ok = on(tool, fn -> Services.register_language_server_services() end)
      connect([tool, target])

      assert {:ok, {:stopped, ^target}, %{source: :service}} =
               on(tool, fn -> Services.call(:process_monitoring, :stopped, []) end)

      assert {:ok, {:why, ^tool}, %{source: :service, node: ^tool}} = ask(target)
      assert {:ok, pid} = on(target, fn -> Services.find_service(:workspace_analysis) end)
      assert node(pid) == tool
    end

    test "a node without the library, and one that is not there, cannot be asked" do
      target = target()
      bare = Bare.start()
      true = on(target, fn -> :net_kernel.connect_node(bare.node) end)

      for gone <- [bare.node, :"nobody@127.0.0.1"] do
        assert {:error, {:connection_failed, ^gone}} = ask(target, node: gone)

        assert {:error, :service_not_found} =
                 on(target, fn -> Services.find_service({:workspace_analysis, gone}) end)
      end
    end
  end
end
