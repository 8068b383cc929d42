defmodule ElixirScope.Distributed.Capture.SourcesTest do
  use ElixirScope.Distributed.Case

  require Logger

  @compile {:no_warn_undefined, :telemetry}

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.{Sources, Sources.Text, Sources.Top}
  alias ElixirScope.Distributed.{Opaque, Options}

  @hidden %Opaque{type: :redacted}

  # As much of it as is needed: the real one belongs to the application that is watched.
  @telemetry ~S"""
  defmodule :telemetry do
    def attach_many(id, events, fun, config) do
      if id in ids(), do: {:error, :already_exists}, else: put([{id, events, fun, config} | all()])
    end

    def detach(id), do: put(Enum.reject(all(), &(elem(&1, 0) == id)))

    def execute(event, measurements, metadata) do
      for {_id, events, fun, config} <- all(), event in events,
          do: fun.(event, measurements, metadata, config)
      :ok
    end

    def ids, do: Enum.map(all(), &elem(&1, 0))
    defp all, do: :persistent_term.get(__MODULE__)
    defp put(handlers), do: :persistent_term.put(__MODULE__, handlers)
  end
  """

  defp node_with(capture) do
    config = [elixir_scope_distributed: [capture: capture]]
    [node] = start_nodes([:watched], config: config, apps: [:logger, :elixir_scope_distributed])
    on(node, &silence/0)
    node
  end

  # What is logged here is not for whoever runs the tests.
  defp silence do
    Logger.configure(level: :debug)

    for handler <- :logger.get_handler_ids() -- [:elixir_scope],
        do: :logger.set_handler_config(handler, :level, :none)
  end

  defp marks do
    {:ok, events} = Scope.events(kinds: [:mark])
    Enum.map(events, &{&1.subject, &1.data})
  end

  test "without the option nothing is attached and nothing runs" do
    node = node_with([])

    on(node, fn ->
      assert {:ok, %{sources: nil}} = Scope.status()
      refute :elixir_scope in :logger.get_handler_ids()
      refute Process.whereis(Sources)
      Logger.error("not captured")
      assert marks() == []
    end)
  end

  test "log lines become marks of their process, bounded and without our own" do
    node = node_with(logger: [level: :info, metadata: [:user_id]])

    on(node, fn ->
      Logger.debug("too low")
      Logger.error("our own", domain: [:elixir_scope])
      Logger.error("our own, below", domain: [:elixir_scope, :sync])
      Logger.info("plain", request_id: "r-1", user_id: 7, other: 8)
      Logger.warning(["in ", ?p, [["ie"], "ces"]], trace_id: "t", span_id: "s")
      :logger.error("~p and ~s", [%{a: 1, token: "canary"}, "text"])
      :logger.error(%{report: :map, password: "canary"})
      Logger.error(String.duplicate("ä", 10_000_000))
      {:ok, events} = Scope.events(kinds: [:mark], pids: [self()])
      assert Enum.uniq(Enum.map(events, & &1.subject)) == [:log]

      [plain, pieces, formatted, report, long] = Enum.map(events, & &1.data)
      assert {:info, %{request_id: "r-1", user_id: 7, mfa: {_, _, _}} = meta, "plain"} = plain
      assert {:warning, %{trace_id: "t", span_id: "s"}, "in pieces"} = pieces
      assert {:error, %{}, {"~p and ~s", [%{a: 1, token: @hidden}, "text"]}} = formatted
      refute is_map_key(meta, :other)
      assert {:error, %{}, %{report: :map, password: @hidden}} = report
      assert {:error, %{}, long} = long
      assert String.valid?(long) and byte_size(long) == 1024
      assert {:ok, %{sources: %{failed: 0}}} = Scope.status()
    end)
  end

  test "a handler that fails is counted, stays and troubles nobody" do
    node = node_with([:logger])

    on(node, fn ->
      # A codepoint that there is not.
      :logger.error([0x7FFFFFFF])
      :logger.error([0x7FFFFFFF], [])
      Logger.error("after")
      assert [{:log, {:error, _meta, "after"}}] = marks()
      assert {:ok, %{sources: %{failed: 2}}} = Scope.status()
      assert :elixir_scope in :logger.get_handler_ids()
    end)
  end

  test "everything is detached when the application stops, and attached once when it starts again" do
    node = node_with([:logger, vitals: [interval_ms: 10]])

    on(node, fn ->
      assert :elixir_scope in :logger.get_handler_ids()
      Application.stop(:elixir_scope_distributed)
      refute :elixir_scope in :logger.get_handler_ids()
      {:ok, _} = Application.ensure_all_started(:elixir_scope_distributed)

      # As if there had been no time to detach.
      Process.exit(handler_pid(), :kill)
      eventually(fn -> assert is_pid(handler_pid()) end)
      Logger.error("once")
      assert Enum.count(marks(), &match?({:log, {:error, _meta, "once"}}, &1)) == 1
    end)
  end

  defp handler_pid do
    {:logger, pid, _, _} = List.keyfind(Supervisor.which_children(Sources), :logger, 0)
    pid
  end

  test "events of :telemetry, once it is there and has started" do
    node = node_with(telemetry: [[:my_app, :repo, :query], [:my_app, :stop]])

    on(node, fn ->
      Code.compile_string(@telemetry)
      :ok = Supervisor.terminate_child(Sources, :telemetry)
      {:ok, _pid} = Supervisor.restart_child(Sources, :telemetry)
      # Now it has not started: it is asked again until it has.
      :persistent_term.put(:telemetry, [])
      eventually(fn -> assert length(:telemetry.ids()) == 1 end)

      metadata = %{query: "SELECT", token: "canary", params: Enum.to_list(1..100_000)}
      :telemetry.execute([:my_app, :repo, :query], %{duration: 5}, metadata)
      :telemetry.execute([:my_app, :other], %{}, %{})
      :telemetry.execute([:my_app, :stop], %{}, %{})
      assert [{:query, query}, {:stop, {[:my_app, :stop], %{}, %{}}}] = marks()
      assert {[:my_app, :repo, :query], %{duration: 5}, %{}} = query
      refute inspect(query, limit: :infinity) =~ "canary"
      Application.stop(:elixir_scope_distributed)
      assert :telemetry.ids() == []
    end)
  end

  test "vitals of the node and of the processes with most of anything" do
    node = node_with(vitals: [interval_ms: 50, processes: 3])

    on(node, fn ->
      {:ok, keeper} = Agent.start(fn -> Enum.to_list(1..1_000_000) end, name: :large)
      idle = spawn(fn -> receive do: (:stop -> :ok) end)
      for n <- 1..1000, do: send(idle, {:message, n})

      eventually(fn ->
        {:ok, events} = Scope.events(kinds: [:vitals])
        {of_node, of_processes} = Enum.split_with(events, &(&1.pid == nil))
        assert length(of_node) >= 2

        assert %{schedulers: [_ | _], run_queue: _, memory: %{ets: _}, processes: n} =
                 hd(of_node).data

        assert n > 10
        assert Enum.all?(hd(of_node).data.schedulers, &(&1 >= 0.0 and &1 <= 1.0))
        assert length(of_processes) <= 3 * length(of_node)
        assert %{data: %{name: :large, memory: memory}} = find(of_processes, keeper)
        assert memory > 8_000_000
        assert %{data: %{message_queue_len: 1000}} = find(of_processes, idle)
      end)

      assert {:ok, %{sources: %{failed: 0}}} = Scope.status()
    end)
  end

  defp find(events, pid), do: events |> Enum.reverse() |> Enum.find(&(&1.pid == pid))

  test "with many processes a sample looks at some of them" do
    node = node_with(vitals: [interval_ms: 20, processes: 5])

    on(node, fn ->
      for _ <- 1..20_000, do: spawn(fn -> receive do: (:stop -> :ok) end)

      eventually(fn ->
        {:ok, events} = Scope.events(kinds: [:vitals])
        of_node = Enum.filter(events, &(&1.pid == nil))
        assert Enum.count(of_node, &(&1.data.processes > 20_000)) >= 4
        assert length(events) <= 6 * length(of_node)
      end)
    end)
  end

  test "the first of each measure in turn, each process once" do
    info = fn reductions, memory, messages ->
      [reductions: reductions, memory: memory, message_queue_len: messages, registered_name: []]
    end

    looked = [a: info.(100, 10, 0), b: info.(90, 30, 5), c: info.(50, 20, 9), d: info.(1, 1, 0)]
    top = Top.of(looked, %{a: 0, b: 85, c: 40}, 3)
    assert [a: %{work: 100, reductions: 100}, b: %{memory: 30, name: nil}, c: %{work: 10}] = top

    assert [a: _, b: _, c: _, d: %{work: nil}] =
             Enum.sort(Top.of(looked, %{a: 0, b: 85, c: 40}, 9))

    assert Top.of([], %{}, 3) == []
  end

  test "the beginning of a text, whatever it is made of" do
    assert Text.of([]) == ""
    assert Text.of(["a", ?b, [["ü"] | "d"]]) == "abüd"
    assert Text.of("a" <> String.duplicate("ü", 600)) == "a" <> String.duplicate("ü", 511)
    assert Text.of(:atom) == "atom"
  end

  test "what is no source is refused" do
    for wrong <- [
          :logger,
          [:log],
          [logger: [levle: :info]],
          [logger: [level: :loud]],
          [telemetry: [:a]],
          [telemetry: [[]]],
          [vitals: [interval_ms: 0]],
          [vitals: 1]
        ] do
      assert {:error, "expected :capture to be a list of :logger" <> _} =
               Options.validate(:config, capture: wrong)
    end
  end
end
