defmodule ElixirScope.Distributed.Debug.Adapter.DebuggeeTest do
  # Whole sessions with a real program, as an editor would have them.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.Debug.Adapter.Machine
  alias ElixirScope.Distributed.{DapTranscript, Debuggee}

  import ElixirScope.Distributed.Case, only: [eventually: 1, eventually: 2]
  import ElixirScope.Distributed.Debuggee, only: [line: 1, path: 2]

  @moduletag timeout: 120_000

  setup_all do
    folder = Debuggee.make!()
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder}
  end

  # In a VM of its own, as for an editor: what debugs takes a name, and the tests' VM has none.
  defp launched(folder, code, more \\ %{}) do
    client = Client.stdio()
    Client.ask(client, "initialize", %{"adapterID" => "elixirScope"})
    # On a machine that does much else a node that begins takes its time.
    patient = %{"rpcTimeout" => 30_000}
    launch = %{"projectDir" => folder, "task" => "run", "taskArgs" => ["-e", code]}
    launch = Map.put(launch, "distributedDebugging", patient)
    Client.ask(client, "launch", Map.merge(launch, more))
    Client.event(client, "initialized")
    client
  end

  test "a program runs to its end", %{folder: folder} do
    client = launched(folder, "Shop.main()")
    Client.ask(client, "configurationDone")
    assert Client.output(client, "stdout", "grüß dich")
    assert Client.event(client, "exited") == %{"exitCode" => 0}
    Client.event(client, "terminated")
    assert %{} = Client.ask(client, "disconnect")
    assert Client.ended(client) == 0
  end

  defp named(client, text) do
    %{"threads" => threads} = Client.ask(client, "threads")
    assert %{"id" => id} = Enum.find(threads, &(&1["name"] =~ text)), inspect(threads)
    id
  end

  defp top(client, thread) do
    %{"stackFrames" => [frame | _]} =
      Client.ask(client, "stackTrace", %{"threadId" => thread, "levels" => 1})

    frame
  end

  defp locals(client, frame) do
    %{"scopes" => [%{"variablesReference" => ref}]} =
      Client.ask(client, "scopes", %{"frameId" => frame})

    %{"variables" => variables} = Client.ask(client, "variables", %{"variablesReference" => ref})
    Map.new(variables, &{&1["name"], &1})
  end

  # Sets breakpoints and waits until what became of each was told; in their order.
  defp set(client, path, wanted) do
    arguments = %{"source" => %{"path" => path}, "breakpoints" => wanted}
    %{"breakpoints" => pending} = Client.ask(client, "setBreakpoints", arguments)

    for %{"id" => id, "verified" => false, "message" => "not set yet"} <- pending,
        do: settled(client, id)
  end

  defp settled(client, id),
    do: Client.event(client, "breakpoint", &(&1["breakpoint"]["id"] == id))["breakpoint"]

  defp stopped(client, reason) do
    stop = Client.event(client, "stopped")
    assert %{"reason" => ^reason, "threadId" => thread} = stop, Client.transcript(client)
    thread
  end

  test "breakpoints, stack, variables in pages, expressions, steps", %{folder: folder} do
    client = launched(folder, "Shop.main()")
    lines = for name <- ~w(count half), do: %{"line" => line(name)}

    assert [%{"verified" => true, "line" => at}, %{"verified" => true}] =
             set(client, path(folder, :cart), lines)

    assert at == line("count")
    Client.ask(client, "configurationDone")

    thread = stopped(client, "breakpoint")
    stack = Client.ask(client, "stackTrace", %{"threadId" => thread, "levels" => 2})
    assert %{"totalFrames" => total, "stackFrames" => [top, caller]} = stack
    assert total > 2
    assert {top["name"], top["line"]} == {"Shop.Cart.total/2", line("count")}
    assert {caller["name"], caller["line"]} == {"Shop.main/0", line("call")}
    assert top["source"] == %{"name" => "cart.ex", "path" => path(folder, :cart)}
    rest = %{"threadId" => thread, "startFrame" => 1, "levels" => 1}

    assert %{"stackFrames" => [%{"name" => "Shop.main/0"}]} =
             Client.ask(client, "stackTrace", rest)

    assert %{"cart" => cart, "factor" => %{"value" => "3"}} = locals(client, top["id"])

    %{"variables" => parts} =
      Client.ask(client, "variables", %{"variablesReference" => cart["variablesReference"]})

    items = Enum.find(parts, &(&1["name"] =~ "items"))
    assert items["indexedVariables"] == 10_000

    page = %{
      "variablesReference" => items["variablesReference"],
      "filter" => "indexed",
      "start" => 9_990,
      "count" => 10
    }

    %{"variables" => last} = Client.ask(client, "variables", page)
    assert {length(last), List.last(last)["value"]} == {10, "{:item, 10000}"}

    evaluate = fn text, context ->
      Client.ask(client, "evaluate", %{
        "frameId" => top["id"],
        "expression" => text,
        "context" => context
      })
    end

    assert %{"result" => "6", "type" => "integer"} = evaluate.("factor * 2", "watch")
    assert %{"result" => "10000"} = evaluate.("length(cart.items)", "repl")
    wrong = %{"frameId" => top["id"], "expression" => "div(factor, 0)"}
    assert Client.refused(client, "evaluate", wrong) =~ "arithmetic"

    Client.ask(client, "next", %{"threadId" => thread})
    assert stopped(client, "step") == thread
    assert top(client, thread)["line"] == line("sum")
    # What belonged to the process as it stood is gone.
    assert Client.refused(client, "scopes", %{"frameId" => top["id"]}) =~ "no frame"

    Client.ask(client, "continue", %{"threadId" => thread})
    assert stopped(client, "breakpoint") == thread
    assert top(client, thread)["line"] == line("half")
    Client.ask(client, "next", %{"threadId" => thread})
    stopped(client, "step")
    assert top(client, thread)["line"] == line("more")
    assert set(client, path(folder, :cart), []) == []
    Client.ask(client, "continue", %{"threadId" => thread})
    assert Client.output(client, "stdout", "total 15001")
    assert %{"exitCode" => 0} = Client.event(client, "exited")
    Client.event(client, "terminated")
    Client.ask(client, "disconnect")
    assert Client.ended(client) == 0
    DapTranscript.assert_golden("session.txt", Client.log(client), folder)
  end

  # Who is asked then is seen of the coordination alone at every change.
  @tag :long
  test "where the language node is killed, the editor says what a breakpoint needs", %{
    folder: folder
  } do
    client = launched(folder, "Shop.loop()")
    square = %{"line" => line("square")}
    assert [%{"verified" => true}] = set(client, path(folder, :cart), [square])
    assert [language] = language_nodes(folder)
    System.cmd("kill", ["-KILL", language])
    Client.output(client, "important", "has ended")

    arguments = %{
      "source" => %{"path" => path(folder, :shop)},
      "breakpoints" => [%{"line" => line("after")}]
    }

    asked = Client.send_request(client, "setBreakpoints", arguments)
    question = Client.event(client, "elixirScope.dependencies")
    assert %{"id" => id, "file" => file, "line" => line} = question
    assert {file, line} == {path(folder, :shop), line("after")}

    Client.ask(client, "elixirScope/dependencies", %{
      "id" => id,
      "modules" => ["Shop", "Shop.Cart"]
    })

    %{"body" => %{"breakpoints" => [%{"id" => id}]}} = Client.response(client, asked)
    assert %{"verified" => true} = settled(client, id)
    assert Client.output(client, "console", "answered by the editor: the language node: ")

    # What was set before holds as ever.
    Client.ask(client, "configurationDone")
    stopped(client, "breakpoint")
    Client.ask(client, "disconnect")
    assert Client.ended(client) == 0
  end

  # The VM that runs nothing of the project.
  defp language_nodes(folder) do
    for path <- Path.wildcard("/proc/[0-9]*/cwd"),
        File.read_link(path) == {:ok, folder},
        {:ok, line} <- [File.read(Path.join(Path.dirname(path), "cmdline"))],
        line =~ "beam.smp" and line =~ "scope.node" and not (line =~ "Shop.loop"),
        do: path |> String.split("/") |> Enum.at(2)
  end

  test "conditions, hits, log points, what cannot be set, exceptions", %{folder: folder} do
    client = launched(folder, "Shop.main(); Shop.loop(); Shop.fail(); Shop.wait()")

    %{"breakpoints" => [%{"verified" => true}]} =
      Client.ask(client, "setExceptionBreakpoints", %{"filters" => ["uncaught"]})

    assert [%{"verified" => true}] = set(client, path(folder, :shop), [%{"line" => line("call")}])

    wanted = [
      %{"line" => line("square"), "condition" => "n == 3"},
      %{"line" => line("passed"), "logMessage" => "n is {n}, m is {m}", "hitCondition" => "> 8"},
      %{"line" => 2}
    ]

    assert [%{"verified" => true}, %{"verified" => true}, %{"verified" => false} = none] =
             set(client, path(folder, :cart), wanted)

    assert none["message"] =~ "code"
    Client.ask(client, "configurationDone")
    into_and_out(client, stopped(client, "breakpoint"))
    thread = stopped(client, "breakpoint")
    every_request(client)
    questions(client, top(client, thread)["id"])
    # An expression may be answered a moment before its process is looked at as one that stands.
    frame = eventually(fn -> top(client, thread) end)
    assert %{"n" => %{"value" => "3"}} = locals(client, frame["id"])
    Client.ask(client, "continue", %{"threadId" => thread})
    logged = Client.event(client, "output", &(&1["output"] =~ "m is"))
    assert %{"output" => "n is 9, m is 81\n", "category" => "console", "line" => at} = logged
    assert at == line("passed")
    assert Client.output(client, "console", "n is 10, m is 100")

    failing = stopped(client, "exception")

    assert %{"breakMode" => "unhandled", "exceptionId" => "ArithmeticError"} =
             info = Client.ask(client, "exceptionInfo", %{"threadId" => failing})

    assert info["description"] =~ "(ArithmeticError) bad argument"
    assert %{"message" => "bad argument" <> _, "typeName" => "ArithmeticError"} = info["details"]
    assert info["details"]["stackTrace"] =~ "cart.ex:#{line("broken")}: Shop.Cart.broken/1"
    assert top(client, failing)["line"] == line("broken")
    Client.ask(client, "continue", %{"threadId" => failing})
    Client.ask(client, "terminate")
    Client.event(client, "terminated")
    Client.ask(client, "disconnect")
    assert Client.ended(client) == 0
  end

  defp into_and_out(client, thread) do
    assert top(client, thread)["line"] == line("call")
    Client.ask(client, "stepIn", %{"threadId" => thread})
    assert stopped(client, "step") == thread
    assert %{"name" => "Shop.Cart.total/2", "line" => at} = top(client, thread)
    assert at == line("count")
    Client.ask(client, "stepOut", %{"threadId" => thread})
    assert stopped(client, "step") == thread
    assert %{"name" => "Shop.main/0", "line" => at} = top(client, thread)
    assert at in [line("call"), line("after")]
    Client.ask(client, "continue", %{"threadId" => thread})
  end

  # What ends a session aside, without arguments: each is answered, and everything stands as before.
  defp every_request(client) do
    for name <- Client.names() -- ~w(terminate disconnect) do
      response = Client.response(client, Client.send_request(client, name))
      assert response["success"] or is_binary(response["message"]), name
      unknown? = (response["message"] || "") =~ "is no request that this adapter knows"
      assert unknown? == name not in Machine.commands()
    end

    filters = %{"filters" => ["uncaught"]}
    assert %{"breakpoints" => [_one]} = Client.ask(client, "setExceptionBreakpoints", filters)
  end

  # Hovering runs nothing; what takes too long is given up; the rest is served meanwhile.
  defp questions(client, frame) do
    evaluate = fn text, context ->
      %{"frameId" => frame, "expression" => text, "context" => context}
    end

    assert %{"result" => "3"} = Client.ask(client, "evaluate", evaluate.("n", "hover"))
    assert Client.refused(client, "evaluate", evaluate.("send(self(), n)", "hover")) =~ "calls"
    slow = Client.send_request(client, "evaluate", evaluate.("Process.sleep(300)", "watch"))
    Client.ask(client, "cancel", %{"requestId" => slow})
    assert %{"success" => false, "message" => "cancelled"} = Client.response(client, slow)

    eventually(
      fn ->
        again = Client.send_request(client, "evaluate", evaluate.("n + 1", "repl"))
        assert %{"body" => %{"result" => "4"}} = Client.response(client, again)
      end,
      within: 10_000
    )
  end

  test "a process is paused where it runs", %{folder: folder} do
    patterns = %{"interpretationPatterns" => ["Shop", "Shop.*"]}

    client =
      launched(
        folder,
        "Process.register(self(), :spinner); IO.puts(~s(spins)); Shop.spin()",
        patterns
      )

    Client.ask(client, "configurationDone")
    Client.output(client, "stdout", "spins")
    thread = named(client, "spinner")
    assert Client.refused(client, "stackTrace", %{"threadId" => thread}) =~ "not stopped"
    assert Client.refused(client, "next", %{"threadId" => 4_711}) =~ "no thread 4711"
    paused(client, thread)
    assert stopped(client, "pause") == thread
    assert %{"name" => "Shop.spin/1", "source" => %{"path" => _path}} = top(client, thread)
    # The client goes without a word: what it began ends with it.
    numbers = [Client.os_pid(client), Client.event(client, "process")["systemProcessId"]]
    assert Enum.all?(numbers, &there?/1)
    Client.close(client)
    eventually(fn -> assert not Enum.any?(numbers, &there?/1) end, within: 20_000)
  end

  defp there?(number), do: File.exists?("/proc/#{number}")

  # A moment later it runs what is interpreted.
  defp paused(client, thread) do
    response =
      Client.response(client, Client.send_request(client, "pause", %{"threadId" => thread}))

    if not response["success"], do: paused(client, thread)
  end
end
