defmodule ElixirScope.Distributed.Debug.Desk do
  @moduledoc false
  # The one door through which other nodes ask for anything of debugging. It judges each request by
  # the table of operations and by what the scope grants that it names, and has it done by a worker of
  # its own, so that it never waits: neither for a function nor for another node.
  #
  # Invariants: each job has one monitor (its id), of who asked; a job runs or waits in the room, and
  # is gone when it was answered, its time is over, or who asked is gone.

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Error, Telemetry}
  alias ElixirScope.Distributed.Debug.Desk.{Register, Request, Room, Worker}
  alias ElixirScope.Distributed.Debug.Table
  alias ElixirScope.Distributed.Debug.Services.Versions

  @log_every_ms 60_000
  @mailbox 1_000

  defstruct room: Room.new(), jobs: %{}, workers: %{}, scopes: %{}, logged: nil

  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "What this VM's own requests carry, to be told from those of other nodes."
  @spec here(term) :: term
  def here(request), do: {:elixir_scope_debug_here, Table.get(:key), request}

  @doc "What asks for versions, services and grants. Its shape and that of its answer never change."
  @spec hello() :: term
  def hello, do: {:elixir_scope_debug_hello, Versions.own()}

  @doc "How many messages wait for it, and how many may before requests are refused unread."
  @spec mailbox() :: %{mailbox: non_neg_integer, mailbox_limit: pos_integer}
  def mailbox, do: %{mailbox: mailbox(Process.whereis(__MODULE__)), mailbox_limit: @mailbox}

  defp mailbox(nil), do: 0

  defp mailbox(pid) do
    {:message_queue_len, messages} =
      Process.info(pid, :message_queue_len) || {:message_queue_len, 0}

    messages
  end

  @doc "This VM's clock, in which deadlines are."
  @spec now_ms() :: integer
  def now_ms, do: System.monotonic_time(:millisecond)

  @doc "What others ask is answered in the name of a scope from now on, until it ends."
  @spec register(atom, :language | :target) :: :ok | {:error, Error.t()}
  def register(scope, side),
    do: GenServer.call(__MODULE__, {:register, Table.get(:key), scope, side})

  @impl true
  def init(_options) do
    Process.flag(:trap_exit, true)
    {:ok, told(%__MODULE__{scopes: Register.restore()})}
  end

  @impl true
  def handle_call({:register, key, scope, side}, _from, state) do
    with true <- key == Table.get(:key),
         scopes when is_map(scopes) <- Register.join(state.scopes, scope, side) do
      {:reply, :ok, %{state | scopes: scopes}}
    else
      false -> {:reply, {:error, :not_a_service_operation}, state}
      {:error, error} -> {:reply, {:error, error}, state}
    end
  end

  def handle_call({:elixir_scope_debug_hello, _range}, _from, state),
    do: {:reply, {:elixir_scope_debug_hello, Register.introduction()}, state}

  def handle_call({:elixir_scope_debug_here, key, request}, {pid, _tag} = from, state)
      when is_pid(pid) do
    case Table.get(:key) do
      ^key -> asked(request, :here, from, state)
      _another -> refused(:not_a_service_operation, from, state)
    end
  end

  # Who gives no process cannot be answered.
  def handle_call(request, {pid, _tag} = from, state) when is_pid(pid) do
    if mailbox(self()) > @mailbox,
      do: unread(state),
      else: asked(request, node(pid), from, state)
  end

  def handle_call(_request, _nobody, state), do: {:noreply, state}

  # Nothing else is said to it.
  @impl true
  def handle_cast(_message, state), do: {:noreply, state}

  @impl true
  def handle_info({:EXIT, worker, reason}, state) do
    case state.workers do
      %{^worker => id} -> {:noreply, ended(id, reason, state)}
      _none -> {:noreply, state}
    end
  end

  def handle_info({:DOWN, id, :process, _pid, _reason}, state) when is_map_key(state.jobs, id) do
    Table.count(:abandoned)
    {:noreply, over(id, state)}
  end

  def handle_info({:DOWN, _id, :process, pid, _reason}, state)
      when is_map_key(state.scopes, pid),
      do: {:noreply, %{state | scopes: Register.left(state.scopes, pid)}}

  def handle_info({:timeout, _timer, {:deadline, id}}, state) when is_map_key(state.jobs, id) do
    Table.count(:too_late)
    {:noreply, over(id, reply(id, {:error, too_late()}, state))}
  end

  def handle_info(_other, state), do: {:noreply, state}

  # Requests

  # There is too much to look at each: what is refused at once costs least.
  defp unread(state) do
    Table.count(:unread)
    {:reply, {:error, Error.new(:desk_busy, node: node())}, state}
  end

  defp asked(term, from_where, from, state) do
    with {:ok, request} <- Request.read(term, now_ms()),
         :ok <- Request.granted(request, from_where) do
      {:noreply, told(take(request, from, state))}
    else
      {:error, reason} -> refused(reason, from, state)
    end
  end

  defp refused(reason, {pid, _tag}, state) do
    name = if is_atom(reason), do: reason, else: reason.reason
    Table.count(name)
    Telemetry.emit(:debug_refused, node(pid), %{reason: name})
    {:reply, {:error, reason}, noted(name, node(pid), state)}
  end

  defp noted(name, node, %{logged: logged} = state) do
    now = now_ms()

    if logged == nil or now - logged >= @log_every_ms do
      Logger.warning(
        "#{node} asked for what is refused (#{inspect(name)}); this is said once a minute at most, see status/0",
        domain: [:elixir_scope]
      )

      %{state | logged: now}
    else
      state
    end
  end

  defp take(request, {pid, _tag} = from, state) do
    id = Process.monitor(pid)

    timer =
      :erlang.start_timer(max(request.deadline, now_ms()), self(), {:deadline, id}, abs: true)

    job = %{request: request, from: from, worker: nil, timer: timer}
    {verdict, room} = Room.admit(state.room, id, node(pid))
    admitted(verdict, id, %{state | room: room, jobs: Map.put(state.jobs, id, job)})
  end

  defp admitted(:run, id, state), do: begin(id, state)
  defp admitted(:wait, _id, state), do: state

  defp admitted(:busy, id, state) do
    Table.count(:desk_busy)
    over(id, reply(id, {:error, Error.new(:desk_busy, node: node())}, state))
  end

  defp begin(id, state) do
    %{request: request, from: from} = job = state.jobs[id]

    if request.deadline <= now_ms() do
      Table.count(:too_late)
      over(id, reply(id, {:error, too_late()}, state))
    else
      worker = Worker.start(request, from)
      jobs = Map.put(state.jobs, id, %{job | worker: worker})
      %{state | jobs: jobs, workers: Map.put(state.workers, worker, id)}
    end
  end

  defp ended(id, :normal, state) do
    Table.count(:answered)
    over(id, state)
  end

  defp ended(id, reason, state) do
    Table.count(:worker_failed)
    error = Error.new(:worker_failed, reason: worker_reason(reason))
    over(id, reply(id, {:error, error}, state))
  end

  # It was ended for want of memory, or by somebody.
  defp worker_reason(:killed), do: "it was killed, as it is with more than its memory"
  defp worker_reason(reason), do: inspect(reason, limit: 5)

  defp reply(id, answer, state) do
    GenServer.reply(state.jobs[id].from, answer)
    state
  end

  defp over(id, state) do
    {job, jobs} = Map.pop!(state.jobs, id)
    Process.demonitor(id, [:flush])
    :erlang.cancel_timer(job.timer)
    stop(job.worker)
    {next, room} = Room.done(state.room, id)
    state = %{state | room: room, jobs: jobs, workers: Map.delete(state.workers, job.worker)}
    told(Enum.reduce(next, state, &begin/2))
  end

  defp stop(nil), do: true
  defp stop(worker), do: Process.unlink(worker) && Process.exit(worker, :kill)

  defp too_late, do: Error.new(:too_late, node: node())

  defp told(state) do
    Table.put(:desk, %{workers: map_size(state.room.running), waiting: length(state.room.waiting)})

    state
  end
end
