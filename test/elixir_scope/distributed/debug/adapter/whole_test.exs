defmodule ElixirScope.Distributed.Debug.Adapter.WholeTest do
  # The task itself, `mix scope.dap --port N`, with clients one after the other: a test and a
  # release are launched, and end.
  use ExUnit.Case

  import ElixirScope.Distributed.Debuggee, only: [line: 1, path: 2]

  alias ElixirScope.Distributed.Case.{Epmd, Run}
  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.{Debuggee, Scratch}

  @moduletag :long
  @moduletag :cluster
  @moduletag timeout: 300_000

  setup_all do
    folder = Debuggee.make!()
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder, port: listening()}
  end

  # It ends with its signal, as where somebody presses Ctrl-C.
  defp listening do
    Run.ensure_started()

    port =
      Port.open({:spawn_executable, System.find_executable("mix")}, [
        :binary,
        :exit_status,
        args: ["scope.dap", "--port", "#{free()}"],
        env: [
          {~c"MIX_ENV", ~c"test"},
          {~c"ERL_EPMD_PORT", ~c"#{Epmd.port()}"},
          {~c"SCOPE_COOKIE", ~c"#{Run.cookie()}"}
        ]
      ])

    {:os_pid, os_pid} = Port.info(port, :os_pid)
    on_exit(fn -> System.cmd("kill", ["-TERM", "#{os_pid}"], stderr_to_stdout: true) end)
    number(port, "")
  end

  defp free do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, number} = :inet.port(socket)
    :ok = :gen_tcp.close(socket)
    number
  end

  defp number(port, said) do
    receive do
      {^port, {:data, text}} ->
        case Regex.run(~r/listening at 127\.0\.0\.1:(\d+)\n/, said <> text) do
          [_line, number] -> String.to_integer(number)
          nil -> number(port, said <> text)
        end

      {^port, {:exit_status, status}} ->
        flunk("mix scope.dap ended with #{status}: #{said}")
    end
  end

  defp begun(port, how, arguments) do
    client = Client.tcp(port)
    Client.ask(client, "initialize", %{"adapterID" => "elixirScope"})
    Client.ask(client, how, arguments)
    Client.event(client, "initialized")
    client
  end

  defp launched(port, folder, more) do
    patient = %{"rpcTimeout" => 30_000, "fallbackToExtensionCoordination" => false}
    launch = %{"projectDir" => folder, "distributedDebugging" => patient}
    begun(port, "launch", Map.merge(launch, more))
  end

  defp set(client, path, line) do
    arguments = %{"source" => %{"path" => path}, "breakpoints" => [%{"line" => line}]}
    %{"breakpoints" => [%{"id" => id}]} = Client.ask(client, "setBreakpoints", arguments)
    Client.event(client, "breakpoint", &(&1["breakpoint"]["id"] == id))["breakpoint"]
  end

  defp top(client) do
    assert %{"reason" => "breakpoint", "threadId" => thread} = Client.event(client, "stopped")
    where = %{"threadId" => thread, "levels" => 1}
    %{"stackFrames" => [frame]} = Client.ask(client, "stackTrace", where)
    {thread, frame}
  end

  defp left(client, arguments \\ %{}) do
    Client.ask(client, "disconnect", arguments)
    assert Client.ended(client) == :closed
  end

  test "a test is launched, stops in what it tests, and its status is told", context do
    client =
      launched(context.port, context.folder, %{"task" => "test", "taskArgs" => ["--seed", "0"]})

    path = path(context.folder, :cart)
    assert %{"verified" => true} = set(client, path, line("sum"))
    Client.ask(client, "configurationDone")
    {thread, frame} = top(client)
    assert %{"name" => "Shop.Cart.total/2", "source" => %{"path" => ^path}} = frame
    Client.ask(client, "continue", %{"threadId" => thread})
    assert Client.output(client, "stdout", "0 failures")
    assert Client.event(client, "exited") == %{"exitCode" => 0}
    Client.event(client, "terminated")
    left(client)
  end

  test "a release is launched, stops, and is ended", context do
    begin = """
    defmodule Shop.Application do
      use Application
      def start(_type, _arguments), do: Task.start_link(fn -> Enum.each(1..100_000, &again/1) end)

      defp again(_n) do
        receive do: (:never -> :ok), after: (50 -> :ok)
        Shop.Cart.passed(3)
      end
    end
    """

    folder = Debuggee.make!()
    on_exit(fn -> File.rm_rf!(folder) end)
    Scratch.write!(folder, "lib/shop/application.ex", begin)
    mix = File.read!(Path.join(folder, "mix.exs"))
    mod = "[mod: {Shop.Application, []}, extra_applications: [:logger, :debugger]]"
    strip = "deps: [], releases: [shop: [strip_beams: false]]"

    mix =
      mix
      |> String.replace("[extra_applications: [:logger]]", mod)
      |> String.replace("deps: []", strip)

    File.write!(Path.join(folder, "mix.exs"), mix)
    Scratch.mix!(folder, ~w(release --quiet), [{"MIX_ENV", "prod"}])
    release = Path.join(folder, "_build/prod/rel/shop")
    client = launched(context.port, folder, %{"release" => release, "languageNode" => "none"})
    assert %{"verified" => true} = set(client, path(folder, :cart), line("square"))
    Client.ask(client, "configurationDone")
    {thread, frame} = top(client)
    assert %{"name" => "Shop.Cart.passed/1"} = frame
    Client.ask(client, "continue", %{"threadId" => thread})
    Client.ask(client, "terminate")
    Client.event(client, "terminated")
    left(client)
  end
end
