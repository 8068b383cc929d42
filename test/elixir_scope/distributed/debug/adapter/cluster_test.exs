defmodule ElixirScope.Distributed.Debug.Adapter.ClusterTest do
  # Attached to a cluster of two nodes that ran before.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Case.Cluster
  alias ElixirScope.Distributed.{DiskModules, NodeCoordinator}
  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.Debug.{Interpreter, Services}

  @moduletag :cluster
  @moduletag timeout: 120_000

  # A request over two nodes: what is asked on the one is answered by a server of the other.
  @code """
  defmodule Till.Front do
    def open(back), do: spawn(fn -> Process.register(self(), :front); serve(back, 0) end)

    def serve(back, n) do
      receive do
        :never -> n
      after
        200 -> __MODULE__.sell(back, n)
      end

      serve(back, n + 1)
    end

    def sell(back, n) do
      price = Till.Desk.ask(back, n)
      price + 1
    end
  end

  defmodule Till.Desk do
    def ask(back, n), do: GenServer.call({Till.Back, back}, {:price, n})
  end

  defmodule Till.Back do
    use GenServer
    def open, do: GenServer.start(__MODULE__, 0, name: __MODULE__)
    def init(state), do: {:ok, state}
    def handle_call({:price, n}, _from, state), do: {:reply, Till.Book.look_up(n), state}
  end

  defmodule Till.Book do
    def look_up(n), do: n * 2
  end
  """

  setup_all do
    DiskModules.on_path!(@code)
    config = [elixir_scope_distributed: [allow: [:record, :query, :trace, :debug]]]
    [a, b] = Cluster.start_nodes([:a, :b], config: config)
    eventually(fn -> {:ok, [_, _]} = on(a, NodeCoordinator, :get_cluster_nodes, []) end)
    {:ok, _pid} = on(b, Till.Back, :open, [])
    on(a, Till.Front, :open, [b])
    {:ok, a: a, b: b}
  end

  defp attached(a, more) do
    client = Client.stdio()
    Client.ask(client, "initialize", %{"adapterID" => "elixirScope"})
    attach = %{"node" => to_string(a), "languageNode" => "none"}
    Client.ask(client, "attach", Map.merge(attach, more))
    Client.event(client, "initialized")
    Client.ask(client, "configurationDone")
    client
  end

  test "threads of both nodes, and a trace from here over both", %{a: a, b: b} do
    client = attached(a, %{"cluster" => true})
    %{"threads" => threads} = Client.ask(client, "threads")
    names = Enum.map(threads, & &1["name"])
    assert Enum.any?(names, &(&1 =~ "Till.Back" and &1 =~ "on #{b}"))
    assert %{"id" => thread} = Enum.find(threads, &(&1["name"] =~ "front"))
    sold = %{"name" => "Till.Front.sell/2"}

    %{"breakpoints" => [%{"id" => id}]} =
      Client.ask(client, "setFunctionBreakpoints", %{"breakpoints" => [sold]})

    assert %{"breakpoint" => %{"verified" => true}} =
             Client.event(client, "breakpoint", &(&1["breakpoint"]["id"] == id))

    assert %{"threadId" => ^thread, "reason" => "breakpoint", "hitBreakpointIds" => [^id]} =
             Client.event(client, "stopped")

    Client.ask(client, "setFunctionBreakpoints", %{"breakpoints" => []})

    body =
      Client.ask(client, "elixirScope/traceFromHere", %{
        "threadId" => thread,
        "durationMs" => 3_000
      })

    assert Enum.sort(body["nodes"]) == Enum.sort([to_string(a), to_string(b)])
    assert %{"traceId" => _id, "summary" => summary} = Client.event(client, "elixirScope.traced")
    assert summary =~ to_string(a) and summary =~ to_string(b)

    # What the one node asked and the other one did, in causal order, as lines of the console.
    lines =
      for %{"event" => "output", "body" => %{"output" => text}} <- Client.log(client), do: text

    shown = Enum.join(lines)

    assert shown =~
             ~r/send to Till.Back on #{b}  call {:price, (\d+)}.*call Till.Book.look_up\/1/s

    assert shown =~ ~r/call Till.Back.handle_call.*#{b}#/

    assert Client.refused(client, "elixirScope/stopTrace", %{"traceId" => body["traceId"]}) =~
             "no trace"

    stopped_trace(client, sold)

    # It goes on, and nothing of the trace is left.
    eventually(fn ->
      assert {:ok, %{traces: %{running: []}}} = on(a, ElixirScope.Distributed, :status, [])
    end)

    Client.ask(client, "disconnect")
    assert Client.ended(client) == 0
  end

  # One whose end nobody waits for.
  defp stopped_trace(client, where) do
    Client.ask(client, "setFunctionBreakpoints", %{"breakpoints" => [where]})
    %{"threadId" => thread} = Client.event(client, "stopped")
    Client.ask(client, "setFunctionBreakpoints", %{"breakpoints" => []})
    from_here = %{"threadId" => thread, "durationMs" => 60_000}
    %{"traceId" => id} = Client.ask(client, "elixirScope/traceFromHere", from_here)
    Client.ask(client, "elixirScope/stopTrace", %{"traceId" => id})
    assert %{"traceId" => ^id} = Client.event(client, "elixirScope.traced")
  end

  # The language node reads all of this library for it.
  @tag :long
  test "several adapters use one language node at once", %{a: a, b: b} do
    :ok = on(b, Services, :register_language_server_services, [])
    path = Path.expand(hd(Path.wildcard("test/shared/code/*.ex")))
    more = %{"languageNode" => to_string(b), "projectDir" => File.cwd!()}

    for client <- Enum.map(1..2, fn _ -> attached(a, more) end) do
      where = %{"source" => %{"path" => path}, "line" => 1, "endLine" => 60}

      %{"breakpoints" => [%{"line" => line} | _]} =
        Client.ask(client, "breakpointLocations", where)

      wanted = %{"source" => %{"path" => path}, "breakpoints" => [%{"line" => line}]}
      %{"breakpoints" => [%{"id" => id}]} = Client.ask(client, "setBreakpoints", wanted)
      told = Client.event(client, "breakpoint", &(&1["breakpoint"]["id"] == id))
      assert %{"breakpoint" => %{"verified" => true, "line" => ^line}} = told
      refute Client.transcript(client) =~ "answered by"
      client
    end
    |> Enum.each(fn client ->
      Client.ask(client, "disconnect")
      assert Client.ended(client) == 0
    end)

    # Nothing of either is left where the program runs.
    eventually(fn ->
      assert on(a, Interpreter, :get_interpretation_status, []).interpreted_count == 0
    end)
  end
end
