defmodule ElixirScope.Distributed.EventSynchronizer do
  @moduledoc """
  Keeps this node's events equal to the other members', by what each lacks.

  Every `sync_interval_ms` the members tell each other what changed; a node then pulls
  what it has not got, as compressed blocks, exactly as they are stored. While nothing
  changes the interval doubles, up to thirty seconds. Whose events a node keeps, and how many bytes a
  second it sends, are the options `sync:` and `sync_bytes_per_s:` of `ElixirScope.Distributed.start/1`.

  It is the default of `ElixirScope.Distributed.Synchronizer`: where a scope has another one, the
  functions here ask that.

      {:ok, %{received: 17}} = EventSynchronizer.sync_with_node(:"orders@127.0.0.1")
  """

  use GenServer

  import ElixirScope.Distributed.Sync.Pace

  alias ElixirScope.Distributed.{Error, GlobalClock, Operations, Options, Part, Scope}
  alias ElixirScope.Distributed.{Storage.Plugged, Synchronizer}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  alias ElixirScope.Distributed.Sync.{
    Busy,
    Company,
    Early,
    Effects,
    Outbox,
    Replica,
    Roster,
    Rounds
  }

  alias ElixirScope.Distributed.Types.{EventSyncMessage, GlobalTimestamp}

  @type summary :: %{
          sent: integer,
          received: integer,
          already: integer,
          bytes: integer,
          ms: integer
        }

  @behaviour Synchronizer

  defstruct [
    :name,
    :scope,
    :interval_ms,
    :timer,
    :floor,
    :kept,
    :again,
    peers: [],
    keepers: [],
    early: %Early{},
    refused: [],
    rounds: %Rounds{},
    roster: %Roster{},
    outbox: %Outbox{},
    conflicts: MapSet.new()
  ]

  @doc false
  @spec child_spec(Scope.t()) :: Supervisor.child_spec()
  def child_spec(scope), do: Part.child(:synchronizer, __MODULE__, scope)

  @doc false
  @impl Synchronizer
  def start_link(options),
    do: GenServer.start_link(__MODULE__, options[:name], name: options[:name])

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
         do: {:ok, Enum.filter(Plugged.all(scope, options), &later?(&1.at, stamp))}
  end

  defp later?(at, stamp), do: GlobalClock.compare(at, stamp) == :gt

  @doc """
  Takes in a batch that a member sent, as if its transport had delivered it.

      :ok = EventSynchronizer.apply_batch(message, ElixirScope.Distributed)
  """
  @spec apply_batch(EventSyncMessage.t(), atom) :: :ok | {:error, term}
  def apply_batch(%EventSyncMessage{} = message, scope) do
    Part.ask(scope, :synchronizer, :take_in, [message])
  end

  @doc false
  # Synchronises with `nodes` (or `:all` members) until `timeout_ms` is over.
  @spec synchronise(atom, :all | [node], pos_integer | nil) ::
          {:ok, %{node => summary | {:error, term}}} | {:error, Error.t()}
  def synchronise(scope, nodes, timeout_ms) do
    with {:ok, %{options: options}} <- Scope.fetch(scope) do
      timeout_ms = timeout_ms || options[:query_timeout_ms]
      Busy.exchange(scope, nodes, timeout_ms)
    end
  end

  @doc false
  # Membership decides with whom to synchronise, and who of them keeps copies for others.
  @spec tell_members(atom, [node], [node]) :: :ok
  def tell_members(scope, peers, keepers),
    do: Part.tell(scope, :synchronizer, :members, [peers, keepers])

  @doc false
  # Every bound of the exchange and its present value, for `status/0`.
  @spec bounds(atom) :: map
  defdelegate bounds(scope), to: Busy

  # The synchronizer itself

  @doc false
  @impl Synchronizer
  def members(name, peers, keepers), do: GenServer.cast(name, {:members, peers, keepers})

  @doc false
  @impl Synchronizer
  def exchange(name, nodes, timeout_ms),
    do: GenServer.call(name, {:synchronise, nodes, timeout_ms}, timeout_ms + Busy.grace_ms())

  @doc false
  @impl Synchronizer
  def deliver(name, from, message), do: GenServer.cast(name, {:batch, from, message})

  @doc false
  @impl Synchronizer
  def take_in(name, message), do: GenServer.call(name, {:apply, message})

  @doc false
  @impl Synchronizer
  def describe(name), do: GenServer.call(name, :bounds, Busy.grace_ms())

  @impl true
  def init(name), do: {:ok, %__MODULE__{name: name}, {:continue, :start}}

  @impl true
  def handle_continue(:start, state) do
    {:ok, scope} = Scope.fetch(Part.scope(state.name))
    interval_ms = scope.options[:sync_interval_ms]
    Storage.watch(scope.store, self())
    {:noreply, schedule(%{state | scope: scope, interval_ms: interval_ms}, interval_ms)}
  end

  @impl true
  def handle_call({:synchronise, nodes, timeout_ms}, caller, state) do
    case Rounds.room(state.rounds) do
      :ok -> {:noreply, begin(state, nodes, timeout_ms, caller)}
      {:full, error, rounds} -> {:reply, {:error, error}, %{state | rounds: rounds}}
    end
  end

  def handle_call(:bounds, _caller, state), do: {:reply, Effects.bounds(state), state}

  def handle_call({:apply, %{source_node: from} = batch}, _caller, state) do
    with {:ok, message} <- Operations.read(from, batch) do
      GlobalClock.hear(state.scope.name, from, message.sent_at)
      {reply, state} = receive_batch(from, message, state)
      {:reply, reply, state}
    else
      {:error, what} -> {:reply, {:error, what}, state}
    end
  end

  @impl true
  def handle_cast({:members, peers, keepers}, state) do
    state = Company.change(state, peers, keepers)
    {:noreply, state |> hear_early() |> Effects.answer() |> schedule(0)}
  end

  def handle_cast({:batch, from, message}, state) do
    {_reply, state} = receive_batch(from, message, state)
    {:noreply, Effects.answer(state)}
  end

  @impl true
  def handle_info(:tick, state) do
    GlobalClock.tick(state.scope.name, state.peers)
    state = Company.keep(state)
    step = Replica.tick(state.scope)
    state = %{state | floor: Replica.floor(state.scope), interval_ms: next(step, state)}
    {:noreply, state |> schedule(state.interval_ms) |> take(step) |> Effects.answer()}
  end

  def handle_info({:deadline, ref}, state) do
    {abandoned, rounds} = Rounds.expire(state.rounds, ref)
    for {node, token} <- abandoned, do: Replica.stop(state.scope, node, token)
    {:noreply, Effects.answer(%{state | rounds: rounds})}
  end

  # A connection was busy.
  def handle_info(:again, state), do: {:noreply, Effects.again(state)}

  # The scope has its first event after a silence.
  def handle_info(:events, state) do
    interval_ms = state.scope.options[:sync_interval_ms]
    {:noreply, hasten(%{state | interval_ms: interval_ms}, interval_ms)}
  end

  defp begin(state, nodes, timeout_ms, caller) do
    nodes = if nodes == :all, do: state.peers, else: nodes
    ref = make_ref()
    Process.send_after(self(), {:deadline, ref}, timeout_ms)

    state =
      update_in(state.rounds, &Rounds.begin(&1, ref, caller, System.monotonic_time(:millisecond)))

    nodes |> Enum.reduce(state, &start(&1, ref, &2)) |> Effects.answer()
  end

  defp start(node, ref, state) do
    with true <- node in state.peers,
         {:ok, token, step} <- Replica.start(state.scope, node) do
      take(update_in(state.rounds, &Rounds.await(&1, ref, node, token)), step)
    else
      _not_there ->
        update_in(state.rounds, &Rounds.settle(&1, ref, node, Company.unavailable(node)))
    end
  end

  defp hear_early(state) do
    {batches, early} = Early.take(state.early, state.peers)

    Enum.reduce(batches, %{state | early: early}, fn {from, message}, state ->
      from |> receive_batch(message, state) |> elem(1)
    end)
  end

  defp receive_batch(from, message, state) do
    with {:member, true} <- {:member, from in state.peers},
         {:ok, step} <- Replica.handle(state.scope, from, message.events_batch) do
      {:ok, take(state, step)}
    else
      {:member, false} ->
        {{:error, :not_a_member}, %{state | early: Early.put(state.early, from, message)}}

      {:error, reason} ->
        {{:error, reason}, Effects.refuse(state, from, reason)}
    end
  end

  # What the protocol asks for, and to come back in time.
  defp take(state, step) do
    state = Effects.run(state, step)
    if step.next_ms, do: hasten(state, step.next_ms), else: state
  end
end
