{:module, module, code, _} =
  defmodule ScopeThinned do
    # What tests of thinning trace: a request that goes through a server, a task and another
    # node. It must not be a module of this library, as those are banned.
    use GenServer

    alias ElixirScope.Distributed, as: Scope

    def start(name), do: GenServer.start(__MODULE__, 0, name: name)
    def start_link(start), do: GenServer.start_link(__MODULE__, start)

    @doc "A request that no node but this one hears of."
    def local(id, server), do: Scope.with_correlation(id, fn -> here(id, server) end)

    defp here(id, server) do
      first(id)
      GenServer.call(server, {:serve, id})
      Task.await(Task.async(__MODULE__, :tasked, [id]))
      last(id)
    end

    @doc "One that is served on another node."
    def remote(id, node), do: local(id, {__MODULE__, node})

    @doc "One that is handed on as text, which no message carries."
    def resumed(id, server) do
      carried = Scope.with_correlation(id, &begun/0)
      Scope.with_context(carried, fn -> here(id, server) end)
    end

    defp begun do
      :seq_trace.set_token([])
      Scope.context()
    end

    @doc "Makes many of them, several at a time."
    def load(ids, fun, clients \\ 8) do
      ids
      |> Task.async_stream(fun, max_concurrency: clients, ordered: false, timeout: 60_000)
      |> Stream.run()
    end

    def first(id), do: {id, 1}
    def served(id), do: {id, 2}
    def tasked(id), do: {id, 3}
    def last(id), do: {id, 4}

    @impl true
    def init(start), do: {:ok, start}

    @impl true
    def handle_call({:serve, id}, _from, count), do: {:reply, __MODULE__.served(id), count + 1}

    def functions, do: for(name <- [:first, :served, :tasked, :last], do: {__MODULE__, name})
  end

defmodule ScopeThinned.Code do
  # For nodes, which find it on no disk.
  @code {module, code}
  def code, do: @code
end
