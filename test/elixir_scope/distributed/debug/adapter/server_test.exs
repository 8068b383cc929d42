defmodule ElixirScope.Distributed.Debug.Adapter.ServerTest do
  # The adapter without anything to debug: transports, order, what is wrong.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.Debug.Adapter.{Capabilities, Tcp}

  defp listening(_context) do
    tcp = start_supervised!(Supervisor.child_spec({Tcp, [port: 0]}, []))
    {:ok, tcp: tcp, port: Tcp.port(tcp)}
  end

  describe "over TCP" do
    setup :listening

    test "each client has a session of its own", %{port: port} do
      [one, two] = for _ <- 1..2, do: Client.tcp(port)
      assert %{"supportsConfigurationDoneRequest" => true} = Client.ask(one, "initialize")
      assert Client.refused(one, "initialize") == "initialize: that was done before"
      assert Client.refused(two, "threads") == "threads: the first request is initialize"
      assert %{} = Client.ask(two, "disconnect")
      assert Client.ended(two) == :closed
      assert Client.refused(one, "threads") =~ "nothing is debugged yet"
    end

    test "what is malformed is said, and the rest is read", %{port: port} do
      client = Client.tcp(port)
      Client.send_bytes(client, "Content-Length: 3\r\n\r\n{]}junk\r\n\r\n")
      assert Client.output(client, "stderr", "no JSON")
      assert Client.output(client, "stderr", "no Content-Length")
      assert Client.refused(client, "日本🚀") == "日本🚀 is no request that this adapter knows"
      assert %{} = Client.ask(client, "initialize", %{"x" => "é"})
    end

    test "requests with wrong arguments are answered", %{port: port} do
      client = Client.tcp(port)
      Client.ask(client, "initialize")
      assert Client.refused(client, "launch", %{"task" => 1}) =~ "task: expected text"
      assert Client.refused(client, "attach", %{}) =~ "node: attach needs the node"
    end

    test "no more than so many clients", %{port: port} do
      clients = for _ <- 1..Tcp.most_clients(), do: Client.tcp(port)
      Enum.each(clients, &Client.ask(&1, "initialize"))
      assert Client.ended(Client.tcp(port)) == :closed
    end
  end

  test "capabilities are requests that are known" do
    body = Capabilities.body()
    assert [%{filter: "uncaught"}] = body.exceptionBreakpointFilters
  end

  describe "at standard input and output" do
    test "nothing but messages is there, whoever prints" do
      noise = """
      require Logger
      user = Process.whereis(:user)

      defmodule Noise do
        def make(n) do
          IO.puts("noise \#{n}")
          :io.format(~c"more~n")
          IO.puts(:user, "user")
          :io.put_chars(:standard_io, "io")
          Logger.error("log")
          if n < 2_000, do: make(n + 1)
        end
      end

      # What is printed before is nobody's business here.
      spawn(fn ->
        Enum.find(Stream.cycle([1]), fn _again -> Process.whereis(:user) != user end)
        Noise.make(0)
      end)

      ElixirScope.Distributed.CLI.main(System.argv())
      """

      client = Client.stdio(run: noise)
      assert %{"supportsLogPoints" => true} = Client.ask(client, "initialize")
      assert Client.refused(client, "日本é🚀") =~ "日本é🚀 is no request"
      long = String.duplicate("ü🚀", 50_000)
      assert Client.refused(client, long) =~ "ü🚀ü🚀"
      Client.send_bytes(client, "Content-Length: 4\r\n\r\n" <> <<?", 255, 0, ?">>)
      assert Client.output(client, "stderr", "not_utf8")
      spaced = "{\r\n\"seq\":7,\n\r\"type\":\"request\",\r\n\r\n\"command\":\"\tx\"}"
      Client.send_bytes(client, "Content-Length: #{byte_size(spaced)}\r\n\r\n" <> spaced)
      {at, 1} = :binary.match(spaced, "\t")
      assert Client.output(client, "stderr", "no JSON: unexpected_byte at byte #{at}")
      assert %{} = Client.ask(client, "disconnect")
      assert Client.ended(client) == 0
      assert Client.said(client) =~ "noise"
      assert Client.refused_bytes(client) == []
    end
  end
end
