defmodule ElixirScope.Distributed.Capture.Conductor do
  @moduledoc false
  # One trace on many nodes. The node where it was begun orders it on the others, renews
  # their leases, and orders it on those that come later. No node needs another one to
  # stop: without renewal its lease runs out.

  use GenServer

  alias ElixirScope.Distributed.Capture.{Asking, Conducted, Order, Post, Tracer}
  alias ElixirScope.Distributed.{Error, NodeCoordinator, Options, Scope, Trace}
  alias ElixirScope.Distributed.Types.TraceMessage

  # How long the slowest node may take to answer.
  @answer_ms 5_000

  defstruct [:scope, peers: [], traces: %{}, asking: %{}]

  @doc false
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc "Begins a trace on all nodes that are meant; the caller owns it."
  @spec trace(term, keyword) :: {:ok, Trace.t()} | {:error, Error.t()}
  def trace(written, options) do
    with {:ok, order} <- Order.new(written, options, {node(), self()}),
         {:ok, members} <- NodeCoordinator.get_cluster_nodes(order.options[:scope]),
         {:ok, nodes} <- Conducted.chosen(order.options[:nodes], members),
         do: call(order.options[:scope], {:trace, Order.number(order, Tracer.numbers()), nodes})
  end

  @doc "Ends a trace, or all of them, on every node, wherever it was begun."
  @spec stop(pos_integer | :all, atom) :: {:ok, %{node => map}} | {:error, Error.t()}
  def stop(which, scope \\ Options.default_scope()), do: call(scope, {:stop, which})

  @doc "Membership says who is there."
  @spec members(atom, [node]) :: :ok
  def members(scope, peers), do: Scope.cast(scope, __MODULE__, {:members, peers})

  @impl true
  def init(scope) do
    Process.flag(:trap_exit, true)
    with {:ok, scope} <- Scope.fetch(scope.name), do: {:ok, %__MODULE__{scope: scope}}
  end

  @impl true
  def handle_call({:trace, order, nodes}, from, state) do
    {_node, owner} = order.by
    conducted = Conducted.new(order, Process.monitor(owner), now())
    state = put_in(state.traces[order.id], conducted)
    {:noreply, ask(state, {:trace, order.id}, from, nodes, &arm(state, order, &1, &2))}
  end

  def handle_call({:stop, which}, from, state) do
    nodes = all(state)
    {:noreply, ask(state, {:stop, which}, from, nodes, &disarm(state, which, :stopped, &1, &2))}
  end

  @impl true
  def handle_cast({:members, peers}, state) do
    {come, gone} = {peers -- state.peers, state.peers -- peers}
    state = Enum.reduce(gone, %{state | peers: peers}, &lost/2)
    {:noreply, Enum.reduce(come, state, &joined/2)}
  end

  def handle_cast({:transport, :message, from, %TraceMessage{} = message}, state),
    do: {:noreply, hear(message, from, state)}

  def handle_cast({:transport, :refused, from, ref, error}, state) do
    Post.send(state.scope, from, :refused, ref: ref, result: error)
    {:noreply, state}
  end

  @impl true
  def handle_info({:done, asked, kind, answer}, state) do
    Post.send(state.scope, asked, kind, answer)
    {:noreply, state}
  end

  def handle_info({:late, ref}, state), do: {:noreply, update(state, ref, &Asking.give_up/1)}
  def handle_info({:renew, id}, state), do: {:noreply, renew(state, id)}

  # A node that is asked tells all: it does not know who began the trace.
  def handle_info({:trace_ended, id, summary}, state) do
    for node <- all(state), do: Post.send(state.scope, node, :ended, trace: id, result: summary)
    {:noreply, state}
  end

  def handle_info({:DOWN, monitor, :process, _pid, _reason}, state) do
    owned = for {id, %{monitor: ^monitor}} <- state.traces, do: id
    {:noreply, Enum.reduce(owned, state, &abandon/2)}
  end

  def handle_info(_worker, state), do: {:noreply, state}

  # On other nodes what was begun here ends by its lease at the latest.
  @impl true
  def terminate(_reason, state) do
    for {id, _} <- state.traces,
        node <- state.peers,
        do: disarm(state, id, :owner_down, node, nil)

    Tracer.disarm({:all, state.scope.name}, :owner_down)
  end

  # What other nodes say, and this one to itself

  defp hear(%{kind: :arm} = message, from, state) do
    Post.arm(state.scope, from, message)
    state
  end

  defp hear(%{kind: :disarm} = message, from, state) do
    which = if message.trace == :all, do: {:all, state.scope.name}, else: message.trace
    disarm = fn -> Tracer.disarm(which, message.reason) end
    Post.work(state.scope, from, message.ref, :disarmed, disarm)
    forget(state, message.trace)
  end

  defp hear(%{kind: :renew, trace: id}, from, state) do
    Tracer.renew(id, from)
    state
  end

  defp hear(%{kind: :running, trace: id, result: summary}, from, state),
    do: change(state, id, &Conducted.told(&1, from, summary))

  defp hear(%{kind: :ended, trace: id, result: summary}, from, state),
    do: change(state, id, &Conducted.ended(&1, from, summary))

  # Nobody waits for it any more, but it runs there.
  defp hear(%{kind: :armed, ref: ref, result: %{id: id} = summary}, from, state)
       when not is_map_key(state.asking, ref),
       do: change(state, id, &Conducted.answered(&1, from, {:ok, summary}))

  defp hear(%{kind: :refused} = message, from, state),
    do: update(state, message.ref, &Asking.answer(&1, from, {:error, message.result}))

  defp hear(message, from, state),
    do: update(state, message.ref, &Asking.answer(&1, from, {:ok, message.result}))

  # Asking

  defp ask(state, about, from, nodes, send) do
    ref = make_ref()
    Process.send_after(self(), {:late, ref}, @answer_ms)
    Enum.each(nodes, &send.(&1, ref))
    put_in(state.asking[ref], Asking.new(about, from, nodes))
  end

  defp update(state, ref, fun) when is_map_key(state.asking, ref) do
    asking = fun.(state.asking[ref])

    if Asking.done?(asking),
      do: reply(%{state | asking: Map.delete(state.asking, ref)}, asking),
      else: put_in(state.asking[ref], asking)
  end

  defp update(state, _over, _fun), do: state

  defp reply(state, %{about: {:stop, which}} = asking) do
    if asking.from, do: GenServer.reply(asking.from, Conducted.stopped(which, asking.answers))
    state
  end

  defp reply(state, %{about: {:trace, id}} = asking) when is_map_key(state.traces, id) do
    noted = Enum.reduce(asking.answers, state, &noted(&2, id, &1))
    if asking.from, do: begun(noted, id, asking), else: noted
  end

  # It was stopped before all nodes had taken it: some took it after they heard of its end.
  defp reply(state, %{about: {:trace, id}} = asking) do
    for {node, {:ok, _summary}} <- asking.answers, do: disarm(state, id, :stopped, node, nil)
    if asking.from, do: GenServer.reply(asking.from, {:error, Error.new(:stopped, id: id)})
    state
  end

  # Who answered may be gone again before the last one has answered.
  defp noted(state, id, {node, answer}) do
    noted = change(state, id, &Conducted.answered(&1, node, answer))
    if node in all(state), do: noted, else: change(noted, id, &Conducted.lost(&1, node))
  end

  # A trace that no node took is none.
  defp begun(state, id, asking) do
    result = Conducted.result(state.traces[id], asking.answers)
    GenServer.reply(asking.from, result)
    if match?({:ok, _trace}, result), do: schedule(state, id), else: forget(state, id)
  end

  # Orders

  defp arm(state, order, node, ref, lease_ms \\ nil) do
    lease_ms = lease_ms || order.budgets.lease_ms
    Post.send(state.scope, node, :arm, ref: ref, order: order, lease_ms: lease_ms)
  end

  defp disarm(state, which, reason, node, ref),
    do: Post.send(state.scope, node, :disarm, ref: ref, trace: which, reason: reason)

  defp renew(state, id) when is_map_key(state.traces, id) do
    conducted = Conducted.renew(state.traces[id], now())
    for node <- Conducted.running(conducted), do: Post.send(state.scope, node, :renew, trace: id)
    state = put_in(state.traces[id], conducted)
    if Conducted.over?(conducted, now()), do: forget(state, id), else: schedule(state, id)
  end

  defp renew(state, _forgotten), do: state

  # Twice in vain, and it still holds.
  defp schedule(state, id) do
    Process.send_after(self(), {:renew, id}, div(state.traces[id].order.budgets.lease_ms, 3))
    state
  end

  defp abandon(id, state) do
    state
    |> ask({:stop, id}, nil, all(state), &disarm(state, id, :owner_down, &1, &2))
    |> forget(id)
  end

  defp joined(node, state), do: Enum.reduce(state.traces, state, &order_on(node, &1, &2))

  defp order_on(node, {id, conducted}, state) do
    case Conducted.wants?(conducted, node) && Conducted.rest(conducted, node, now()) do
      {:ok, order, ms} -> ask(state, {:trace, id}, nil, [node], &arm(state, order, &1, &2, ms))
      _not_meant_or_over -> state
    end
  end

  defp lost(node, state) do
    asked = Map.keys(state.asking)
    state = Enum.reduce(asked, state, &update(&2, &1, fn asking -> Asking.lost(asking, node) end))
    traced = Map.keys(state.traces)
    Enum.reduce(traced, state, &change(&2, &1, fn trace -> Conducted.lost(trace, node) end))
  end

  defp change(state, id, fun) when is_map_key(state.traces, id),
    do: update_in(state.traces[id], fun)

  defp change(state, _id, _fun), do: state

  defp forget(state, :all), do: Enum.reduce(Map.keys(state.traces), state, &forget(&2, &1))

  defp forget(state, id) do
    with %{^id => %{monitor: monitor}} <- state.traces, do: Process.demonitor(monitor, [:flush])
    %{state | traces: Map.delete(state.traces, id)}
  end

  defp all(state), do: [state.scope.node | state.peers]
  defp now, do: System.monotonic_time(:millisecond)
  defp call(scope, request), do: Scope.call(scope, __MODULE__, request, :infinity)
end
