defmodule ElixirScope.Distributed.EventSynchronizer do
  @moduledoc """
  Keeps this node's events equal to the other members', by what each lacks.

  Every `sync_interval_ms` the members tell each other what changed; a node then pulls
  what it has not got, as compressed blocks, exactly as they are stored. While nothing
  changes the interval doubles, up to thirty seconds. Whose events a node keeps, and how many bytes a
  second it sends, are the options `sync:` and `sync_bytes_per_s:` of `ElixirScope.Distributed.start/1`.

      {:ok, %{received: 17}} = EventSynchronizer.sync_with_node(:"orders@127.0.0.1")
  """

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Error, GlobalClock, Options, Scope}
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Sync.{Busy, Effects, Mode, Outbox, Replica, Roster, Rounds}
  alias ElixirScope.Distributed.Types.{EventSyncMessage, GlobalTimestamp}

  @slowest_ms 30_000

  @type summary :: %{
          sent: integer,
          received: integer,
          already: integer,
          bytes: integer,
          ms: integer
        }

  defstruct [
    :scope,
    :interval_ms,
    :timer,
    :floor,
    :kept,
    :again,
    peers: [],
    early: %{},
    refused: %{},
    rounds: %Rounds{},
    roster: %Roster{},
    outbox: %Outbox{},
    conflicts: MapSet.new()
  ]

  @doc false
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc """
  Synchronises with one member now, and waits until both have the same.

      {:ok, %{sent: 3, received: 0}} = EventSynchronizer.sync_with_node(:"orders@127.0.0.1")
  """
  @spec sync_with_node(node, atom) :: {:ok, summary} | {:error, term}
  def sync_with_node(node, scope \\ Options.default_scope()) when is_atom(node) do
    with {:ok, results} <- synchronise(scope, [node], nil) do
      case results do
        %{^node => {:error, reason}} -> {:error, reason}
        %{^node => summary} -> {:ok, summary}
      end
    end
  end

  @doc """
  Synchronises with every member now; who did not answer says why.

      {:ok, %{:"orders@127.0.0.1" => %{received: 3}}} = EventSynchronizer.sync_with_cluster()
  """
  @spec sync_with_cluster(atom) ::
          {:ok, %{node => summary | {:error, term}}} | {:error, Error.t()}
  def sync_with_cluster(scope \\ Options.default_scope()), do: synchronise(scope, :all, nil)

  @doc """
  The events after a stamp, oldest first, of all nodes as far as they are here.

      {:ok, events} = EventSynchronizer.events_since(stamp, limit: 100)
  """
  @spec events_since(GlobalTimestamp.t(), keyword) ::
          {:ok, [ElixirScope.Distributed.Event.t()]} | {:error, term}
  def events_since({_logical, _physical_ns, _node} = stamp, options) do
    options = Options.validate!(:query, [{:from, stamp} | options])

    with {:ok, scope} <- Scope.fetch(options[:scope]),
         {:ok, %{events: events}} <- Storage.query(scope.store, options) do
      {:ok, Enum.filter(events, &(GlobalClock.compare(&1.at, stamp) == :gt))}
    end
  end

  @doc """
  Takes in a batch that a member sent, as if its transport had delivered it.

      :ok = EventSynchronizer.apply_batch(message, ElixirScope.Distributed)
  """
  @spec apply_batch(EventSyncMessage.t(), atom) :: :ok | {:error, term}
  def apply_batch(%EventSyncMessage{} = message, scope) do
    Scope.call(scope, __MODULE__, {:apply, message})
  end

  @doc false
  # Synchronises with `nodes` (or `:all` members) until `timeout_ms` is over; what is within `reach`
  # is pulled besides what is kept here.
  @spec synchronise(atom, :all | [node], pos_integer | nil, Replica.reach() | nil) ::
          {:ok, %{node => summary | {:error, term}}} | {:error, Error.t()}
  def synchronise(scope, nodes, timeout_ms, reach \\ nil) do
    with {:ok, %{options: options}} <- Scope.fetch(scope) do
      timeout_ms = timeout_ms || options[:query_timeout_ms]
      Busy.exchange(scope, {:synchronise, nodes, timeout_ms, reach})
    end
  end

  @doc false
  # Membership decides with whom to synchronise.
  @spec members(atom, [node]) :: :ok
  def members(scope, peers), do: Scope.cast(scope, __MODULE__, {:members, peers})

  @doc false
  # Every bound of the exchange and its present value, for `status/0`.
  @spec bounds(atom) :: map
  defdelegate bounds(scope), to: Busy

  @impl true
  def init(scope), do: {:ok, %__MODULE__{scope: scope}, {:continue, :start}}

  @impl true
  def handle_continue(:start, state) do
    {:ok, scope} = Scope.fetch(state.scope.name)
    interval_ms = scope.options[:sync_interval_ms]
    Storage.watch(scope.store, self())
    {:noreply, schedule(%{state | scope: scope, interval_ms: interval_ms}, interval_ms)}
  end

  @impl true
  def handle_call({:synchronise, nodes, timeout_ms, reach}, caller, state) do
    nodes = if nodes == :all, do: state.peers, else: nodes
    ref = make_ref()
    Process.send_after(self(), {:deadline, ref}, timeout_ms)
    state = update_in(state.rounds, &Rounds.begin(&1, ref, caller, now_ms()))
    {:noreply, nodes |> Enum.reduce(state, &start(&1, ref, reach, &2)) |> answer()}
  end

  def handle_call(:bounds, _caller, state) do
    own = %{mode: state.scope.options[:sync], keeps: state.kept, interval_ms: state.interval_ms}
    waiting = %{waiting: Outbox.status(state.outbox)}
    {:reply, state.scope |> Replica.bounds() |> Map.merge(own) |> Map.merge(waiting), state}
  end

  def handle_call({:apply, message}, _caller, state) do
    GlobalClock.hear(state.scope.name, message.source_node, message.sent_at)
    {reply, state} = receive_batch(message.source_node, message, state)
    {:reply, reply, state}
  end

  @impl true
  def handle_cast({:members, peers}, state) do
    for node <- peers -- state.peers, do: Replica.peer(state.scope, node, :up)
    for node <- state.peers -- peers, do: Replica.peer(state.scope, node, :down)
    gone = &Rounds.gone(&2, &1, unavailable(&1))
    rounds = Enum.reduce(state.peers -- peers, state.rounds, gone)
    outbox = Enum.reduce(state.peers -- peers, state.outbox, &Outbox.gone(&2, &1))
    roster = Roster.update(state.roster, peers, now_ms())
    state = keep(%{state | peers: peers, rounds: rounds, outbox: outbox, roster: roster})
    {:noreply, state |> hear_early() |> answer() |> schedule(0)}
  end

  def handle_cast({:transport, :message, from, message}, state) do
    {_reply, state} = receive_batch(from, message, state)
    {:noreply, answer(state)}
  end

  @impl true
  def handle_info(:tick, state) do
    GlobalClock.tick(state.scope.name, state.peers)
    state = keep(state)
    step = Replica.tick(state.scope)
    state = %{state | floor: oldest(state.scope), interval_ms: next(step, state)}
    {:noreply, state |> schedule(state.interval_ms) |> take(step) |> answer()}
  end

  def handle_info({:deadline, ref}, state) do
    {abandoned, rounds} = Rounds.expire(state.rounds, ref)
    for {node, token} <- abandoned, do: Replica.stop(state.scope, node, token)
    {:noreply, answer(%{state | rounds: rounds})}
  end

  # A connection was busy.
  def handle_info(:again, state) do
    {:noreply, Effects.again(state)}
  end

  # The scope has its first event after a silence.
  def handle_info(:events, state) do
    interval_ms = state.scope.options[:sync_interval_ms]
    {:noreply, hasten(%{state | interval_ms: interval_ms}, interval_ms)}
  end

  # Whose events are kept here depends on who belongs to the cluster.
  defp keep(state) do
    {others, roster} = Roster.members(state.roster, now_ms())
    keeps = Mode.keeps(state.scope.options[:sync], length(others) + 1)
    :ok = Replica.keep(state.scope, others, keeps)
    %{state | roster: roster, kept: keeps}
  end

  defp start(node, ref, reach, state) do
    with true <- node in state.peers,
         {:ok, token, step} <- Replica.start(state.scope, node, reach) do
      take(update_in(state.rounds, &Rounds.await(&1, ref, node, token)), step)
    else
      _not_there -> update_in(state.rounds, &Rounds.settle(&1, ref, node, unavailable(node)))
    end
  end

  # The other side of a handshake may be through with it first: its last batch is kept
  # until ours is, and forgotten with the next change of members.
  defp hear_early(state) do
    known = Map.take(state.early, state.peers)

    Enum.reduce(known, %{state | early: %{}, refused: %{}}, fn {from, message}, state ->
      from |> receive_batch(message, state) |> elem(1)
    end)
  end

  defp receive_batch(from, message, state) do
    with {:member, true} <- {:member, from in state.peers},
         {:ok, step} <- Replica.handle(state.scope, from, message.events_batch) do
      {:ok, take(state, step)}
    else
      {:member, false} -> {{:error, :not_a_member}, put_in(state.early[from], message)}
      {:error, reason} -> {{:error, reason}, refuse(state, from, reason)}
    end
  end

  # What the protocol asks for, and to come back in time.
  defp take(state, step) do
    state = Effects.run(state, step)
    if step.next_ms, do: hasten(state, step.next_ms), else: state
  end

  defp answer(state) do
    {over, rounds} = Rounds.finished(state.rounds)
    Enum.each(over, fn {caller, results} -> GenServer.reply(caller, {:ok, results}) end)
    %{state | rounds: rounds}
  end

  # One line for a peer that begins to send what cannot be read, not one for each batch.
  defp refuse(state, from, reason) do
    if state.refused[from] != reason,
      do: Logger.warning("refused a batch from #{from}: #{reason}", domain: [:elixir_scope])

    put_in(state.refused[from], reason)
  end

  # While nothing goes on, less and less often.
  defp next(%{out: [], next_ms: nil}, state), do: min(state.interval_ms * 2, @slowest_ms)
  defp next(_step, state), do: state.scope.options[:sync_interval_ms]

  defp hasten(state, ms) do
    left = state.timer && Process.read_timer(state.timer)
    if left && left <= ms, do: state, else: schedule(state, ms)
  end

  defp schedule(state, ms) do
    if state.timer, do: Process.cancel_timer(state.timer)
    %{state | timer: Process.send_after(self(), :tick, ms)}
  end

  defp oldest(%{store: store, node: node}) do
    with {logical, physical_ns} <- Storage.status(store).floor, do: {logical, physical_ns, node}
  end

  defp unavailable(node), do: {:error, {:node_unavailable, node}}
  defp now_ms, do: System.monotonic_time(:millisecond)
end
