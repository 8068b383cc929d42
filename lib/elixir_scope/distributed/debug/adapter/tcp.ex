defmodule ElixirScope.Distributed.Debug.Adapter.Tcp do
  @moduledoc false
  # Clients over TCP, each with a session of its own. It listens on the loopback interface and on no
  # other: who can connect can run code.

  use GenServer

  alias ElixirScope.Distributed.Debug.Adapter.Server

  @most_clients 32

  # For each to end what it began.
  @last_ms 10_000
  @options [
    :binary,
    active: false,
    ip: {127, 0, 0, 1},
    reuseaddr: true,
    nodelay: true,
    backlog: 32
  ]

  @doc "Starts one at `port:`; 0 is any free one."
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options)

  @doc "How many clients there can be."
  @spec most_clients() :: pos_integer
  def most_clients, do: @most_clients

  @doc "Ends it, and all sessions of its clients."
  @spec stop(pid) :: :ok
  def stop(server), do: GenServer.stop(server, :normal, :infinity)

  @doc "Where it listens."
  @spec port(pid) :: :inet.port_number()
  def port(server), do: GenServer.call(server, :port)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)

    case :gen_tcp.listen(Keyword.fetch!(options, :port), @options) do
      {:ok, listener} ->
        {:ok, %{listener: listener, clients: MapSet.new(), acceptor: accept(listener)}}

      {:error, reason} ->
        {:stop, {:shutdown, reason}}
    end
  end

  defp accept(listener) do
    server = self()
    spawn_link(fn -> accept(listener, server) end)
  end

  defp accept(listener, server) do
    with {:ok, socket} <- :gen_tcp.accept(listener) do
      hand_over(socket, GenServer.call(server, :client, :infinity))
      accept(listener, server)
    end
  end

  defp hand_over(socket, :full), do: :gen_tcp.close(socket)

  # It is gone already where the socket is.
  defp hand_over(socket, {:ok, client}) do
    :gen_tcp.controlling_process(socket, client)
    send(client, {:serve, socket})
  end

  @impl true
  def handle_call(:port, _from, state), do: {:reply, elem(:inet.port(state.listener), 1), state}

  def handle_call(:client, _from, state) do
    if MapSet.size(state.clients) < @most_clients do
      client = spawn_link(fn -> receive(do: ({:serve, socket} -> begin(socket))) end)
      {:reply, {:ok, client}, %{state | clients: MapSet.put(state.clients, client)}}
    else
      {:reply, :full, state}
    end
  end

  @impl true
  def handle_info({:EXIT, acceptor, reason}, %{acceptor: acceptor} = state),
    do: {:stop, reason, state}

  def handle_info({:EXIT, pid, reason}, state) do
    if MapSet.member?(state.clients, pid),
      do: {:noreply, %{state | clients: MapSet.delete(state.clients, pid)}},
      else: {:stop, reason, state}
  end

  # Each ends what it began.
  @impl true
  def terminate(_reason, state) do
    :gen_tcp.close(state.listener)
    for pid <- state.clients, do: Process.exit(pid, :shutdown)

    for pid <- state.clients,
        do: receive(do: ({:EXIT, ^pid, _reason} -> :ok), after: (@last_ms -> :ok))
  end

  defp begin(socket) do
    Process.flag(:trap_exit, true)
    {:ok, server} = Server.start_link(write: &:gen_tcp.send(socket, &1))
    serve(socket, server)
  end

  # One piece at a time: who sends faster than is read waits.
  defp serve(socket, server) do
    :inet.setopts(socket, active: :once)

    receive do
      {:tcp, ^socket, bytes} ->
        if(Server.feed(server, bytes) != :ended, do: serve(socket, server))

      {:tcp_closed, ^socket} ->
        Server.closed(server)

      {:tcp_error, ^socket, _reason} ->
        Server.closed(server)

      {:EXIT, ^server, _reason} ->
        :gen_tcp.close(socket)

      {:EXIT, _listener, _reason} ->
        Server.closed(server)
    end
  end
end
