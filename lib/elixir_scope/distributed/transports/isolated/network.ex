defmodule ElixirScope.Distributed.Transports.Isolated.Network do
  @moduledoc """
  A simulated network: latency, loss and partitions between members in one VM.

      {:ok, net} = Network.start_link(seed: 7, latency_ms: 1..20, loss: 0.01)
      {:ok, _} = Isolated.start_link(network: net, node: :a@sim, scope: :shop, deliver: deliver)
      Network.partition(net, [[:a@sim], [:b@sim, :c@sim]])
      Network.heal(net)

  Options:

    * `:seed` - decides the dice (an integer, 0),
    * `:latency_ms` - a number, a range from which each message draws, or
      `fn from, to -> ms end` (0),
    * `:loss` - the probability that a message is lost (0.0),
    * `:detect_ms` - how long until both sides notice that a way between them is cut,
      and until they are connected again after it was opened (10),
    * `:reconnect` - whether opening a way brings back the connection that the cut
      took; with `false` a member has to connect, as on a real network (`true`),
    * `:capacity` - how many messages may be under way from one member to another
      before `send` answers `{:error, :busy}` (1,024),
    * `:reorder` - the probability that a message is held back until others have
      overtaken it (0.0),
    * `:duplicate` - the probability that a message arrives twice (0.0),
    * `:name` - a name to register.

  The last two are faults that no transport has: Erlang distribution delivers in
  order or not at all, and so does this unless they are switched on, for code that
  claims to stand more.

  A cut takes messages in the cut direction from the moment it is made; a message is
  lost when it would have arrived. What was lost is not sent again when the way
  opens before anyone noticed.

  The seed makes a run alike, **not equal**: which message is the n-th depends on
  how the processes were scheduled. A run that has to be replayed byte for byte
  belongs into the simulator of the native core (`scope_sync`).
  """

  use GenServer

  alias ElixirScope.Distributed.Transports.Isolated.{Faults, Links}

  @defaults [detect_ms: 10, reconnect: true, capacity: 1_024]

  @type option ::
          {:seed, integer}
          | {:latency_ms, Faults.latency()}
          | {:loss | :reorder | :duplicate, float}
          | {:detect_ms, non_neg_integer}
          | {:reconnect, boolean}
          | {:capacity, pos_integer}
          | {:name, GenServer.name()}

  @doc """
  Starts a network, linked to the caller.

      {:ok, net} = Network.start_link(latency_ms: 5, loss: 0.1, seed: 42)
  """
  @spec start_link([option]) :: GenServer.on_start()
  def start_link(options \\ []) do
    {name, options} = Keyword.split(options, [:name])
    links = new(options)
    GenServer.start_link(__MODULE__, links, name)
  end

  @doc """
  Cuts the way from one node, or several, to others: messages in that direction are lost.

  A connection does not live on one direction. After the detection time both sides
  are told `:down`, and neither can connect until the way is open again.

      Network.cut(net, :a@sim, :b@sim)
  """
  @spec cut(GenServer.server(), node | [node], node | [node]) :: :ok
  def cut(net, from, to), do: GenServer.call(net, {:cut, ways(from, to)})

  @doc """
  Opens the way from one node, or several, to others.

      Network.heal(net, :a@sim, :b@sim)
  """
  @spec heal(GenServer.server(), node | [node], node | [node]) :: :ok
  def heal(net, from, to), do: GenServer.call(net, {:open, ways(from, to)})

  @doc """
  Opens every way.

      Network.heal(net)
  """
  @spec heal(GenServer.server()) :: :ok
  def heal(net), do: GenServer.call(net, {:open, :all})

  @doc """
  Cuts every way between nodes of different groups; who is in no group keeps all ways.

      Network.partition(net, [[:a@sim], [:b@sim, :c@sim]])
  """
  @spec partition(GenServer.server(), [[node]]) :: :ok
  def partition(net, groups) do
    ways = for group <- groups, other <- groups -- [group], way <- ways(group, other), do: way
    GenServer.call(net, {:cut, ways})
  end

  @doc """
  Takes a node off the network as its end would: its connections close at once, on both sides.

      Network.unplug(net, :a@sim)

  It comes back with a transport that is started anew.
  """
  @spec unplug(GenServer.server(), node) :: :ok
  def unplug(net, node), do: GenServer.call(net, {:unplug, node})

  @doc """
  What was sent and what became of it.

  `sent` were accepted, of which some were `duplicated` into more; all of these were
  `delivered` or `lost` or are `in_flight`. `refused` were not accepted (`:busy`);
  `held_back` could be overtaken.

      Network.stats(net)
      #=> %{sent: 12, delivered: 10, lost: 2, in_flight: 0, duplicated: 0, held_back: 0, refused: 0}
  """
  @spec stats(GenServer.server()) :: %{atom => non_neg_integer}
  def stats(net), do: GenServer.call(net, :stats)

  # For the members

  @doc false
  @spec attach(GenServer.server(), Links.member()) :: :ok | {:error, :taken}
  def attach(net, member), do: GenServer.call(net, {:attach, member, self()})

  @doc false
  @spec connect(GenServer.server(), Links.member(), node) ::
          :ok | {:error, :unreachable | :not_running}
  def connect(net, {scope, _node} = member, to) do
    GenServer.call(net, {:connect, member, {scope, to}})
  end

  @doc false
  @spec diagnose(GenServer.server(), Links.member(), node) :: :unreachable | :not_running
  def diagnose(net, {scope, _node} = member, node) do
    GenServer.call(net, {:diagnose, member, {scope, node}})
  end

  @doc false
  @spec send(GenServer.server(), Links.member(), node, term) ::
          :ok | {:error, :busy | :unreachable}
  def send(net, {scope, _node} = member, to, message) do
    GenServer.call(net, {:send, member, {scope, to}, message})
  end

  @doc false
  @spec peers(GenServer.server(), Links.member()) :: [node]
  def peers(net, member), do: GenServer.call(net, {:peers, member})

  @doc false
  @spec settle(GenServer.server(), Links.receipt()) :: :ok
  def settle(net, receipt), do: GenServer.cast(net, {:settle, receipt})

  # Callbacks

  @impl true
  def init(links), do: {:ok, %{links: links, processes: %{}, timer: nil}}

  @impl true
  def handle_call({:attach, member, process}, _from, state) do
    state = without_dead(state, member)
    {reply, links} = Links.attach(state.links, member)
    state = if reply == :ok, do: watch(state, member, process), else: state
    {:reply, reply, update(state, links)}
  end

  def handle_call({:connect, from, to}, _from, state) do
    {reply, links} = Links.connect(state.links, from, to)
    {:reply, reply, update(state, links)}
  end

  def handle_call({:diagnose, from, to}, _from, state) do
    {:reply, Links.obstacle(state.links, from, to), state}
  end

  def handle_call({:unplug, node}, _from, state) do
    members = for {_scope, ^node} = member <- state.links.members, do: member
    {:reply, :ok, update(state, Enum.reduce(members, state.links, &Links.detach(&2, &1)))}
  end

  def handle_call({:send, from, to, message}, _from, state) do
    {reply, links} = Links.send(state.links, from, to, message, now())
    {:reply, reply, update(state, links)}
  end

  def handle_call({:cut, ways}, _from, state) do
    {:reply, :ok, update(state, Links.cut(state.links, ways, now()))}
  end

  def handle_call({:open, ways}, _from, state) do
    {:reply, :ok, update(state, Links.open(state.links, ways, now()))}
  end

  def handle_call({:peers, member}, _from, state) do
    nodes = for {_scope, node} <- Links.peers(state.links, member), do: node
    {:reply, Enum.sort(nodes), state}
  end

  def handle_call(:stats, _from, state), do: {:reply, Links.stats(state.links), state}

  @impl true
  def handle_cast({:settle, receipt}, state) do
    {:noreply, %{state | links: Links.settle(state.links, receipt)}}
  end

  @impl true
  def handle_info(:due, state), do: {:noreply, update(state, state.links)}

  def handle_info({:DOWN, _monitor, :process, process, _reason}, state),
    do: {:noreply, gone(state, process)}

  # Helpers

  defp new(options) do
    {faults, settings} = Keyword.split(options, Faults.options())
    struct!(Links, [faults: Faults.new(faults)] ++ Keyword.validate!(settings, @defaults))
  end

  defp ways(from, to), do: for(one <- List.wrap(from), other <- List.wrap(to), do: {one, other})

  # Whoever takes the place of one that has just ended may be here before the news of its end.
  defp without_dead(state, member) do
    case state.processes do
      %{^member => old} -> if Process.alive?(old), do: state, else: gone(state, old)
      %{} -> state
    end
  end

  defp gone(state, process) do
    gone = for {member, ^process} <- state.processes, do: member
    links = Enum.reduce(gone, state.links, &Links.detach(&2, &1))
    update(%{state | processes: Map.drop(state.processes, gone)}, links)
  end

  defp watch(state, member, process) do
    Process.monitor(process)
    put_in(state.processes[member], process)
  end

  defp update(state, links) do
    {out, links} = links |> Links.advance(now()) |> Links.take()
    for {member, what} <- out, do: Kernel.send(state.processes[member], {:isolated, what})
    rearm(%{state | links: links})
  end

  defp rearm(state) do
    if state.timer, do: Process.cancel_timer(state.timer)
    next = Links.next(state.links)
    %{state | timer: next && Process.send_after(self(), :due, max(next - now(), 0))}
  end

  defp now, do: System.monotonic_time(:millisecond)
end
