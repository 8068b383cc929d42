defmodule ElixirScope.Distributed.Debug.Adapter.AttachedTest do
  # A node that ran before, over the time that an adapter is attached to it: who leaves, who ends it, and
  # what becomes of a process that stands while the connection is away.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Case.Cluster
  alias ElixirScope.Distributed.DapClient, as: Client
  alias ElixirScope.Distributed.DiskModules

  @moduletag :cluster
  @moduletag :long
  @moduletag timeout: 120_000

  @code """
  defmodule Ticked.Clock do
    def open, do: spawn(fn -> Process.register(self(), :clock); serve(0) end)

    def serve(n) do
      receive do
        :never -> n
      after
        100 -> __MODULE__.serve(__MODULE__.tick(n))
      end
    end

    def tick(n) do
      next = n + 1
      next
    end
  end
  """

  setup do
    DiskModules.on_path!(@code)
    config = [elixir_scope_distributed: [allow: [:record, :query, :trace, :debug]]]
    [node] = Cluster.start_nodes(1, config: config)
    on(node, Ticked.Clock, :open, [])
    client = Client.stdio()
    Client.ask(client, "initialize", %{"adapterID" => "elixirScope"})
    Client.ask(client, "attach", %{"node" => to_string(node), "languageNode" => "none"})
    Client.event(client, "initialized")
    Client.ask(client, "configurationDone")
    {:ok, node: node, client: client}
  end

  defp stop_at_tick(client) do
    tick = %{"breakpoints" => [%{"name" => "Ticked.Clock.tick/1"}]}
    %{"breakpoints" => [%{"id" => id}]} = Client.ask(client, "setFunctionBreakpoints", tick)
    told = Client.event(client, "breakpoint", &(&1["breakpoint"]["id"] == id))
    assert %{"breakpoint" => %{"verified" => true}} = told
    standing(client)
  end

  defp standing(client) do
    %{"threadId" => thread} = Client.event(client, "stopped")
    where = %{"threadId" => thread, "levels" => 1}
    assert %{"stackFrames" => [frame]} = Client.ask(client, "stackTrace", where)
    assert %{"name" => "Ticked.Clock.tick/1"} = frame
    thread
  end

  test "what stands while the connection is away is shown when it is back", context do
    %{node: node, client: client} = context
    thread = stop_at_tick(client)
    [adapter] = on(node, Node, :list, [:hidden])
    true = on(node, :erlang, :disconnect_node, [adapter])
    assert Client.output(client, "important", "is not connected")
    exited = Client.event(client, "thread", &(&1["reason"] == "exited"))
    assert %{"threadId" => ^thread} = exited
    assert Client.output(client, "important", "is connected again")
    Client.ask(client, "continue", %{"threadId" => standing(client)})
    standing(client)
    left(client, %{"terminateDebuggee" => false})
    eventually(fn -> assert is_pid(on(node, Process, :whereis, [:clock])) end)
    eventually(fn -> assert ticks?(node) end)
  end

  # Nobody stops it any more.
  defp ticks?(node) do
    clock = on(node, Process, :whereis, [:clock])
    before = reductions(node, clock)
    eventually(fn -> assert reductions(node, clock) > before end)
  end

  defp reductions(node, pid) do
    {:reductions, count} = on(node, Process, :info, [pid, :reductions])
    count
  end

  test "the node is ended, and that is said once", %{node: node, client: client} do
    stop_at_tick(client)
    Client.ask(client, "terminate")
    assert %{} = Client.event(client, "terminated")
    left(client, %{})
    eventually(fn -> assert gone?(node) end, within: 20_000)
  end

  test "who leaves may end the node with it", %{node: node, client: client} do
    left(client, %{"terminateDebuggee" => true})
    eventually(fn -> assert gone?(node) end, within: 20_000)
  end

  defp left(client, arguments) do
    Client.ask(client, "disconnect", arguments)
    assert Client.ended(client) in [0, :closed]
  end

  defp gone?(node) do
    [name, _host] = String.split(to_string(node), "@")
    {:ok, names} = :erl_epmd.names({127, 0, 0, 1})
    to_charlist(name) not in Enum.map(names, &elem(&1, 0))
  end
end
