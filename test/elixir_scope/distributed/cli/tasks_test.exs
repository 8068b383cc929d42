defmodule ElixirScope.Distributed.CLI.TasksTest do
  # Commands as operating system processes against real nodes. Nodes are started once: what is
  # asked of them changes nothing there, which is one of the things that are tested.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case
  import ElixirScope.Distributed.Shell

  alias ElixirScope.Distributed, as: Library
  alias ElixirScope.Distributed.{Bare, DiskModules, Scratch, Shell}
  alias ElixirScope.Distributed.Case.{Cluster, Run}

  @moduletag :cluster
  @moduletag timeout: 120_000

  @work "Till.work/1"

  # No module of ours: none of those is traced.
  @till """
  defmodule Till do
    def work(n), do: n * 2

    def open do
      spawn(fn ->
        {:ok, _timer} = :timer.apply_interval(20, __MODULE__, :work, [7])
        receive do: (:never -> :ok)
      end)
    end
  end
  """

  setup_all do
    DiskModules.on_path!(@till)
    # Nodes end with the process that starts them, which is this one.
    [a, b] = nodes = Cluster.start_nodes([:a, :b])
    for node <- nodes, do: on(node, Till, :open, [])
    for n <- 1..3, do: on(a, Library, :record, [:paid, n, [correlation_id: "r-17"]])
    eventually(fn -> {:ok, [_, _]} = on(a, Library.NodeCoordinator, :get_cluster_nodes, []) end)
    {:ok, a: a, b: b, nodes: nodes}
  end

  defp at(node), do: ["--node", to_string(node)]

  # No trace of ours runs, and no function is watched by anybody.
  defp untraced?(nodes), do: Enum.all?(nodes, &(on(&1, Shell, :traces, []) == []))

  defp running?(nodes),
    do: Enum.all?(nodes, &match?([{:running, _} | _], on(&1, Shell, :traces, [])))

  defp json(text), do: text |> String.split("\n", trim: true) |> Enum.map(&Shell.Json.decode/1)

  describe "questions" do
    test "a status, for people and for programs, with an exit code for scripts", %{a: a, b: b} do
      text = scope(["status" | at(a)])
      assert %{code: 0, err: ""} = text
      assert text.out =~ "on #{a}, incarnation"
      assert text.out =~ "members: 1 other up"

      status = scope(["status", "--json", "--require", "all" | at(a)])
      assert status.code == 0

      assert [%{"node" => node, "nodes" => nodes, "missing" => [], "bounds" => %{}}] =
               json(status.out)

      assert {node, Map.keys(nodes)} == {to_string(a), [to_string(b)]}
    end

    test "events as lines, as JSON like an export's, or as a number", %{a: a} do
      asked = ["query", "--correlation", "r-17", "--from", "-10m" | at(a)]
      lines = scope(asked)
      assert lines.code == 0
      assert [one, _two, _three] = String.split(lines.out, "\n", trim: true)
      assert one =~ ~r/^\d\d:\d\d:\d\d\.\d{6}  #{a}#\d+  #PID<.*>  paid  1  \("r-17"\)$/
      # What traces of other tests left out is said, too.
      assert lines.err =~ ~r/^3 events of 2 nodes, [\d,]+ dropped, none missing$/

      [first | _] = all = asked |> Kernel.++(["--json"]) |> scope() |> Map.get(:out) |> json()
      {:ok, exported} = on(a, Library.Export, :json_lines, [[correlation_id: "r-17"]])
      assert Enum.take(all, 3) == exported |> IO.iodata_to_binary() |> json() |> Enum.take(3)
      assert first["data"] == 1
      assert %{"result" => %{"events" => 3, "missing" => %{}, "more" => false}} = List.last(all)

      assert %{out: "3\n"} = scope(asked ++ ["--count"])
    end

    test "filters are those of the library", %{a: a} do
      assert %{out: "1\n"} =
               scope(["query", "--contains", "r-17", "--limit", "1", "--count" | at(a)])

      assert %{out: "0\n"} =
               scope(["query", "--kind", "exit,gc", "--pid", "<#{a}.1.0>", "--count" | at(a)])

      wrong = scope(["query", "--pid", "nobody at all" | at(a)])
      assert {wrong.code, wrong.err} == {1, "nothing here is called nobody at all\n"}
    end

    test "a picture, by its name and within its width", %{a: a} do
      asked = ["timeline", "--correlation", "r-17", "--width", "60" | at(a)]
      picture = scope(asked)
      assert picture.code == 0
      assert picture.out =~ "paid"
      assert picture.out =~ "3 events of 2 nodes"
      assert Enum.all?(String.split(picture.out, "\n"), &(String.length(&1) <= 60))
      refute picture.out =~ "\e["

      unknown = scope(asked ++ ["--view", "timelin"])
      assert unknown.code == 2
      assert unknown.err =~ "there is no view timelin, did you mean timeline?; there are timeline"

      assert [%{"place" => 0, "causes" => []}, _, _, %{"result" => %{}}] =
               json(scope(asked ++ ["--json"]).out)
    end
  end

  describe "what is written" do
    setup do
      folder = Scratch.folder!()
      on_exit(fn -> File.rm_rf!(folder) end)
      {:ok, path: Path.join(folder, "exported")}
    end

    test "exports to a file, to a pipe, and with a word about it", %{a: a, path: path} do
      asked = ["export", "--correlation", "r-17", "--format" | at(a)]
      piped = scope(List.insert_at(asked, -1, "--limit=2") |> List.insert_at(4, "json_lines"))
      assert piped.code == 0
      # What the limit left out stands in a last line.
      assert [%{"data" => 1}, %{"data" => 2}, %{"kind" => "gap"}] = json(piped.out)
      assert piped.err =~ "2 events of 2 nodes, cut by the limit"

      asked = [
        "export",
        "--correlation",
        "r-17",
        "--format",
        "csv",
        "--output",
        path,
        "--json" | at(a)
      ]

      assert %{code: 0, out: about, err: ""} = scope(asked)
      assert [%{"events" => 3, "format" => "csv", "bytes" => bytes}] = json(about)
      assert File.stat!(path).size == bytes
      assert %{code: 2} = scope(asked)

      assert %{code: 2, err: unknown} = scope(["export", "--format", "json_line" | at(a)])

      assert unknown =~
               "there is no format json_line, did you mean json_lines?; there are json_lines, csv"
    end

    test "where the time goes, once where nobody looks", %{a: a} do
      scope(["trace", @work, "--return", "--events", "10" | at(a)])
      top = scope(["top", "--width", "70" | at(a)])
      assert top.code == 0
      assert top.out =~ ~r/ Till.work\/1$/m

      assert [%{"functions" => [%{"calls" => _} | _]}, %{}] =
               json(scope(["top", "--json", "--times", "2", "--every", "50ms" | at(a)]).out)
    end
  end

  describe "traces" do
    test "print what comes, say what each node recorded, and end by themselves", %{
      a: a,
      nodes: nodes
    } do
      traced =
        scope(["trace", @work <> " -> return", "--duration", "500ms", "--width", "200" | at(a)])

      assert traced.code == 0
      assert traced.out =~ ~r/#{a}  #PID<.*>  call Till.work\/1  \[7\]/
      assert traced.out =~ "return Till.work/1  14"

      for node <- nodes,
          do: assert(traced.err =~ ~r/#{node}: trace \d+, \d+ events, its time is over/)

      assert untraced?(nodes)
    end

    test "are JSON Lines from the first to the last", %{a: a} do
      traced = scope(["trace", @work, "--events", "5", "--on", to_string(a), "--json" | at(a)])
      assert {traced.code, traced.err} == {0, ""}
      assert [%{"trace" => %{"nodes" => [on]}} | rest] = json(traced.out)
      assert on == to_string(a)
      assert %{"result" => %{"shown" => 5}} = List.last(rest)
      assert Enum.count(rest, &match?(%{"kind" => "call", "data" => [7]}, &1)) == 5
    end

    test "what is not there, and what cannot be read, is said", %{a: a, nodes: nodes} do
      assert %{code: 1, err: "there is no module Nobody.Wrote" <> _} =
               scope(["trace", "Nobody.Wrote" | at(a)])

      assert %{code: 2, err: wrong} = scope(["trace", "Map.get(" | at(a)])
      assert wrong =~ ~s("Map.get\(", column)
      assert %{code: 1, err: "no node runs a trace 1," <> _} = scope(["stop", "1" | at(a)])
      assert untraced?(nodes)
    end

    test "are ended for everybody by scope.stop", %{a: a, b: b, nodes: nodes} do
      # Its owner lives on: it is not its end that ends the trace.
      id = on(b, Shell, :hold, [@work, [duration_ms: 60_000, profile: :production]])
      assert running?(nodes)
      stopped = scope(["stop", "#{id}", "--json" | at(a)])
      assert stopped.code == 0
      assert [%{"nodes" => told}] = json(stopped.out)
      assert told |> Map.keys() |> Enum.sort() == nodes |> Enum.map(&to_string/1) |> Enum.sort()
      assert untraced?(nodes)
    end

    test "of a node without the library come from modules that are sent, and are taken away again" do
      bare = Bare.start()
      assert %{code: 8, err: refused} = scope(["status" | at(bare.node)])
      assert refused =~ "#{bare.node} does not have the library"

      assert %{code: 2, err: "--inject asks before" <> _} =
               scope(["trace", ":shop.tick/1", "--inject" | at(bare.node)])

      ended = Bare.spawn(bare, :tick, [1])
      loop = Bare.spawn(bare, :loop, [])
      Bare.call(bare, :timer, :send_interval, [20, loop, {:go, ended}])
      before = Bare.state(bare)

      traced =
        scope([
          "trace",
          ":shop.loop/0",
          "--inject",
          "--yes",
          "--duration",
          "500ms" | at(bare.node)
        ])

      assert traced.code == 0
      assert traced.out =~ "call :shop.loop/0"
      assert traced.err =~ "in memory only"
      assert traced.err =~ "nothing of it is left on #{bare.node}"

      # That which all tools shared before OTP 27 is there always, and listed at times; nothing is in it.
      assert Bare.difference(bare, before) -- [sessions: [legacy: :default]] == []
    end
  end

  describe "at a terminal" do
    @describetag skip: if(not Shell.terminal?(), do: "there is no `script` of util-linux")

    test "Ctrl-C ends a trace on all nodes, with what each recorded", %{a: a, nodes: nodes} do
      typed = ["trace", @work, "--duration", "1m" | at(a)] |> terminal() |> read("work/1")
      assert running?(nodes)
      {seen, code} = typed |> type("\x03") |> ended()
      for node <- nodes, do: assert(seen =~ ~r/#{node}: trace \d+, \d+ events, it was asked/)
      assert code == 0
      assert untraced?(nodes)
    end

    test "Ctrl-C of what cannot be ended in order is an interruption", %{a: a} do
      typed = ["record", "/nowhere/at/all", "--for", "1m" | at(a)] |> terminal()
      assert {seen, 2} = ended(typed)
      assert seen =~ "/nowhere/at/all: no such file"
    end

    test "a VM that is killed ends its trace at once", %{a: a, nodes: nodes} do
      typed = ["trace", @work, "--duration", "61s" | at(a)] |> terminal() |> read("work/1")
      assert [pid] = Shell.pids("61s")
      System.cmd("kill", ["-9", pid])
      assert {_seen, code} = ended(typed)
      assert code != 0
      eventually(fn -> assert untraced?(nodes) end)
    end

    test "a terminal that is closed ends its trace", %{a: a, nodes: nodes} do
      typed = ["trace", @work, "--duration", "62s" | at(a)] |> terminal() |> read("work/1")
      {:os_pid, holder} = Port.info(typed.port, :os_pid)
      System.cmd("kill", ["-9", "#{holder}"])
      eventually(fn -> assert untraced?(nodes) end)
      eventually(fn -> assert Shell.pids("62s") == [] end)
    end

    test "a cookie is asked for, and not shown", %{a: a} do
      home = Path.join(System.tmp_dir!(), "home-#{System.unique_integer([:positive])}")
      File.mkdir_p!(home)

      env = [
        {"SCOPE_COOKIE", nil},
        {"RELEASE_COOKIE", nil},
        {"HOME", home},
        {"XDG_CONFIG_HOME", home}
      ]

      typed = ["status" | at(a)] |> terminal(env: env) |> read("Cookie of the cluster: ")
      {seen, code} = typed |> type("#{Run.cookie()}\n") |> ended()
      File.rm_rf!(home)
      assert code == 0
      assert seen =~ "members: 1 other up"
      refute seen =~ to_string(Run.cookie())
    end
  end

  describe "the tool" do
    test "comes and goes without a trace in the cluster", %{a: a, b: b, nodes: nodes} do
      before = standing(nodes)
      bare = Bare.start()

      {:ok, told} =
        Task.start_link(fn ->
          scope(["trace", @work, "--duration", "2s" | at(bare.node) ++ at(a)])
        end)
        |> then(fn {:ok, pid} -> {:ok, Process.monitor(pid)} end)

      eventually(fn -> assert running?(nodes) end, within: 15_000)
      assert [tool] = on(a, Node, :list, [:hidden])
      assert to_string(tool) =~ ~r/^scope-.*\.tool$/
      # It joined two nodes, which did not hear of each other, nor of a third one.
      assert Bare.call(bare, :erlang, :nodes, [[:connected]]) == [tool]
      assert on(a, Node, :list, []) == [b]
      assert on(b, Node, :list, [:connected]) == [a]
      assert {:ok, [_, _]} = on(a, Library.NodeCoordinator, :get_cluster_nodes, [])
      assert_receive {:DOWN, ^told, :process, _pid, :normal}, 20_000

      eventually(fn -> assert on(a, Node, :list, [:hidden]) == [] end)
      assert standing(nodes) == before
    end

    # Members, connections, and what was recorded of either.
    defp standing(nodes) do
      for node <- nodes do
        {:ok, members} = on(node, Library.NodeCoordinator, :get_cluster_nodes, [])
        kinds = [:node_up, :node_down, :partition, :heal]
        {:ok, events} = on(node, Library, :events, [[kinds: kinds]])
        {members, on(node, Node, :list, [:connected]), Enum.map(events, & &1.id)}
      end
    end

    test "needs no native library, no scope and no place to keep anything", %{a: a} do
      run = """
      ElixirScope.Distributed.CLI.main(System.argv())
      IO.inspect({:loaded, :erlang.module_loaded(ElixirScope.Distributed.Native)})
      IO.inspect({:left, node(), Node.list(:connected)})
      """

      assert %{code: 0, out: out} = scope(["query", "--count" | at(a)], run: run)
      assert out =~ "{:loaded, false}"
      assert out =~ "{:left, :nonode@nohost, []}"
    end

    test "says why it cannot connect, each with its exit code", %{a: a} do
      %{port: closed} = free_port()
      status = &scope(["status" | at(&1)], env: &2)

      assert %{code: 3, err: "the host nowhere.invalid is not known here\n"} =
               status.("x@nowhere.invalid", [])

      assert %{code: 5, err: "no port mapper (epmd) answers" <> _} =
               status.(a, [{"ERL_EPMD_PORT", "#{closed}"}])

      assert %{code: 6, err: "127.0.0.1 runs no node called nobody@127.0.0.1" <> _} =
               status.("nobody@127.0.0.1", [])

      assert %{code: 7, err: wrong} = status.(a, [{"SCOPE_COOKIE", "wrong"}])
      assert wrong =~ "#{a} refuses this cookie"

      nowhere = [
        {"SCOPE_COOKIE", nil},
        {"RELEASE_COOKIE", nil},
        {"HOME", "/nonexistent"},
        {"XDG_CONFIG_HOME", "/nonexistent"}
      ]

      assert %{code: 7, err: "there is no cookie in SCOPE_COOKIE" <> _} = status.(a, nowhere)
    end

    test "asks the first node that answers, and names those that did not", %{a: a} do
      assert %{code: 0} = scope(["status" | at("nobody@127.0.0.1") ++ at(a)])

      assert %{code: 6, err: err} =
               scope(["status" | at("nobody@127.0.0.1") ++ at("x@nowhere.invalid")])

      assert err =~ "nobody@127.0.0.1" and err =~ "nowhere.invalid"
    end

    test "tells an old version, another one, and a scope that does not run", %{a: a} do
      old = Bare.start()
      load(old, ElixirScope.Distributed, version: 0)
      assert %{code: 9, err: err} = scope(["status" | at(old.node)])
      assert err =~ "too old"
      load(old, ElixirScope.Distributed.CLI.Job, hello: {:map, [protocol: 99, version: "9.9.9"]})
      assert %{code: 9, err: err} = scope(["status" | at(old.node)])
      assert err =~ "has version 9.9.9"
      assert %{code: 8, err: err} = scope(["status", "--scope", "Nobody" | at(a)])
      assert err =~ "the scope Nobody is not running"
    end

    test "runs from a release: inside a node that runs, and in a VM of its own", %{a: a} do
      main = ~S|ElixirScope.Distributed.CLI.main(["query", "--correlation", "r-17", "--count"])|
      # What `bin/my_app rpc` runs.
      rpc =
        &[
          "elixir",
          "--hidden",
          "--name",
          "rpc-#{System.unique_integer([:positive])}@127.0.0.1",
          "--cookie",
          "#{Run.cookie()}",
          "--rpc-eval",
          to_string(a),
          &1
        ]

      assert %{code: 0, out: "3\n" <> _} = scope([], line: rpc.(main))

      assert %{code: 2, out: out} =
               scope([],
                 line: rpc.(~S|ElixirScope.Distributed.CLI.main(["query", "--node", "x@y"])|)
               )

      assert out =~ "asks nobody else"
    end

    test "is what mix runs", %{a: a} do
      line = ["mix", "scope.query", "--correlation", "r-17", "--count" | at(a)]
      assert %{code: 0, out: out} = scope([], line: line, env: [{"MIX_ENV", "test"}])
      assert out =~ ~r/^3$/m

      assert %{code: 2, err: err} =
               scope([], line: ["mix", "scope.query", "--nod", "x"], env: [{"MIX_ENV", "test"}])

      assert err =~ "unknown option --nod, did you mean --node?"
    end
  end

  # A module with one function, which the other node compiles.
  defp load(bare, module, [{function, result}]) do
    forms = [
      {:attribute, 1, :module, module},
      {:attribute, 2, :export, [{function, 0}]},
      {:function, 3, function, 0, [{:clause, 3, [], [], [form(result)]}]}
    ]

    {:ok, ^module, code} = Bare.call(bare, :compile, :forms, [forms])
    {:module, ^module} = Bare.call(bare, :code, :load_binary, [module, ~c"old.beam", code])
  end

  defp form({:map, pairs}), do: :erl_parse.abstract(Map.new(pairs), 3)
  defp form(term), do: :erl_parse.abstract(term, 3)

  defp free_port do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    %{port: port}
  end
end
