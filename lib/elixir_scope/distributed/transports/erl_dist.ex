defmodule ElixirScope.Distributed.Transports.ErlDist do
  @moduledoc """
  The transport over Erlang distribution.

  A message goes to the process of the same name on the other node, with
  `[:noconnect, :nosuspend]`: it never opens a connection, and never suspends the
  sender when the connection's buffer is full - other users of the connection come
  first, and the protocol above pulls again what was not sent.

  The VM does not tell who sent a message. It is taken for one of the node that it names, if that
  node is connected and visible; anything else is counted and dropped. A member can thus speak in the
  name of another one, as it can do anything else: see the guide on security.

      {:ok, _pid} = ErlDist.start_link(name: :link, node: node(), scope: :shop, deliver: &IO.inspect/1)
      ErlDist.send(:link, :"orders@127.0.0.1", message)
  """

  use GenServer

  alias ElixirScope.Distributed.{Cluster.Connection, Transport}

  @behaviour Transport

  # Part of every message, so that another generation of the library is told apart.
  @tag :elixir_scope_1

  defstruct [:deliver, up: %{}]

  @impl Transport
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options[:name])

  @impl Transport
  def send(name, to, message) do
    case :erlang.send({name, to}, {@tag, Node.self(), message}, [:noconnect, :nosuspend]) do
      :ok -> :ok
      :noconnect -> {:error, :unreachable}
      :nosuspend -> {:error, :busy}
    end
  end

  # In a process of its own: setting up a connection can take seconds.
  @impl Transport
  def connect(_name, node), do: Connection.connect(node)

  @impl Transport
  def diagnose(_name, node), do: Connection.diagnose(node)

  @impl Transport
  def peers(_name), do: Connection.nodes()

  @impl GenServer
  def init(options) do
    # What waits here is not looked through by the garbage collector.
    Process.flag(:message_queue_data, :off_heap)
    Connection.watch()
    {:ok, %__MODULE__{deliver: options[:deliver]}, {:continue, :greet}}
  end

  @impl GenServer
  def handle_continue(:greet, state),
    do: {:noreply, Enum.reduce(Connection.nodes(), state, &up/2)}

  # The VM does not say who sent a message: it comes of a node that is connected, or it is none.
  @impl GenServer
  def handle_info({@tag, from, message}, %{up: up} = state) when is_map_key(up, from) do
    state.deliver.({:transport, :message, from, message})
    {:noreply, state}
  end

  # This VM became distributed, or is under another name.
  def handle_info({:nodeup, node, _info}, state) when node == node() do
    state.deliver.({:transport, :named, node})
    {:noreply, state}
  end

  def handle_info({:nodeup, node, _info}, state), do: {:noreply, up(node, state)}

  def handle_info({:nodedown, node, info}, state) do
    {:nodedown_reason, reason} = List.keyfind(info, :nodedown_reason, 0, {:nodedown_reason, nil})
    state.deliver.({:transport, :down, node, reason})
    {:noreply, %{state | up: Map.delete(state.up, node)}}
  end

  def handle_info(_other, state) do
    state.deliver.({:transport, :stray, nil})
    {:noreply, state}
  end

  defp up(node, state) do
    state.deliver.({:transport, :up, node})
    %{state | up: Map.put(state.up, node, true)}
  end
end
