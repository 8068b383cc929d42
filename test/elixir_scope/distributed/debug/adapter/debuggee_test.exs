defmodule ElixirScope.Distributed.Debug.Adapter.DebuggeeTest do
  # Whole sessions with a real program, as an editor would have them.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.Debuggee
  alias ElixirScope.Distributed.Debug.Adapter.Tcp

  @moduletag timeout: 120_000

  setup_all do
    folder = Debuggee.make!()
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder}
  end

  setup do
    {:ok, port: Tcp.port(start_supervised!({Tcp, port: 0}))}
  end

  defp launched(port, folder, code, more \\ %{}) do
    client = Client.tcp(port)
    Client.ask(client, "initialize", %{"adapterID" => "elixirScope"})
    launch = %{"projectDir" => folder, "task" => "run", "taskArgs" => ["-e", code]}
    Client.ask(client, "launch", Map.merge(launch, more))
    Client.event(client, "initialized")
    client
  end

  test "a program runs to its end", %{port: port, folder: folder} do
    client = launched(port, folder, "Shop.main()")
    Client.ask(client, "configurationDone")
    assert Client.output(client, "stdout", "grüß dich")
    assert Client.event(client, "exited") == %{"exitCode" => 0}
    Client.event(client, "terminated")
    assert %{} = Client.ask(client, "disconnect")
    assert Client.ended(client) == :closed
  end
end
