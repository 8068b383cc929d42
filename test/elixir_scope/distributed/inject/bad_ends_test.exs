defmodule ElixirScope.Distributed.Inject.BadEndsTest do
  # However a run ends, the other node is as it was: who asked is killed at every step, the connection is
  # cut, what runs there is killed, or all of it happens at random.
  use ElixirScope.Distributed.Case, async: true
  import ElixirScope.Distributed.Injected

  alias ElixirScope.Distributed.{Bare, Inject}

  alias ElixirScope.Distributed.Inject.{
    Closure,
    Functions,
    Guest,
    Look,
    Plan,
    Survey,
    Sweep,
    Visit
  }

  @moduletag timeout: 600_000

  @patterns [{:shop, :tick}, ":shop.buy(1, _) -> return"]
  @busy [events: 1_000_000, bytes: 100_000_000, events_per_s: 100_000, lease_ms: 3_000]

  setup do
    target = Bare.start()
    pulse = Bare.spawn(target, :pulse, [])
    {:ok, target: target, pulse: pulse, tool: tool(target), before: Bare.state(target)}
  end

  describe "who asked is killed" do
    # Where it is, and how often it was there before.
    for {{module, function, arity} = step, times} <- [
          {{Plan, :new, 3}, 1},
          {{Survey, :of, 2}, 1},
          {{Functions, :resolve, 2}, 1},
          {{Closure, :of, 2}, 1},
          {{Look, :at, 2}, 1},
          {{Visit, :inject, 2}, 1},
          {{Visit, :gather, 5}, 1},
          {{Visit, :took, 4}, 1},
          {{Visit, :took, 4}, 9},
          {{Visit, :renew, 1}, 1},
          {{Visit, :result, 5}, 1},
          {{Sweep, :verified, 3}, 1}
        ] do
      test "with SIGKILL in #{inspect(module)}.#{function}/#{arity}, call #{times}", context do
        %{tool: tool, target: target, before: before} = context
        node = target.node
        kill_in(tool, unquote(Macro.escape(step)), unquote(times))
        options = [yes: true, health: calm(), duration_ms: 1_500] ++ @busy
        on(tool, fn -> run_aside(node, @patterns, options) end)
        eventually(fn -> assert not alive?(target, tool) end, within: 15_000)
        assert_as_before(target, before)
        assert_again(target)
      end
    end

    test "as a process, while its node goes on", %{tool: tool, target: target, before: before} do
      begin(tool, target, @patterns, @busy)
      on(tool, fn -> Process.exit(Process.whereis(:runner), :kill) end)
      assert_as_before(target, before)
    end
  end

  describe "on the other node" do
    test "the tracer, the warden, or both are killed", context do
      %{tool: tool, target: target, before: before} = context

      for who <- [[:tracer], [:warden], [:tracer, :warden]] do
        begin(tool, target, @patterns, @busy)
        kill_there(target, who)
        assert {:ok, result} = result(tool)
        assert result.reason in [:tracer_failed, :tracer_killed]
        assert result.equal?, inspect({who, result.after})
        assert_as_before(target, before)
      end
    end

    test "the tracer outgrows what it may take, and the VM ends it", context do
      %{tool: tool, target: target, before: before} = context
      begin(tool, target, [{:shop, :buy}], @busy)
      huge = Bare.call(target, :lists, :seq, [1, 10])
      assert is_list(huge)
      Bare.call(target, :erlang, :spawn, [:shop, :copy, [20_000_000]])
      assert {:ok, result} = result(tool)
      assert result.reason == :tracer_killed
      assert_as_before(target, before, result)
    end

    test "the processes that are traced end", %{tool: tool, target: target, before: before} do
      pid = Bare.spawn(target, :loop, [])
      begin(tool, target, @patterns, processes: pid, messages: true, duration_ms: 500)
      Bare.call(target, :erlang, :exit, [pid, :kill])
      assert {:ok, %{reason: :duration} = result} = result(tool)
      assert_as_before(target, before, result)
    end

    test "a traced module is loaded again, twice", %{tool: tool, target: target, before: before} do
      begin(tool, target, @patterns, @busy)
      {:shop, code, _} = {:shop, Bare.code(target), nil}
      Bare.call(target, :code, :load_binary, [:shop, ~c"shop.beam", code])
      Bare.call(target, :code, :soft_purge, [:shop])
      assert {:ok, result} = ended(tool)
      assert result.equal?
      eventually(fn -> Bare.call(target, :code, :soft_purge, [:shop]) end)
      assert_as_before(target, before)
    end
  end

  test "the connection is cut", %{tool: tool, target: target, before: before} do
    node = target.node
    begin(tool, target, @patterns, @busy)
    on(tool, fn -> :erlang.disconnect_node(node) end)
    assert {:ok, result} = result(tool)
    assert result.reason == :connection_lost
    # Looking connects them again.
    assert result.equal? or match?({:unknown, _}, result.after)
    assert_as_before(target, before)
  end

  # SCOPE_LONG=1 does 200.
  @runs if System.get_env("SCOPE_LONG"), do: 200, else: 20

  @tag :slow
  test "random runs leave nothing", %{tool: tool, target: target, before: before} do
    seed = String.to_integer(System.get_env("SCOPE_SEED", "#{:rand.uniform(1_000_000)}"))
    :rand.seed(:exsss, seed)

    for n <- 1..@runs do
      connected(tool, target)
      {patterns, options} = wish()
      node = target.node
      on(tool, fn -> run_aside(node, patterns, [yes: true, health: calm()] ++ options) end)
      how = end_of(tool, target, node)
      eventually(fn -> assert over?(tool) end, within: 20_000)

      eventually(
        fn ->
          assert {seed, n, how, options, Bare.difference(target, before)} ==
                   {seed, n, how, options, []}
        end,
        within: 20_000
      )
    end
  end

  defp wish do
    pattern =
      Enum.random([{:shop, :tick}, ":shop.buy(_, x) when x > 1 -> return", :shop, {:shop, :drop}])

    options =
      Enum.random([[], [messages: true], [return: true], [processes: :new], [capture: :calls]])

    budget = Enum.random([[], [events: 5], [bytes: 300], [duration_ms: 20], [events_per_s: 10]])
    patterns = if options[:return], do: [{:shop, :buy}], else: [pattern]
    {patterns, Keyword.merge([duration_ms: 400], options ++ budget)}
  end

  defp end_of(tool, target, node) do
    wait(:rand.uniform(60) - 1)
    how = Enum.random([:stop, :time, :runner, :tracer, :warden, :both, :cut])
    do_end(how, tool, target, node)
    how
  end

  defp do_end(:stop, tool, _target, _node),
    do: on(tool, fn -> Inject.stop(Process.whereis(:runner)) end)

  defp do_end(:time, _tool, _target, _node), do: :ok

  defp do_end(:runner, tool, _target, _node),
    do: on(tool, fn -> Process.exit(Process.whereis(:runner), :kill) end)

  defp do_end(:tracer, _tool, target, _node), do: kill_there(target, [:tracer])
  defp do_end(:warden, _tool, target, _node), do: kill_there(target, [:warden])
  defp do_end(:both, _tool, target, _node), do: kill_there(target, [:tracer, :warden])
  defp do_end(:cut, tool, _target, node), do: on(tool, fn -> :erlang.disconnect_node(node) end)

  # It is over when nothing is said any more, or nobody is there to say it.
  defp over?(tool) do
    on(tool, fn ->
      case Process.whereis(:runner) do
        nil -> true
        pid -> match?({:over, _}, said()) and Process.exit(pid, :kill)
      end
    end)
  end

  defp tool(target) do
    [tool] = start_nodes([:tool], apps: [], args: ["-hidden"])
    connected(tool, target)
    tool
  end

  # The next one finds nothing in its way.
  defp assert_again(target) do
    tool = tool(target)
    assert {:ok, %{equal?: true}} = traced(tool, target, [{:shop, :fail}], [], fail: [1])
  end

  defp kill_there(target, who) do
    warden = Bare.call(target, :erlang, :whereis, [Guest.Warden.name()])
    pids = if is_pid(warden), do: links(target, warden), else: []
    pids = if :warden in who, do: [warden | pids], else: pids
    pids = if :tracer in who, do: pids, else: [warden]
    for pid <- pids, is_pid(pid), do: Bare.call(target, :erlang, :exit, [pid, :kill])
  end

  defp links(target, pid) do
    case Bare.call(target, :erlang, :process_info, [pid, :links]) do
      {:links, links} -> links
      :undefined -> []
    end
  end

  # A shell that waits for a line kills it; whoever calls the function is told of by the VM.
  defp kill_in(tool, {module, _, _} = step, times) do
    on(tool, fn ->
      Code.ensure_loaded!(module)

      me = self()

      spawn(fn ->
        script = "read -r _ && kill -9 #{System.pid()}"
        port = Port.open({:spawn_executable, "/bin/sh"}, args: ["-c", script])
        :erlang.trace(:new_processes, true, [:call])
        1 = :erlang.trace_pattern(step, true, [:local])
        send(me, :armed)
        for _ <- 1..times, do: receive(do: ({:trace, _pid, :call, _mfa} -> :ok))
        Port.command(port, "\n")
        receive do: (:never -> :ok)
      end)

      receive do: (:armed -> :ok)
    end)
  end

  defp alive?(target, tool) do
    tool in Bare.call(target, :erlang, :nodes, [:connected])
  end

  defp wait(ms) do
    until = System.monotonic_time(:millisecond) + ms
    eventually(fn -> System.monotonic_time(:millisecond) >= until end)
  end
end
