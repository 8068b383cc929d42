defmodule ElixirScope.Distributed.Debug.Session.Server do
  @moduledoc false
  # A session as a process: it owns the programs and their pipes, so that the system ends them with it,
  # connects and looks in workers, and does what `Life` says. It ends with who started it.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.Debug.Session.{
    Distribution,
    Joining,
    Life,
    Named,
    Output,
    Program
  }

  alias ElixirScope.Distributed.Debug.Session.{Shown, Wire}

  # While something is waited for, and otherwise.
  @tick_ms 50
  @idle_ms 250

  @lost_status 1

  # How long a program's streams may stay open after its end before that is told.
  @rest_ms 500

  defstruct [:life, :given, :owner, :waits, :failure, :output] ++
              [programs: %{}, os_pids: %{}, workers: %{}, stopping: []]

  @doc """
  Starts one, of which the caller is the owner: when all of it is there, or that it failed, and then nothing
  of it is.
  """
  @spec start(map) :: {:ok, pid} | {:error, {atom, atom | nil, term}}
  def start(given) do
    ref = make_ref()
    {:ok, session} = GenServer.start(__MODULE__, {given, self(), ref})
    monitor = Process.monitor(session)

    receive do
      {^ref, :started} -> Process.demonitor(monitor, [:flush]) && {:ok, session}
      {^ref, {:failed, why}} -> Process.demonitor(monitor, [:flush]) && {:error, why}
      {:DOWN, ^monitor, :process, _pid, reason} -> {:error, {:not_started, nil, reason}}
    end
  end

  @impl true
  def init({given, owner, ref}) do
    # Of ports, which end with an error when they are written to and nobody reads.
    Process.flag(:trap_exit, true)
    Process.monitor(owner)
    {:ok, _domain} = Named.hold(self(), Map.values(given.nodes))
    Distribution.watch()
    roles = Map.new(given.roles, fn {role, how} -> {role, how(how)} end)
    {life, effects} = Life.begin(roles, given.settings, now())
    state = %__MODULE__{life: life, given: given, owner: owner, waits: ref}
    state = %{state | output: Output.new(given.output)}
    Process.send_after(self(), :tick, @tick_ms)
    {:ok, state, {:continue, effects}}
  end

  defp how(:start), do: :started
  defp how({:join, _node}), do: :joined

  @impl true
  def handle_continue(effects, state), do: done(act(effects, state))

  @impl true
  def handle_call(:status, _from, state), do: {:reply, Shown.status(state), state}
  def handle_call(:run, _from, state), do: run(state)

  def handle_call(:stop, from, state),
    do: happened(%{state | stopping: [from | state.stopping]}, :stop)

  defp run(%{life: %{phase: phase}} = state) when phase in [:held, :running] do
    {:noreply, state} = happened(state, :run)
    {:reply, :ok, state}
  end

  defp run(state), do: {:reply, :error, state}

  @impl true
  def handle_info(:tick, state) do
    Process.send_after(self(), :tick, pause(state.life.phase))
    happened(%{state | output: Output.flush(state.output)}, :tick)
  end

  def handle_info({:DOWN, _monitor, :process, owner, _reason}, %{owner: owner} = state),
    do: happened(state, :stop)

  def handle_info({:DOWN, monitor, :process, _worker, result}, state),
    do: worked(Map.pop(state.workers, monitor), result, state)

  def handle_info({:nodedown, node, info}, state) do
    case role(state, node) do
      nil -> {:noreply, state}
      role -> happened(state, {:cut, role, Map.get(Map.new(info), :nodedown_reason, :unknown)})
    end
  end

  def handle_info({:exited, role, status}, state), do: happened(state, {:exited, role, status})

  # Nobody tells the status any more: that of a VM whose session is gone.
  def handle_info({:EXIT, port, reason}, state) when is_port(port) and reason != :normal,
    do: from_port(find(state, port), {:exit_status, @lost_status}, state)

  def handle_info({port, message}, state) when is_port(port),
    do: from_port(find(state, port), message, state)

  def handle_info(_other, state), do: {:noreply, state}

  defp pause(phase), do: if(phase in [:held, :running], do: @idle_ms, else: @tick_ms)

  # Programs

  defp find(state, port) do
    Enum.find_value(state.programs, fn {role, program} ->
      cond do
        program.control == port -> {role, :control}
        stream = program.readers[port] -> {role, stream}
        true -> nil
      end
    end)
  end

  defp from_port(nil, _message, state), do: {:noreply, state}

  defp from_port({role, :control}, {:data, bytes}, state) do
    case Wire.decode(bytes) do
      {:ok, report} -> reported(report, role, state)
      :error -> {:noreply, state}
    end
  end

  defp from_port({role, :control}, {:exit_status, status}, state) do
    Process.send_after(self(), {:exited, role, status}, @rest_ms)
    last_words(update_in(state.programs[role], &Program.ended(&1, status)), role)
  end

  defp from_port({_role, stream}, {:data, bytes}, state),
    do: {:noreply, %{state | output: Output.put(state.output, stream, bytes)}}

  defp from_port({role, stream}, {:exit_status, _status}, state),
    do: last_words(update_in(state.programs[role], &Program.read(&1, stream)), role)

  # What it wrote comes before its end, but for what children write that outlive it.
  defp last_words(state, role) do
    case state.programs[role] do
      %{status: status, readers: readers} when status != nil and readers == %{} ->
        happened(state, {:exited, role, status})

      _more ->
        {:noreply, state}
    end
  end

  defp reported(:open, role, state) do
    state = update_in(state.programs[role], &Program.opened/1)
    Program.tell(state.programs[role], Wire.encode({:boot, state.given.orders[role].()}))
    {:noreply, state}
  end

  defp reported({:up, _node, os_pid}, role, state),
    do: happened(put_in(state.os_pids[role], os_pid), {:up, role})

  defp reported({:failed, why}, role, state), do: happened(state, {:failed, role, why})

  defp reported(report, role, state) when report in [:ready, :here],
    do: happened(state, {report, role})

  # Workers: what may take long, of which each ends with its answer.

  defp work(state, role, fun) do
    {_pid, monitor} = spawn_monitor(fn -> exit({:answer, fun.()}) end)
    %{state | workers: Map.put(state.workers, monitor, role)}
  end

  defp worked({nil, _workers}, _result, state), do: {:noreply, state}

  defp worked({role, workers}, {:answer, event}, state),
    do: happened(%{state | workers: workers}, answer(event, role))

  defp worked({role, workers}, reason, state),
    do: happened(%{state | workers: workers}, {:failed, role, inspect(reason)})

  defp answer(event, role) when is_atom(event), do: {event, role}
  defp answer({:failed, why}, role), do: {:failed, role, why}

  # What is decided, and done

  defp happened(state, event) do
    {life, effects} = Life.event(state.life, event, now())
    done(act(effects, %{state | life: life}))
  end

  defp act(effects, state), do: Enum.reduce(effects, state, &effect/2)

  defp done(%{life: %{phase: :ended}} = state), do: {:stop, :normal, state}
  defp done(state), do: {:noreply, state}

  defp effect({:launch, role}, state) do
    case Program.start(state.given.commands[role]) do
      {:ok, program} -> put_in(state.programs[role], program)
      {:error, why} -> not_started(state, role, why)
    end
  end

  defp effect({:connect, role}, state),
    do: work(state, role, fn -> Joining.join(state.given, role) end)

  defp effect({:look, role}, state) do
    node = state.given.nodes[role]
    work(state, role, fn -> Joining.look(node) end)
  end

  defp effect({:say, role, what}, state) do
    if program = state.programs[role], do: Program.tell(program, Wire.encode(what))
    state
  end

  defp effect({:kill, role}, state) do
    Program.kill(state.programs[role], List.wrap(state.os_pids[role]))
    state
  end

  defp effect({:tell, {what, role, about}}, state) do
    tell(state, {what, state.given.nodes[role], about})
    state
  end

  # A failure is answered when nothing is left.
  defp effect({:answer, :started}, state), do: tap(state, &send(&1.owner, {&1.waits, :started}))
  defp effect({:answer, failure}, state), do: %{state | failure: failure}
  defp effect(:ended, state), do: state

  # It has no port of which the end could be told.
  defp not_started(state, role, why) do
    {life, effects} = Life.event(state.life, {:failed, role, why}, now())
    {life, more} = Life.event(life, {:exited, role, 127}, now())
    act(effects ++ more, %{state | life: life})
  end

  defp tell(state, message),
    do: send(state.given.output, {:elixir_scope_session, self(), message})

  defp role(state, node),
    do: Enum.find_value(state.given.nodes, fn {role, name} -> name == node && role end)

  @impl true
  def terminate(_reason, state) do
    Enum.each(state.programs, fn {_role, program} -> Program.close(program) end)
    Output.flush(state.output)
    for waiting <- state.stopping, do: GenServer.reply(waiting, :ok)
    if state.failure, do: send(state.owner, {state.waits, state.failure})
  end

  defp now, do: System.monotonic_time(:millisecond)
end
