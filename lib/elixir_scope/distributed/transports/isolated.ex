defmodule ElixirScope.Distributed.Transports.Isolated do
  @moduledoc """
  A transport over a simulated network, for several virtual nodes in one VM.

  Nothing leaves the VM; what can go wrong between real nodes can be made to happen
  with `ElixirScope.Distributed.Transports.Isolated.Network`.

      iex> alias ElixirScope.Distributed.Transports.Isolated
      iex> {:ok, net} = Isolated.Network.start_link()
      iex> me = self()
      iex> [a, b] =
      ...>   for node <- [:a@sim, :b@sim] do
      ...>     deliver = fn delivery -> send(me, {node, delivery}) end
      ...>     {:ok, transport} = Isolated.start_link(network: net, node: node, scope: :s, deliver: deliver)
      ...>     transport
      ...>   end
      iex> Isolated.connect(a, :b@sim)
      :ok
      iex> Isolated.peers(b)
      [:a@sim]
      iex> update = %ElixirScope.Distributed.Types.GlobalClockUpdate{
      ...>   source_node: :a@sim, kind: :ping, sent_at: {0, 1, :a@sim}}
      iex> Isolated.send(a, :b@sim, update)
      :ok
      iex> receive do {:b@sim, {:transport, :message, from, message}} -> {from, message.kind} end
      {:a@sim, :ping}
  """

  @behaviour ElixirScope.Distributed.Transport

  use GenServer

  alias ElixirScope.Distributed.Transport
  alias ElixirScope.Distributed.Transports.Isolated.Network

  @doc """
  Starts a member of the network `:network` (a pid or name; `Isolated.Network`).

  The other options are those of `ElixirScope.Distributed.Transport`: `:name`,
  `:node`, `:scope` and `:deliver`. A node may be there once per scope.

      Isolated.start_link(network: net, node: :a@sim, scope: :shop, deliver: &handle/1)
  """
  @impl Transport
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options),
    do: GenServer.start_link(__MODULE__, options, Keyword.take(options, [:name]))

  @doc """
  Hands a message over to the network.

      Isolated.send(transport, :b@sim, message)
  """
  @impl Transport
  @spec send(GenServer.name(), node, Transport.message()) ::
          :ok | {:error, :busy | :unreachable}
  def send(transport, to, message),
    do: ask(transport, {:send, to, message}, {:error, :unreachable})

  @doc """
  Connects with another member of the same scope.

      Isolated.connect(transport, :b@sim)
  """
  @impl Transport
  @spec connect(GenServer.name(), node) :: :ok | {:error, :unreachable | :not_running}
  def connect(transport, node), do: ask(transport, {:connect, node}, {:error, :unreachable})

  @doc """
  Whether another member is not there, or the way to it is cut.

      Isolated.diagnose(transport, :b@sim)
      #=> :not_running
  """
  @impl Transport
  @spec diagnose(GenServer.name(), node) :: :unreachable | :not_running
  def diagnose(transport, node), do: ask(transport, {:diagnose, node}, :unreachable)

  @doc """
  The members connected with this one.

      Isolated.peers(transport)
      #=> [:b@sim]
  """
  @impl Transport
  @spec peers(GenServer.name()) :: [node]
  def peers(transport), do: ask(transport, :peers, [])

  @impl GenServer
  def init(options) do
    member = {Keyword.fetch!(options, :scope), Keyword.fetch!(options, :node)}
    net = Keyword.get(options, :network, Network)
    state = %{net: net, member: member, deliver: Keyword.fetch!(options, :deliver)}

    case Network.attach(net, member) do
      :ok -> {:ok, watch(state)}
      {:error, :taken} -> {:stop, {:already_started, member}}
    end
  end

  @impl GenServer
  def handle_call({:send, to, message}, _from, state) do
    {:reply, Network.send(state.net, state.member, to, message), state}
  end

  def handle_call({:connect, node}, _from, state) do
    {:reply, Network.connect(state.net, state.member, node), state}
  end

  def handle_call({:diagnose, node}, _from, state) do
    {:reply, Network.diagnose(state.net, state.member, node), state}
  end

  def handle_call(:peers, _from, state) do
    {:reply, Network.peers(state.net, state.member), state}
  end

  @impl GenServer
  def handle_info({:isolated, {:message, from, receipt, message}}, state) do
    state.deliver.({:transport, :message, from, message})
    Network.settle(state.net, receipt)
    {:noreply, state}
  end

  def handle_info({:isolated, {:up, node}}, state), do: deliver(state, {:transport, :up, node})

  def handle_info({:isolated, {:down, node, reason}}, state) do
    deliver(state, {:transport, :down, node, reason})
  end

  # Without its network a member could neither be reached nor say so.
  def handle_info({:DOWN, _monitor, :process, _net, _reason}, state) do
    {:stop, {:shutdown, :network_ended}, state}
  end

  # Who has no transport any more reaches nobody; that is no reason to end.
  defp ask(transport, request, otherwise) do
    GenServer.call(transport, request)
  catch
    :exit, {reason, _call} when reason != :timeout -> otherwise
  end

  defp deliver(state, delivery) do
    state.deliver.(delivery)
    {:noreply, state}
  end

  defp watch(state) do
    Process.monitor(state.net)
    state
  end
end
