defmodule ElixirScope.Distributed.Debug.ServicesTest do
  # Nodes that know code, nodes that run it, and those who ask them.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Facade
  alias ElixirScope.Distributed.{Bare, Error, Hostile, NodeCoordinator, Served}
  alias ElixirScope.Distributed.Case.Gen
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

  # Two that last for all tests, each of which leaves them as they were.
  setup_all do
    {language, target} = {language(:language), target()}
    connect([language, target])
    {:ok, language: language, target: target}
  end

  defp counted(node, what), do: Map.get(status(node).services.counts, what, 0)

  describe "a language node and a target node" do
    setup %{language: language, target: target} do
      sees(target, :workspace_analysis, language)
      sees(language, :process_monitoring, target)
      :ok
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

      assert count(language, :stopped) == 0
    end

    test "what is no operation is refused, counted and said once", context do
      %{language: language, target: target} = context
      before = counted(language, :not_a_service_operation)

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

      assert counted(language, :not_a_service_operation) == before + 4
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
      {late, asked} = {counted(language, :too_late), count(language, :why)}
      Served.stub(target, [:workspace_analysis])
      assert {:error, %Error{reason: :too_late}} = ask(target, [timeout_ms: 400], :block)
      # There was time left for this node to try.
      assert count(target, :why) == 1

      eventually(fn ->
        assert on(language, fn -> Process.whereis(:served_blocked) end) == nil
        assert %{workers: 0, waiting: 0} = status(language).services
        assert counted(language, :too_late) == late + 1
      end)

      options = [timeout_ms: 300, node: language]
      assert {:error, %Error{reason: :too_late}} = ask(target, options, :block)
      assert count(language, :why) == asked + 2
    end

    test "work that nobody waits for any more is ended", %{language: language, target: target} do
      asking =
        on(target, fn ->
          spawn(fn -> Services.call(:workspace_analysis, :why, [:block, Enum]) end)
        end)

      eventually(fn -> assert on(language, fn -> Process.whereis(:served_blocked) end) end)
      on(target, fn -> Process.exit(asking, :kill) end)

      eventually(fn ->
        assert %{workers: 0} = status(language).services
        assert counted(language, :abandoned) > 0
        assert on(language, fn -> Process.whereis(:served_blocked) end) == nil
      end)
    end

    test "a node that was put out gets nothing", %{language: language, target: target} do
      eventually(fn -> assert target in Map.keys(status(language).nodes) end)
      :ok = on(language, fn -> NodeCoordinator.unregister_node(target) end)

      eventually(fn ->
        assert {:error, %Error{reason: :put_out}} = ask(target, node: language)
      end)

      :ok = on(language, fn -> NodeCoordinator.register_node(target) end)
      eventually(fn -> assert {:ok, {:why, ^language}, _} = ask(target, node: language) end)
    end

    test "of a flood so many are worked on, so many wait, and the others are told", context do
      %{language: language, target: target} = context
      busy = counted(language, :desk_busy)

      asking =
        on(target, fn ->
          spawn(fn ->
            request =
              {:elixir_scope_debug, 1, Facade, :workspace_analysis, :why, [:many, Enum],
               1_000_000}

            for _ <- 1..1_000, do: :gen_server.send_request({Desk, language}, request)
            receive(do: (:stop -> :ok))
          end)
        end)

      eventually(fn ->
        assert %{workers: 16, waiting: 64} = status(language).services
        assert counted(language, :desk_busy) == busy + 1_000 - 16 - 64
      end)

      # Another node is served meanwhile.
      assert {:ok, {:why, ^language}, %{source: :service}} = ask(language)
      on(target, fn -> Process.exit(asking, :kill) end)
      eventually(fn -> assert %{workers: 0, waiting: 0} = status(language).services end)
    end

    test "whatever is sent to the desk, it is there", %{language: language, target: target} do
      desk = on(language, fn -> Process.whereis(Desk) end)
      seed = ExUnit.configuration()[:seed]

      on(target, fn ->
        good = {:elixir_scope_debug, 1, Facade, :workspace_analysis, :why, [Enum, List], 0}
        broken = Hostile.mutated(good)

        for n <- 1..400 do
          term = Gen.pick(broken, seed: seed + n, size: 12)
          :gen_server.send_request({Desk, language}, term)
          send({Desk, language}, term)
          send({Desk, language}, {:"$gen_call", term, term})
          send({Desk, language}, {:"$gen_cast", term})
          send({Desk, language}, {:DOWN, make_ref(), :process, self(), term})
          send({Desk, language}, {:EXIT, self(), term})
        end
      end)

      assert {:ok, {:why, ^language}, _} = ask(target, node: language)
      assert {desk, seed} == {on(language, fn -> Process.whereis(Desk) end), seed}
    end

    test "the services end with the scope, and are there again with it", context do
      %{language: language, target: target} = context
      :ok = on(target, fn -> Facade.stop() end)

      eventually(fn ->
        assert {:error, :service_not_found} =
                 on(language, fn -> Services.find_service(:process_monitoring) end)
      end)

      # What it allows, others get as far as it serves.
      on(target, fn -> {:ok, _} = Facade.start(allow: [:query, :debug], serve: :queries) end)
      sees(language, :process_monitoring, target)
      stopped = fn -> Services.call(:process_monitoring, :stopped, [], node: target) end
      assert {:error, %Error{reason: :not_allowed}} = on(language, stopped)
      assert {:ok, {:stopped, ^target}, _} = on(target, stopped)

      on(target, fn -> :ok = Facade.stop() end)
      on(target, fn -> {:ok, _} = Facade.start(allow: [:query, :debug]) end)
      eventually(fn -> assert {:ok, {:stopped, ^target}, _} = on(language, stopped) end)
    end

    test "what comes too late is not begun", %{language: language, target: target} do
      asked = count(language, :why)

      late = fn now_ms ->
        {:elixir_scope_debug, 1, Facade, :workspace_analysis, :why, [Enum, List], now_ms}
      end

      now_ms = on(language, fn -> Desk.now_ms() end)

      assert {:error, %Error{reason: :too_late}} =
               on(target, fn -> GenServer.call({Desk, language}, late.(now_ms - 1)) end)

      # Those behind as many as are worked on wait, and are too late when it is their turn.
      on(target, fn ->
        for _ <- 1..16,
            do:
              :gen_server.send_request(
                {Desk, language},
                put_elem(late.(now_ms + 60_000), 5, [:many, Enum])
              )

        assert {:error, %Error{reason: :too_late}} =
                 GenServer.call({Desk, language}, late.(now_ms + 600))
      end)

      assert count(language, :why) == asked + 16
      eventually(fn -> assert %{workers: 0, waiting: 0} = status(language).services end)
    end

    test "a mailbox that fills is emptied without a look at each", context do
      %{language: language, target: target} = context
      unread = counted(language, :unread)
      desk = on(language, fn -> Process.whereis(Desk) end)

      on(language, fn ->
        :erlang.suspend_process(desk)
        for n <- 1..1_500, do: :gen_server.send_request(desk, n)
        :erlang.resume_process(desk)
      end)

      eventually(fn -> assert counted(language, :unread) in (unread + 400)..(unread + 600) end)
      assert {:ok, {:why, ^language}, _} = ask(target, node: language)
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
      {one, other, asker} = {target(), target(), language(:asker)}
      connect([one, other, asker])
      for node <- [one, other], do: sees(asker, :breakpoint_coordination, node)

      asked =
        Task.async(fn ->
          on(asker, fn ->
            Services.call(:breakpoint_coordination, :set, [self(), "block", []])
          end)
        end)

      [node] = eventually(fn -> [_] = for(n <- [one, other], blocked?(n), do: n) end)
      kill(node)
      assert {:error, {:connection_failed, ^node}} = Task.await(asked)
      [another] = [one, other] -- [node]
      assert count(another, :set) == 0
    end

    defp blocked?(node), do: on(node, fn -> Process.whereis(:served_blocked) end) != nil
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

    test "a node of another version is told so, and this one answers where it can", context do
      %{language: language, target: target} = context
      later = language(:later)
      connect([later, target])
      :ok = Served.pretend(later, {7, 9})

      assert {:error, %Error{reason: :no_common_version} = error} = ask(target, node: later)
      assert %{node: ^later, ours: {1, 1}, theirs: {7, 9}} = error.details
      assert Exception.message(error) =~ "speaks versions 7 to 9 of the debugging services"
      assert {:ok, {:why, ^language}, %{source: :service}} = ask(target)
    end

    test "every call, retry, fallback and change of a circuit is told, and the status shows it" do
      asker = target()
      Served.stub(asker, [:workspace_analysis])
      Served.listen(asker)
      silent = language(:silent)
      connect([asker, silent])
      # It greets as one that speaks the version, and then never answers.
      :ok = Served.pretend(silent, {1, 1})

      assert {:error, %Error{reason: :too_late}} = ask(asker, node: silent, timeout_ms: 30)
      for _ <- 1..4, do: ask(asker, node: silent, timeout_ms: 30)
      assert {:error, %Error{reason: :circuit_open}} = ask(asker, node: silent, timeout_ms: 30)
      assert %{^silent => %{state: :open, why: :silent}} = status(asker).services.breakers
      assert status(asker).bounds.debug_breakers.used == 1

      gone = :"nobody@127.0.0.1"
      assert {:error, {:connection_failed, ^gone}} = ask(asker, node: gone, retries: 1)
      assert {:ok, {:why, ^asker}, %{source: :fallback}} = ask(asker)
      seen = on(asker, :telemetry, :seen, [])

      assert {:debug_breaker, %{}, %{node: silent, status: :open}} in seen
      assert Enum.count(seen, &match?({:debug_call, _, %{result: :error}}, &1)) == 7

      assert [{%{attempt: 1, wait_ms: _}, retry}] = for({:debug_retry, m, d} <- seen, do: {m, d})
      assert %{node: ^gone, reason: :connection_failed, operation: :why} = retry
      assert [fallback] = for({:debug_fallback, _, d} <- seen, do: d)
      assert %{service: :workspace_analysis, reason: :service_not_found} = fallback

      assert {:debug_call, %{duration: _, attempts: 0}, %{source: :fallback, result: :ok}} =
               List.last(seen)
    end

    test "a node on which nothing is started says so" do
      off = [elixir_scope_distributed: [enabled: false]]
      [node] = start_nodes([:off], capture: false, config: off)
      assert {:error, %Error{reason: :disabled}} = ask(node)

      assert {:error, :service_not_found} =
               on(node, fn -> Services.find_service(:module_information) end)

      assert {:error, %Error{reason: :not_running}} =
               on(node, fn -> Services.register_language_server_services() end)
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
