defmodule ElixirScope.Distributed.Case.ClusterTest do
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed.Case.{Cluster, Epmd}

  test "names are prefixes of what the nodes are called" do
    [web, orders] = start_nodes([:web, :orders], apps: [])
    assert to_string(web) =~ ~r/^web-.*@127\.0\.0\.1$/
    assert on([web, orders], &Node.self/0) == [web, orders]
  end

  test "what is configured is there before an application starts" do
    config = [scope_case_test: [port: 7], logger: [handle_sasl_reports: false]]
    [a] = start_nodes(1, apps: [:logger], config: config, env: [{"SCOPE_CASE_TEST", "yes"}])
    assert on(a, Application, :fetch_env!, [:scope_case_test, :port]) == 7
    assert on(a, System, :get_env, ["SCOPE_CASE_TEST"]) == "yes"
    assert on(a, Logger, :level, []) == :error
  end

  test "nodes can be left to find each other" do
    [a, b] = nodes = start_nodes(2, apps: [], connect: false)
    assert on(nodes, &Node.list/0) == [[], []]
    connect(nodes)
    assert on(a, &Node.list/0) == [b]
  end

  test "a node that cannot start says why" do
    assert_raise RuntimeError, ~r/did not start: .*:no_such_application/, fn ->
      start_nodes(1, apps: [:no_such_application])
    end

    assert_raise RuntimeError, ~r/did not start/, fn ->
      start_nodes(1, apps: [], exec: System.find_executable("false"))
    end

    assert_raise ArgumentError, ~r/unknown keys \[:app\]/, fn -> start_nodes(1, app: []) end
  end

  test "without ExUnit, nodes end with the process that started them" do
    me = self()

    {starter, monitor} =
      spawn_monitor(fn ->
        [a] = Cluster.start_nodes(1, apps: [])
        send(me, {:started, a, Cluster.on(a, System, :pid, [])})
        receive do: (:end -> exit(:shutdown))
      end)

    assert_receive {:started, a, os_pid}, 30_000
    assert on(a, &Node.self/0) == a
    send(starter, :end)
    assert_receive {:DOWN, ^monitor, :process, _pid, :shutdown}
    eventually(fn -> assert not running?(os_pid) end)
  end

  @tag :slow
  test "a frozen node is found out by the ticks it does not answer" do
    [a, b] = start_nodes(2, apps: [], net_ticktime: 4, log: :critical)
    freeze(b)
    assert b in on(a, &Node.list/0)
    eventually(fn -> assert on(a, &Node.list/0) == [] end, within: 15_000)

    thaw(b)
    eventually(fn -> assert on(b, &Node.list/0) == [] end)
    connect([a, b])
    assert on(a, &Node.list/0) == [b]
  end

  test "what is cut while a node is frozen is cut when it thaws" do
    [a, b] = start_nodes(2, apps: [])
    freeze(b)
    assert_raise RuntimeError, ~r/is frozen: thaw/, fn -> on(b, &Node.self/0) end
    partition(a, b)
    assert on(a, &Node.list/0) == []

    thaw(b)
    eventually(fn -> assert on(b, &Node.list/0) == [] end)
    refute on(b, :net_kernel, :connect_node, [a])
    heal([a, b])
    assert on(b, &Node.list/0) == [a]
  end

  test "a frozen node can be killed and restarted" do
    [a, b] = start_nodes(2, apps: [])
    freeze(b)
    restart(b)
    assert on(b, &Node.list/0) == [a]
  end

  test "a run leaves no node and no port mapper behind, whether a test fails" do
    {output, 2} = System.cmd(elixir(), arguments("ExUnit.run()"), [env: own_epmd()] ++ quiet())
    assert output =~ "1) test fails (Failing)"
    assert_gone(output)
  end

  test "or the run itself is killed" do
    run =
      Port.open({:spawn_executable, elixir()}, [
        :binary,
        args: arguments("ExUnit.run()", "hang"),
        env: charlists(own_epmd())
      ])

    output = said(run, "")
    {:os_pid, os_pid} = Port.info(run, :os_pid)
    assert {_output, 0} = System.cmd("kill", ["-9", os_pid |> to_string()])
    assert_gone(output)
  end

  # A run of its own, with a test that tells what it started and then fails or hangs.
  defp arguments(run, ending \\ "flunk") do
    ending =
      if ending == "hang", do: "Process.hibernate(Function, :identity, [1])", else: "flunk()"

    test = """
    ExUnit.start(autorun: false, timeout: 600_000)
    defmodule Failing do
      use ElixirScope.Distributed.Case, nodes: 1, apps: []
      test "fails", %{nodes: [a]} do
        IO.puts("node=\#{on(a, System, :pid, [])} epmd=\#{ElixirScope.Distributed.Case.Epmd.port()}.")
        #{ending}
      end
    end
    %{failures: failures} = #{run}
    System.halt(failures * 2)
    """

    Enum.flat_map(:code.get_path(), &["-pa", to_string(&1)]) ++ ["-e", test]
  end

  defp said(run, output) do
    if output =~ ~r/epmd=\d+\./ do
      output
    else
      assert_receive {^run, {:data, more}}, 60_000
      said(run, output <> more)
    end
  end

  defp assert_gone(output) do
    [_all, os_pid, port] = Regex.run(~r/node=(\d+) epmd=(\d+)\./, output)
    eventually(fn -> assert not running?(os_pid) end)
    eventually(fn -> assert not Epmd.answers?(String.to_integer(port)) end)
  end

  defp elixir, do: System.find_executable("elixir")
  defp own_epmd, do: [{"ERL_EPMD_PORT", nil}]
  defp charlists(env), do: for({name, nil} <- env, do: {to_charlist(name), false})
  defp quiet, do: [stderr_to_stdout: true]

  defp running?(pid) do
    match?({_output, 0}, System.cmd("kill", ["-0", pid], stderr_to_stdout: true))
  end
end
