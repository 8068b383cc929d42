defmodule Million do
  @moduledoc false
  # A million events of a system that is traced: clients that call servers with arguments, servers with
  # states, messages of both. For tests of what much takes.

  alias ElixirScope.Distributed, as: Scope

  # Of one round: call, send, receive, call, state, return, send, receive, return.
  @of_a_round 9
  @clients 20

  defmodule Server do
    @moduledoc false
    use GenServer

    def ask(server, item), do: GenServer.call(server, {:price, item}, :infinity)

    @impl true
    def init(_options), do: {:ok, %{served: 0, last: nil}}

    @impl true
    def handle_call({:price, item}, _from, state),
      do: {:reply, item.number * 3, %{state | served: state.served + 1, last: item.number}}
  end

  @everything [
    return: true,
    messages: true,
    state: true,
    profile: :recorder,
    bytes: 1_000_000_000,
    events_per_s: 10_000_000,
    duration_ms: 600_000,
    health: [run_queue: :infinity, scheduler: :infinity, dist_ports: :infinity]
  ]

  @doc "Records so many events, and some more; returns how many there are."
  def record(events, options \\ []) do
    servers = for _ <- 1..4, do: elem(GenServer.start(Server, []), 1)
    clients = for n <- 1..@clients, do: client(self(), Enum.at(servers, rem(n, 4)))
    {:ok, trace} = Scope.trace(Server, [processes: servers ++ clients] ++ options ++ @everything)
    rounds = div(events, @of_a_round * @clients) + 1
    for client <- clients, do: send(client, {:go, rounds})
    for client <- clients, do: receive(do: ({:done, ^client} -> :ok))
    {:ok, summaries} = Scope.stop_trace(trace)
    summaries[node()]
  end

  defp client(asker, server) do
    spawn(fn ->
      receive do: ({:go, rounds} -> Enum.each(1..rounds, &Server.ask(server, item(&1))))
      send(asker, {:done, self()})
    end)
  end

  defp item(number), do: %{number: number, name: "item #{rem(number, 100)}", tags: [:a, :b]}
end
