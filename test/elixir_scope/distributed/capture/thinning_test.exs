Code.require_file("../../../shared/traced.exs", __DIR__)

defmodule ScopeThinned do
  # What is traced: a request that goes through a server and a task.
  use GenServer
  def start_link(arg), do: GenServer.start_link(__MODULE__, arg)

  alias ElixirScope.Distributed, as: Scope

  # Calls and returns of one request.
  def events, do: 8

  def request(id, server) do
    Scope.with_correlation(id, fn ->
      __MODULE__.first(id)
      GenServer.call(server, {:serve, id})
      Task.await(Task.async(__MODULE__, :tasked, [id]))
      __MODULE__.last(id)
    end)
  end

  def first(id), do: {id, 1}
  def served(id), do: {id, 2}
  def tasked(id), do: {id, 3}
  def last(id), do: {id, 4}

  def init(_options), do: {:ok, 0}
  def handle_call({:serve, id}, _from, count), do: {:reply, __MODULE__.served(id), count + 1}

  def functions, do: for(name <- [:first, :served, :tasked, :last], do: {__MODULE__, name})
end

defmodule ElixirScope.Distributed.Capture.ThinningTest do
  use ExUnit.Case

  import ElixirScope.Distributed.Case, only: [eventually: 1]

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Conductor

  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @roomy [events: 10_000_000, bytes: 1_000_000_000, duration_ms: 600_000, health: @calm]

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope})
    servers = for n <- 1..4, do: start_supervised!({ScopeThinned, n}, id: n)
    on_exit(fn -> eventually(fn -> assert ScopeTraced.Vm.traced() == [] end) end)
    {:ok, scope: scope, servers: servers}
  end

  defp trace(scope, patterns, options) do
    {:ok, trace} = Scope.trace(patterns, Keyword.merge([scope: scope] ++ @roomy, options))
    trace.id
  end

  defp stop(scope, id) do
    {:ok, %{traces: [summary]}} = Map.fetch(elem(Conductor.stop(id, scope), 1), node())
    summary
  end

  defp requests(ids, servers) do
    ids
    |> Task.async_stream(&ScopeThinned.request(&1, Enum.random(servers)),
      max_concurrency: 8,
      ordered: false
    )
    |> Stream.run()
  end

  # The events of each correlation in a trace.
  defp shown(scope, id) do
    {:ok, found} = Scope.query([limit: 1_000_000], scope: scope)
    events = for e <- found.events, id in Map.get(e.meta, :traces, []), do: e
    {Enum.group_by(events, & &1.correlation_id), found}
  end

  defp gaps(found), do: for(%{kind: :gap, data: %{of: %{}} = data} <- found.events, do: data)

  describe "a trace of which too much comes" do
    test "shows correlations whole or not at all, and says exactly what is missing", context do
      %{scope: scope, servers: servers} = context
      id = trace(scope, ScopeThinned.functions(), return: true, events_per_s: 800)
      requests(1..5_000, servers)
      summary = stop(scope, id)
      {correlations, found} = shown(scope, id)

      assert summary.reason == :stopped and summary.refused == 0
      assert summary.events + summary.thinned == 5_000 * ScopeThinned.events()
      assert map_size(correlations) in 1..2_500

      for {id, events} <- correlations do
        assert {id, length(events)} == {id, ScopeThinned.events()}
      end

      gaps = gaps(found)
      assert summary.thinned == gaps |> Enum.map(& &1.thinned) |> Enum.sum()

      assert 5_000 - map_size(correlations) ==
               gaps |> Enum.map(& &1.of.correlations) |> Enum.sum()

      assert found.dropped == summary.thinned
    end
  end
end
