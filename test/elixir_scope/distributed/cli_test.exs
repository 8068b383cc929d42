defmodule ElixirScope.Distributed.CLITest do
  # Not at the same time as others: what goes to standard error is the VM's.
  use ExUnit.Case
  doctest ElixirScope.Distributed.CLI

  import ExUnit.CaptureIO

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.CLI
  alias ElixirScope.Distributed.CLI.{Commands, Help}

  @golden "test/fixtures/cli"

  defp run(arguments) do
    said =
      capture_io(:stderr, fn ->
        send(self(), {:out, capture_io(fn -> send(self(), {:code, CLI.run(arguments)}) end)})
      end)

    assert_received {:code, code}
    assert_received {:out, out}
    {code, out, said}
  end

  test "--help of each command says all there is to say of it" do
    for {name, command} <- Commands.all() do
      {code, out, ""} = run([name, "--help"])
      assert code == 0
      golden(name, out)

      for line <- String.split(out, "\n"),
          not (line =~ "mix scope"),
          do: assert(String.length(line) <= 100, line)

      for key <- Commands.options(command), do: assert(out =~ CLI.Options.switch(key))
      task = Module.concat(Mix.Tasks.Scope, String.capitalize(name))
      assert {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(task)
      assert doc == Help.markdown(name)
      assert Mix.Task.shortdoc(task)
    end
  end

  # SCOPE_GOLDEN=write makes them anew.
  defp golden(name, text) do
    path = Path.join(@golden, name <> ".txt")
    if System.get_env("SCOPE_GOLDEN") == "write", do: File.write!(path, text)
    assert File.read!(path) == text
  end

  test "without a command there is a list of them" do
    for arguments <- [[], ["--help"], ["help"]] do
      assert {0, out, ""} = run(arguments)
      for {name, _command} <- Commands.all(), do: assert(out =~ ~r/^  #{name} /m)
    end
  end

  test "wrong usage has code 2, and says where it is explained" do
    for {arguments, message} <- [
          {["tracee"], "there is no command tracee, did you mean trace?\n"},
          {["status", "--nod", "x"],
           "unknown option --nod, did you mean --node?\nmix scope.status --help explains it\n"},
          {["status", "x"],
           "takes options alone, and got: x\nmix scope.status --help explains it\n"},
          {["record"], "expected FILE [PATTERN…]\nmix scope.record --help explains it\n"},
          {["record", "f", "Enum"],
           "patterns are traced for a time: say how long, as in --for 30s\nmix scope.record --help explains it\n"},
          {["trace"],
           "name functions, or say what of which processes: --messages --process NAME\nmix scope.trace --help explains it\n"},
          {["trace", "Enum", "--yes"],
           "--yes answers what --inject asks, and is not asked without it\nmix scope.trace --help explains it\n"},
          {["trace", "Enum", "--inject", "--state"],
           "--state needs the library on the node, and cannot be had with --inject\nmix scope.trace --help explains it\n"},
          {["query", "--limit", "1000001"],
           "--limit: at most 1000000 events are read at once; mix scope.export streams more\nmix scope.query --help explains it\n"},
          {["export", "--json"],
           "--json says what was exported, and needs --output for the export itself\nmix scope.export --help explains it\n"},
          {["stop", "x"],
           "expected the number of a trace, got: \"x\"\nmix scope.stop --help explains it\n"},
          {["query", "--open", "f", "--node", "a@b"], "--open and --node exclude each other\n"}
        ] do
      assert {2, "", ^message} = run(arguments)
    end
  end

  test "main ends with the code, as Mix and releases hand it on" do
    assert capture_io(fn -> assert CLI.main(["--help"]) == :ok end) =~ "Commands:"
    capture_io(:stderr, fn -> assert catch_exit(CLI.main(["no"])) == {:shutdown, 2} end)
  end

  test "where a scope runs, its node is the one that is asked" do
    Scope.record(:here, 1, correlation_id: "cli-here")
    assert {0, out, said} = run(~w(query --correlation cli-here --width 100))
    assert out =~ ~r/#1?\d*  #PID.*  here  1  \("cli-here"\)/
    assert said =~ "1 event of 1 node"
    assert {0, "1\n", _said} = run(~w(query --correlation cli-here --count))
    assert {0, status, ""} = run(~w(status))
    assert status =~ "members: this node alone"
    assert {8, "", "the scope Enum is not running" <> _} = run(~w(status --scope Enum))
    assert {0, "#{node()}: no trace\n", ""} == run(~w(stop))
  end

  test "a trace in its own node ends with who looks at it" do
    {:ok, reader} = StringIO.open("")

    {pid, monitor} =
      spawn_monitor(fn ->
        Process.group_leader(self(), reader)
        CLI.run(["trace", "Mix.Task.shortdoc/1", "--duration", "1m"])
      end)

    running = fn -> elem(Scope.status(), 1).traces.running end
    ElixirScope.Distributed.Case.eventually(fn -> assert [_one] = running.() end)
    StringIO.close(reader)
    ElixirScope.Distributed.Case.eventually(fn -> assert [] = running.() end)
    assert_receive {:DOWN, ^monitor, :process, ^pid, _reason}
  end
end
