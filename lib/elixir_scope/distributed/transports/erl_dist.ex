defmodule ElixirScope.Distributed.Transports.ErlDist do
  @moduledoc """
  The transport over Erlang distribution.

  A message goes to the process of the same name on the other node, with
  `[:noconnect, :nosuspend]`: it never opens a connection, and never suspends the
  sender when the connection's buffer is full - other users of the connection come
  first, and the protocol above pulls again what was not sent.

      {:ok, _pid} = ErlDist.start_link(name: :link, node: node(), scope: :shop, deliver: &IO.inspect/1)
      ErlDist.send(:link, :"orders@127.0.0.1", message)
  """

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Cluster.Connection, Transport}

  @behaviour Transport

  # Part of every message, so that another generation of the library is told apart.
  @tag :elixir_scope_1

  defstruct [:deliver]

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
    Connection.watch()
    {:ok, %__MODULE__{deliver: options[:deliver]}, {:continue, :greet}}
  end

  @impl GenServer
  def handle_continue(:greet, state) do
    Enum.each(Connection.nodes(), &state.deliver.({:transport, :up, &1}))
    {:noreply, state}
  end

  @impl GenServer
  def handle_info({@tag, from, message}, state) when is_atom(from) and is_struct(message) do
    state.deliver.({:transport, :message, from, message})
    {:noreply, state}
  end

  # This VM became distributed, or is under another name.
  def handle_info({:nodeup, node, _info}, state) when node == node() do
    state.deliver.({:transport, :named, node})
    {:noreply, state}
  end

  def handle_info({:nodeup, node, _info}, state) do
    state.deliver.({:transport, :up, node})
    {:noreply, state}
  end

  def handle_info({:nodedown, node, info}, state) do
    state.deliver.(
      {:transport, :down, node, List.keyfind(info, :nodedown_reason, 0, {nil, nil}) |> elem(1)}
    )

    {:noreply, state}
  end

  def handle_info(other, state) do
    Logger.warning("ignored a message of unknown form: #{inspect(other, limit: 5)}",
      domain: [:elixir_scope]
    )

    {:noreply, state}
  end
end
