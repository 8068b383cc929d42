defmodule ElixirScope.Distributed.Debug.Breakpoints.Server do
  @moduledoc false
  # The controlling side: has nodes do what owners of this node want, and keeps their leases there. What is to
  # be done is decided in `Wanted`; workers ask, one at a time for each owner and node. As long as anything
  # is wanted it asks every node a few times in the time of a lease: so a node that was away, or was
  # started again, is found without being watched.

  use GenServer

  alias ElixirScope.Distributed.Debug.Breakpoints.{Errand, Wanted}
  alias ElixirScope.Distributed.Debug.{Owners, Supervisor}

  @rounds_in_a_lease 4

  defstruct [:timer, w: Wanted.new(), monitors: %{}, waiting: %{}, scopes: %{}, errands: %{}]

  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "Wants something; what came of it on each node."
  def put(id, spec), do: ask({:put, id, spec}, spec.timeout_ms + 1_000)

  @doc "Wants some of it no longer; answers when nodes that can be reached have done it."
  def drop(ids, owner), do: ask({:drop, ids, owner}, 60_000)

  @doc "What is wanted."
  def wanted, do: ask(:wanted, 5_000)

  @doc "Keeps an owner's lease on a node, until the owner ends."
  def keep(owner, node, scope), do: ask({:keep, owner, node, scope}, 5_000)

  defp ask(request, timeout) do
    with {:ok, pid} <- Supervisor.ensure(:language, __MODULE__),
         do: GenServer.call(pid, request, timeout)
  catch
    :exit, {:timeout, _call} -> {:error, :too_late}
  end

  @impl true
  def init(_options), do: {:ok, %__MODULE__{}}

  @impl true
  def handle_call({:put, id, spec}, from, state) do
    nodes = Wanted.nodes(spec, connected())
    {there, left} = Enum.split_with(nodes, &there?(state.w, id, spec, &1))
    came = for node <- there, do: {{id, node}, state.w.links[{spec.owner, node}].there[id]}
    waiting = Map.put(state.waiting, from, %{left: for(n <- left, do: {id, n}), came: came})

    state = %{
      watched(state, spec.owner, spec.scope)
      | w: Wanted.put(state.w, id, spec),
        waiting: waiting
    }

    {:noreply, state |> run(false) |> answer()}
  end

  def handle_call({:drop, ids, owner}, from, state) do
    ids = for {id, spec} <- state.w.wanted, spec.owner == owner, ids == :all or id in ids, do: id

    left =
      for {{^owner, node}, link} <- state.w.links,
          id <- ids,
          is_map_key(link.there, id),
          do: {id, node}

    waiting = Map.put(state.waiting, from, %{left: left, came: []})

    {:noreply,
     %{state | w: Wanted.drop(state.w, ids), waiting: waiting} |> run(false) |> answer()}
  end

  def handle_call({:keep, owner, node, scope}, _from, state) do
    state = watched(state, owner, scope)
    {:reply, :ok, timed(%{state | w: Wanted.keep(state.w, owner, node)})}
  end

  def handle_call(:wanted, _from, state), do: {:reply, state.w, state}

  @impl true
  def handle_info({:done, owner, node, done}, state) do
    {events, w} = Wanted.done(state.w, owner, node, done)
    state = Enum.reduce(events, %{state | w: w}, &happened(&2, &1, owner))
    {:noreply, state |> run(false) |> answer()}
  end

  def handle_info(:round, state), do: {:noreply, run(%{state | timer: nil}, true)}

  def handle_info({:DOWN, monitor, :process, _pid, reason}, %{errands: errands} = state)
      when is_map_key(errands, monitor) do
    {job, errands} = Map.pop!(errands, monitor)
    if reason != :normal, do: send(self(), {:done, job.owner, job.node, Errand.failed(reason)})
    {:noreply, %{state | errands: errands}}
  end

  def handle_info({:DOWN, _monitor, :process, owner, _reason}, state) do
    {nodes, w} = Wanted.drop_owner(state.w, owner)
    {scope, scopes} = Map.pop(state.scopes, owner)
    for node <- nodes, do: spawn(fn -> Errand.release(owner, node, scope) end)
    {:noreply, %{state | w: w, scopes: scopes, monitors: Map.delete(state.monitors, owner)}}
  end

  # It was wanted before, and is there.
  defp there?(w, id, spec, node),
    do: w.wanted[id] == spec and match?(%{there: %{^id => {:ok, _}}}, w.links[{spec.owner, node}])

  # -- jobs --

  defp run(state, renew?) do
    {jobs, w} = Wanted.jobs(state.w, connected(), renew?)
    server = self()

    errands =
      for job <- jobs, into: state.errands do
        {_pid, monitor} =
          spawn_monitor(fn -> Errand.run(server, job, state.scopes[job.owner]) end)

        {monitor, job}
      end

    timed(%{state | w: w, errands: errands})
  end

  defp connected, do: [node() | Node.list(:connected)]

  defp watched(state, owner, scope) do
    monitors = Map.put_new_lazy(state.monitors, owner, fn -> Process.monitor(owner) end)
    %{state | monitors: monitors, scopes: Map.put(state.scopes, owner, scope)}
  end

  # Without anything wanted it does nothing.
  defp timed(%{timer: nil, w: %{links: links}} = state) when links != %{} do
    every = div(Owners.lease_ms(), @rounds_in_a_lease)
    %{state | timer: Process.send_after(self(), :round, every)}
  end

  defp timed(state), do: state

  # -- what came of them --

  defp happened(state, {:set, id, node, result}, owner) do
    if waited_for?(state, {id, node}),
      do: came(state, {id, node}, result),
      else: tell(state, owner, event(result), id, node, result)
  end

  defp happened(state, {:cleared, id, node}, _owner), do: came(state, {id, node}, :ok)

  defp happened(state, {:back, id, node, breakpoint}, owner),
    do:
      state
      |> came({id, node}, {:ok, breakpoint})
      |> tell(owner, :back, id, node, {:ok, breakpoint})

  defp happened(state, {:gone, id, node, breakpoint}, owner),
    do: tell(state, owner, :gone, id, node, {:ok, %{breakpoint | verified: :pending}})

  defp event({:ok, _breakpoint}), do: :verified
  defp event({:error, _reason}), do: :gone

  defp tell(state, owner, event, id, node, result) do
    with %{^id => spec} <- state.w.wanted,
         do: send(owner, {:breakpoint, event, Errand.shown(id, node, spec, result)})

    state
  end

  defp waited_for?(state, what),
    do: Enum.any?(state.waiting, fn {_from, %{left: left}} -> what in left end)

  defp came(state, what, result) do
    waiting =
      Map.new(state.waiting, fn {from, one} ->
        if what in one.left,
          do:
            {from, %{one | left: List.delete(one.left, what), came: [{what, result} | one.came]}},
          else: {from, one}
      end)

    %{state | waiting: waiting}
  end

  defp answer(state) do
    {ready, waiting} = Enum.split_with(state.waiting, fn {_from, one} -> one.left == [] end)
    for {from, one} <- ready, do: GenServer.reply(from, {:ok, Enum.reverse(one.came)})
    %{state | waiting: Map.new(waiting)}
  end
end
