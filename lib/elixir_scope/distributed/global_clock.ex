defmodule ElixirScope.Distributed.GlobalClock do
  @moduledoc """
  The clock that orders the events of all nodes.

  A hybrid logical clock: physical time, corrected so that it never runs behind a
  stamp that came from another node. Reading it costs no process a message.

  A stamp is `{logical, physical_ns, node}`. Its parts are not in the order of their
  weight, so the term order of two stamps means nothing; sort with `compare/2`:

      iex> early = {4, 1_000, :b@host}
      iex> late = {0, 2_000, :a@host}
      iex> Enum.sort([early, late]) == [late, early]
      true
      iex> Enum.sort([late, early], ElixirScope.Distributed.GlobalClock)
      [{4, 1_000, :b@host}, {0, 2_000, :a@host}]

  The process of the same name exchanges stamps with the other members, so that
  `offset/1` can say how far apart two clocks are, and how sure that is. It is the default of
  `ElixirScope.Distributed.Clock`: where a scope has another clock, that one is asked.
  """

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Clock, Error, Native, Options, Part, Scope}
  alias ElixirScope.Distributed.Cluster.{Clocked, Offset, Quarantine}
  alias ElixirScope.Distributed.Recording.Opened
  alias ElixirScope.Distributed.Storages.Native, as: Storage
  alias ElixirScope.Distributed.Types.{GlobalClockUpdate, GlobalTimestamp}

  @behaviour Clock

  defstruct [:name, :scope, offsets: %{}, quarantine: %Quarantine{}]

  @doc "The specification of a scope's clock, a part of the scope's tree."
  @spec child_spec(Scope.t()) :: Supervisor.child_spec()
  def child_spec(scope), do: Part.child(:clock, __MODULE__, scope)

  @doc false
  @impl Clock
  def start_link(options),
    do: GenServer.start_link(__MODULE__, options[:name], name: options[:name])

  @doc """
  The present moment; later than every stamp this node has seen.

      {0, 1_790_000_000_123_456_789, :"web@127.0.0.1"} = GlobalClock.now()
  """
  @spec now(atom) :: GlobalTimestamp.t() | {:error, Error.t()}
  def now(scope \\ Options.default_scope()) do
    case Scope.fetch(scope) do
      {:ok, %{clock: {__MODULE__, _name}} = scope} -> stamp(scope)
      _plugged_or_none -> Part.ask(scope, :clock, :read)
    end
  end

  @doc """
  Compares two stamps in the cluster's total order.

      iex> ElixirScope.Distributed.GlobalClock.compare({1, 5, :a@h}, {0, 6, :a@h})
      :lt
      iex> ElixirScope.Distributed.GlobalClock.compare({1, 5, :b@h}, {1, 5, :a@h})
      :gt
  """
  @spec compare(GlobalTimestamp.t(), GlobalTimestamp.t()) :: :lt | :eq | :gt
  def compare({l1, p1, n1}, {l2, p2, n2}), do: order({p1, l1, n1}, {p2, l2, n2})

  @doc "The same as `compare/2`, under the name older designs used."
  @spec compare_timestamps(GlobalTimestamp.t(), GlobalTimestamp.t()) :: :lt | :eq | :gt
  def compare_timestamps(one, other), do: compare(one, other)

  @doc """
  Tells the clock of a stamp from elsewhere: from now on it reads later than that.

  A stamp too far ahead of this node's physical clock is refused, so that one wrong
  clock cannot drag the cluster's along.

      :ok = GlobalClock.update(stamp_that_came_with_a_request)
  """
  @spec update(GlobalTimestamp.t(), atom) :: :ok | {:error, Error.t()}
  def update({logical, physical_ns, node} = stamp, scope \\ Options.default_scope())
      when is_integer(logical) and is_integer(physical_ns) and is_atom(node),
      do: Part.ask(scope, :clock, :observe, [nil, stamp])

  @doc """
  How far the clock of `node` is ahead of ours, and how uncertain that is, in nanoseconds.

      {:ok, {offset_ns, uncertainty_ns}} = GlobalClock.offset(:"orders@127.0.0.1")
  """
  @spec offset(node, atom) :: {:ok, Offset.t()} | {:error, Error.t()}
  def offset(node, scope \\ Options.default_scope()),
    do: Part.ask(scope, :clock, :measured, [node])

  @doc false
  # Every message of a member says when it was sent. This runs in the transport's process, before the
  # message is handed on, so that whoever handles it is later than its sender. A stamp of any other
  # form says nothing.
  @spec hear(atom, node, term) :: :ok
  def hear(scope, from, {logical, physical_ns, node} = stamp)
      when logical in 0..0xFF and physical_ns in 0..0xFFFFFFFFFFFFFFFF and is_atom(node),
      do: Part.tell(scope, :clock, :observe, [from, stamp])

  def hear(_scope, _from, _nothing), do: :ok

  @doc false
  # What the clock is and how it stands, for `status/0`.
  @spec status(Scope.t()) :: map
  # What is read has a clock of its own, and nobody whom it could follow.
  def status(%{recording: %Opened{}, store: store}),
    do: Map.merge(Native.clock_status(store), %{quarantined: [], bounds: %{}})

  def status(scope) do
    with {:error, _not_there} <- Part.ask(scope.name, :clock, :describe), do: %{quarantined: []}
  end

  @doc false
  # The members whose clocks run too far ahead of ours.
  @spec quarantined(atom) :: [node]
  def quarantined(scope) do
    with {:error, _not_there} <- Part.ask(scope, :clock, :describe),
         do: [],
         else: (status -> status.quarantined)
  end

  @doc """
  Tells the clock of the members, for its periodic round. That is the synchronizer's to do: one timer
  per scope is enough.

      :ok = GlobalClock.tick(:shop, [:"orders@127.0.0.1"])
  """
  @spec tick(atom, [node]) :: :ok
  def tick(scope, peers), do: Part.tell(scope, :clock, :exchange, [peers])

  # The clock itself

  @doc false
  @impl Clock
  def read(name) do
    {:ok, scope} = Scope.fetch(Part.scope(name))
    stamp(scope)
  end

  @doc false
  @impl Clock
  def observe(name, from, stamp) do
    with {:error, %{reason: :clock_too_far_ahead} = error} <- move(name, stamp) do
      from && GenServer.cast(name, {:refused, from, error})
      {:error, error}
    end
  end

  defp move(name, {logical, physical_ns, _node} = stamp) do
    with {:ok, %{store: store}} <- Scope.fetch(Part.scope(name)),
         {:error, details} <- Native.clock_observe(store, logical, physical_ns) do
      {:error, refused(details, stamp)}
    else
      {:ok, _moved} -> :ok
      not_running -> not_running
    end
  end

  defp refused(%Error{} = error, _stamp), do: error

  defp refused(details, stamp),
    do: Error.new(:clock_too_far_ahead, Map.put(details, :stamp, stamp))

  @doc false
  @impl Clock
  def deliver(name, from, update), do: GenServer.cast(name, {:update, from, update})

  @doc false
  @impl Clock
  def exchange(name, peers), do: GenServer.cast(name, {:tick, peers})

  @doc false
  @impl Clock
  def measured(name, node), do: GenServer.call(name, {:offset, node})

  @doc false
  @impl Clock
  def describe(name) do
    told = GenServer.call(name, :describe)

    with {:ok, %{store: store}} <- Scope.fetch(Part.scope(name)),
         do: Map.merge(Native.clock_status(store), told)
  end

  @impl true
  def init(name), do: {:ok, %__MODULE__{name: name}, {:continue, :start}}

  @impl true
  def handle_continue(:start, state) do
    {:ok, scope} = Scope.fetch(Part.scope(state.name))
    {:noreply, tell_core(%{state | scope: scope})}
  end

  @impl true
  def handle_call({:offset, node}, _from, state) do
    {:reply, answer(node, state.offsets), state}
  end

  def handle_call(:describe, _from, state) do
    bounds = Map.merge(Offset.bounds(state.offsets), Quarantine.bounds(state.quarantine))
    {:reply, %{quarantined: Quarantine.nodes(state.quarantine), bounds: bounds}, state}
  end

  @impl true
  def handle_cast({:tick, peers}, state) do
    with {:ok, _kept} <- Native.clock_calibrate(state.scope.store) do
      Enum.each(peers, &ping(state, &1))
      {:noreply, %{state | offsets: Map.take(state.offsets, peers)}}
    else
      {:error, ended} -> begin_again(state, ended)
    end
  end

  def handle_cast({:update, from, %GlobalClockUpdate{} = update}, state) do
    {:noreply, state |> believe(from, update.sent_at) |> exchange(from, update)}
  end

  def handle_cast({:refused, from, error}, state) do
    {news, quarantine} = Quarantine.refuse(state.quarantine, from, error.details)
    {:noreply, tell(%{state | quarantine: quarantine}, news, from, {:quarantined, error})}
  end

  # What runs above the store starts again, as another incarnation of this member.
  defp begin_again(state, %{behind_ns: behind_ns}) do
    Logger.warning(
      "the wall clock stepped back #{div(behind_ns, 1_000_000)} ms; a new incarnation begins",
      domain: [:elixir_scope]
    )

    :ok = Storage.renew(state.scope, :anew)
    {:stop, {:shutdown, :incarnation_ended}, state}
  end

  defp exchange(state, from, %{kind: :ping} = ping) do
    reply = %{message(state.scope, :pong) | echo: ping.sent_at, received_at: stamp(state.scope)}
    _ = Part.send(state.name, from, reply)
    state
  end

  defp exchange(state, from, %{kind: :pong} = pong) do
    sample = Offset.sample(pong.echo, pong.received_at, pong.sent_at, stamp(state.scope))
    %{state | offsets: Offset.learn(state.offsets, from, sample)}
  end

  defp ping(state, peer), do: Part.send(state.name, peer, message(state.scope, :ping))

  defp message(scope, kind),
    do: %GlobalClockUpdate{source_node: scope.node, kind: kind, sent_at: stamp(scope)}

  # An exchange with a peer in quarantine shows whether its clock is right again.
  defp believe(state, from, stamp) do
    with true <- Quarantine.member?(state.quarantine, from),
         :ok <- move(state.name, stamp) do
      {news, quarantine} = Quarantine.accept(state.quarantine, from)
      tell(%{state | quarantine: quarantine}, news, from, :back)
    else
      _not_in_or_still_ahead -> state
    end
  end

  defp tell(state, :known, _peer, _change), do: state

  defp tell(state, :news, peer, change) do
    Clocked.tell(state.scope, peer, change)
    tell_core(state)
  end

  # What comes of their events is marked with when it came.
  defp tell_core(state) do
    nodes = state.quarantine |> Quarantine.nodes() |> Enum.map(&Atom.to_string/1)
    Native.clock_distrust(state.scope.store, nodes)
    state
  end

  defp stamp(%{store: store, node: node}) do
    {logical, physical_ns} = Native.clock_now(store)
    {logical, physical_ns, node}
  end

  defp answer(node, offsets) do
    case offsets do
      %{^node => window} -> {:ok, Offset.best(window)}
      _none -> {:error, Error.new(:unknown_node, node: node)}
    end
  end

  defp order(same, same), do: :eq
  defp order(one, other), do: if(one < other, do: :lt, else: :gt)
end
