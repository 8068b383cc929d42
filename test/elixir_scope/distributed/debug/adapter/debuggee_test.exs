defmodule ElixirScope.Distributed.Debug.Adapter.DebuggeeTest do
  # Whole sessions with a real program, as an editor would have them.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.Debuggee

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
    launch = %{"projectDir" => folder, "task" => "run", "taskArgs" => ["-e", code]}
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
    %{"stackFrames" => [frame | _]} = Client.ask(client, "stackTrace", %{"threadId" => thread})
    frame
  end

  defp locals(client, frame) do
    %{"scopes" => [%{"variablesReference" => ref}]} =
      Client.ask(client, "scopes", %{"frameId" => frame})

    %{"variables" => variables} = Client.ask(client, "variables", %{"variablesReference" => ref})
    Map.new(variables, &{&1["name"], &1})
  end

  test "a process is paused, looked at and stepped", %{folder: folder} do
    client =
      launched(folder, "Process.register(self(), :spinner); Shop.spin()", %{
        "interpretationPatterns" => ["Shop", "Shop.*"]
      })

    Client.ask(client, "configurationDone")
    Process.sleep(1500)
    thread = named(client, "spinner")
    assert Client.refused(client, "stackTrace", %{"threadId" => thread}) =~ "not stopped"
    Client.ask(client, "pause", %{"threadId" => thread})
    assert %{"reason" => "pause", "threadId" => ^thread} = Client.event(client, "stopped")
    IO.inspect(Client.ask(client, "stackTrace", %{"threadId" => thread}))
    frame = top(client, thread)
    IO.inspect(locals(client, frame["id"]))

    IO.inspect(
      Client.ask(client, "evaluate", %{
        "frameId" => frame["id"],
        "expression" => "n + 1",
        "context" => "watch"
      })
    )

    for step <- ~w(next) do
      Client.ask(client, step, %{"threadId" => thread})
      assert %{"reason" => reason} = Client.event(client, "stopped")
      IO.inspect({step, reason, top(client, thread)["line"]})
    end

    Client.ask(client, "disconnect")
    assert Client.ended(client) == 0
  end
end
