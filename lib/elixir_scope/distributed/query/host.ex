defmodule ElixirScope.Distributed.Query.Host do
  @moduledoc false
  # Where questions of other members about this node's events come in, and their answers to what
  # processes of this node ask. A question is answered in a worker, of which there are few; one
  # that may wait (`wait_ms`) is looked at again until there is something in its ranges.
  #
  # Who asks by `ask/5` is sent `{:query_answer, ref, node, kind, body}` once, where `kind` is
  # `:holdings`, `:page`, `:refused` or, where the member went away, `:gone`. A message may be lost:
  # the same question can be asked again, by the same reference.

  use GenServer

  alias ElixirScope.Distributed.Query.{Answer, Callers, Queue, Wire}
  alias ElixirScope.Distributed.{Error, Scope, Transport}
  alias ElixirScope.Distributed.Types.QueryMessage

  # How often is looked whether there is something new for who waits.
  @look_ms 50

  # Questions that wait for something new, of all members.
  @most_held 512

  defstruct [
    :scope,
    peers: [],
    queue: %Queue{},
    callers: %Callers{},
    held: %{},
    workers: %{},
    watched: %{},
    answered: 0,
    refused: %{}
  ]

  @doc false
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc "Asks a member; the calling process is sent the answer."
  @spec ask(atom, node, :holdings? | :ask, reference, map) ::
          :ok | {:error, :busy | :unreachable | Error.t()}
  def ask(scope, node, kind, ref, body),
    do: Scope.call(scope, __MODULE__, {:ask, node, kind, ref, body})

  @doc "The calling process wants no answer to `ref` any longer: from now on none will come."
  @spec forget(atom, reference) :: :ok
  def forget(scope, ref) do
    with {:error, _not_there} <- Scope.call(scope, __MODULE__, {:forget, ref}), do: :ok
  end

  @doc "Membership says who is there."
  @spec members(atom, [node]) :: :ok
  def members(scope, peers), do: Scope.cast(scope, __MODULE__, {:members, peers})

  @doc "Every bound with its value, for `status/0`."
  @spec bounds(atom) :: map
  def bounds(scope) do
    with {:error, _not_there} <- Scope.call(scope, __MODULE__, :bounds), do: %{}
  end

  @impl true
  def init(scope) do
    with {:ok, scope} <- Scope.fetch(scope.name), do: {:ok, %__MODULE__{scope: scope}}
  end

  @impl true
  def handle_call({:ask, node, kind, ref, body}, {pid, _tag}, state) do
    message = %QueryMessage{source_node: state.scope.node, kind: kind, ref: ref, body: body}

    with true <- node in state.peers || {:error, :unreachable},
         {:ok, callers} <- Callers.put(state.callers, ref, node, pid),
         :ok <- Transport.send_to(state.scope, node, message) do
      {:reply, :ok, watch(%{state | callers: callers}, pid)}
    else
      :full -> {:reply, {:error, :busy}, state}
      {:error, reason} -> {:reply, {:error, reason}, state}
    end
  end

  def handle_call({:forget, ref}, _caller, state),
    do: {:reply, :ok, %{state | callers: Callers.forget(state.callers, ref)}}

  def handle_call(:bounds, _caller, state), do: {:reply, describe(state), state}

  @impl true
  def handle_cast({:members, peers}, state) do
    state = Enum.reduce(state.peers -- peers, state, &lost/2)
    {:noreply, %{state | peers: peers}}
  end

  def handle_cast({:transport, :message, from, message}, state),
    do: {:noreply, hear(message, from, state)}

  # It cannot be read, or is not granted.
  def handle_cast({:transport, :refused, from, ref, %Error{reason: reason}}, state),
    do: {:noreply, refuse(state, {from, ref}, reason)}

  @impl true
  def handle_info(:look, state) do
    {held, state} = {state.held, %{state | held: %{}}}
    {:noreply, Enum.reduce(held, state, fn {key, job}, state -> enqueue(state, key, job) end)}
  end

  def handle_info({:DOWN, monitor, :process, pid, reason}, state) do
    case Map.pop(state.workers, monitor) do
      {nil, _workers} -> {:noreply, ended(state, pid)}
      {key, workers} -> {:noreply, worked(%{state | workers: workers}, key, reason)}
    end
  end

  # Questions of others

  defp hear(%{kind: kind} = message, from, state) when kind in [:holdings?, :ask] do
    if from in state.peers,
      do: enqueue(state, {from, message.ref}, job(message)),
      else: refuse(state, {from, message.ref}, :not_a_member)
  end

  # Answers of others
  defp hear(%{kind: kind, ref: ref, body: body}, from, state) do
    {pid, callers} = Callers.take(state.callers, ref, from)
    if pid, do: send(pid, {:query_answer, ref, from, kind, body})
    %{state | callers: callers}
  end

  defp job(%{kind: kind, body: body}),
    do: %{kind: kind, body: body, until: now_ms() + (Map.get(body, :wait_ms) || 0)}

  # Who asks again while its question waits does not want to wait any longer.
  defp enqueue(state, key, job) do
    state = update_in(state.held, &Map.delete(&1, key))

    case Queue.put(state.queue, key, job) do
      {:ok, queue} -> work(%{state | queue: queue})
      :known -> state
      :full -> refuse(state, key, :busy)
    end
  end

  defp work(state) do
    case Queue.next(state.queue) do
      nil -> state
      {{key, job}, queue} -> work(start(%{state | queue: queue}, key, job))
    end
  end

  # The worker sends by itself, unless there is nothing to say yet.
  defp start(%{scope: scope} = state, key, job) do
    workers = Scope.via(scope.name, Task.Supervisor)
    {:ok, pid} = Task.Supervisor.start_child(workers, fn -> answer(scope, key, job) end)
    state = put_in(state.workers[Process.monitor(pid)], key)
    # How it ends is heard only of who is watched.
    send(pid, :watched)
    state
  end

  defp answer(scope, {from, ref}, job) do
    Scope.hide()
    receive do: (:watched -> :ok)
    answer = Answer.to(scope, job.kind, job.body)

    if Answer.nothing?(answer) and now_ms() < job.until,
      do: exit({:shutdown, :nothing_yet}),
      else: Answer.send(scope, from, ref, answer)
  end

  # A worker is done; who asked hears so where it failed.
  defp worked(state, key, reason) do
    {job, queue} = Queue.done(state.queue, key)
    work(over(%{state | queue: queue}, key, job, reason))
  end

  defp over(state, _key, _job, :normal), do: update_in(state.answered, &(&1 + 1))

  defp over(%{held: held} = state, key, job, {:shutdown, :nothing_yet})
       when map_size(held) < @most_held do
    if held == %{}, do: Process.send_after(self(), :look, @look_ms)
    put_in(state.held[key], job)
  end

  defp over(state, key, _job, {:shutdown, :nothing_yet}), do: refuse(state, key, :busy)
  defp over(state, key, _job, _crash), do: refuse(state, key, :failed)

  defp refuse(state, {to, ref}, reason) do
    message = %QueryMessage{source_node: state.scope.node, kind: :refused, ref: ref}
    _ = Transport.send_to(state.scope, to, %{message | body: %{reason: reason}})
    update_in(state.refused, &Map.update(&1, reason, 1, fn count -> count + 1 end))
  end

  # Processes of this node, and members

  defp watch(state, pid) when is_map_key(state.watched, pid), do: state
  defp watch(state, pid), do: put_in(state.watched[pid], Process.monitor(pid))

  defp ended(state, pid) do
    callers = Callers.ended(state.callers, pid)
    %{state | callers: callers, watched: Map.delete(state.watched, pid)}
  end

  defp lost(node, state) do
    {waiting, callers} = Callers.gone(state.callers, node)
    for {ref, pid} <- waiting, do: send(pid, {:query_answer, ref, node, :gone, %{}})
    held = Map.reject(state.held, fn {{peer, _ref}, _job} -> peer == node end)
    %{state | callers: callers, held: held, queue: Queue.gone(state.queue, node)}
  end

  defp describe(state) do
    state.queue
    |> Queue.status()
    |> Map.merge(Callers.status(state.callers))
    |> Map.merge(%{held: map_size(state.held), held_limit: @most_held})
    |> Map.merge(Map.take(state, [:answered, :refused]))
    |> Map.put(:limits, Wire.limits())
  end

  defp now_ms, do: System.monotonic_time(:millisecond)
end
