defmodule ElixirScope.Distributed.Debug.Stopped.Driver do
  @moduledoc false
  # The process that is attached to one debugged process, from when that first stops to its end. Of an
  # attached process that ends the interpreter frees one debugged process, not all: so each has its own. It
  # lets its process go when `Host` ends; when it ends itself, `Host` does.

  use GenServer, restart: :temporary

  alias ElixirScope.Distributed.Debug.Int.Metas
  alias ElixirScope.Distributed.Debug.Stopped.{Course, Guarded, Host, Judge, Look, Shelf, Told}

  # So long a step keeps the calls in last place that are made below it: enough to tell them from the
  # frame's own, and not what a loop would fill memory with.
  @keep_all_ms 1_000

  # `last` is where it stood last, and hashes of the variables that were bound there.
  defstruct [:pid, :meta, :course, :breaks, :asked, :last]

  @doc "Called by the interpreter, in a process of its own, for one that stopped or ended."
  @spec found(pid) :: term
  def found(pid) do
    with {:error, reason} when reason != {:shutdown, :taken} <-
           GenServer.start(__MODULE__, {pid, nil}),
         do: Metas.release(pid)
  end

  @doc "Attaches to a process that runs interpreted code, and has it stand there."
  @spec start_pausing(pid, owner :: pid) :: {:ok, pid} | {:error, term}
  def start_pausing(pid, owner), do: GenServer.start(__MODULE__, {pid, {:pause, owner}})

  @doc """
  What is wanted of the process: `{:step, how, owner}`, `:continue`, `{:pause, owner}`, `:look`, or `{:run, module,
  function, key}`, which is answered when the process has done that.
  """
  @spec ask(pid, term, timeout) :: :ok | {:ok, term} | {:error, atom}
  def ask(driver, request, timeout \\ 5_000) do
    GenServer.call(driver, request, timeout)
  catch
    :exit, {:timeout, _call} -> {:error, :no_answer}
    :exit, _gone -> {:error, :not_stopped}
  end

  @impl true
  def init({pid, wish}) do
    with host when is_pid(host) <- Process.whereis(Host), {:ok, meta} <- Metas.attach(pid) do
      Process.monitor(host)
      Shelf.put({:driver, pid}, self())
      send(host, {:driver, pid, self()})
      {:ok, %__MODULE__{pid: pid, meta: meta, course: %Course{pid: pid, wish: wish}}}
    else
      nil -> {:stop, {:shutdown, :no_host}}
      {:error, reason} -> {:stop, {:shutdown, reason}}
    end
  end

  @impl true
  def handle_call(:look, _from, state), do: {:reply, looked(state), state}

  def handle_call({:run, module, function, key}, from, state) do
    case Course.evaluating(state.course, true) do
      {:error, reason} ->
        {:reply, {:error, reason}, state}

      {course, []} ->
        Metas.run(state.meta, course.stop.module, module, function, key)
        {:noreply, %{state | course: course, asked: from}}
    end
  end

  def handle_call({:step, how, owner}, _from, state) do
    state = %{state | breaks: Metas.breaks()}
    wanted(state, Course.step(state.course, how, owner, on_the_way?(state)))
  end

  def handle_call(:continue, _from, state), do: wanted(state, Course.continue(state.course))
  def handle_call({:pause, who}, _from, state), do: wanted(state, Course.pause(state.course, who))

  # A break where it stands is not passed on the way.
  defp on_the_way?(%{course: %{stop: %{module: module, line: line}}, breaks: breaks}),
    do: MapSet.size(MapSet.delete(breaks, {module, line})) > 0

  defp on_the_way?(_state), do: false

  defp looked(%{course: %{phase: phase, stop: stop}} = state) when phase in [:standing, :dead],
    do: {:ok, Map.merge(stop, %{meta: state.meta, phase: phase, number: state.course.stops})}

  defp looked(%{course: %{phase: :evaluating}}), do: {:error, :evaluating}
  defp looked(_state), do: {:error, :not_stopped}

  defp wanted(state, {:error, reason}), do: {:reply, {:error, reason}, state}

  defp wanted(state, {course, effects}) do
    state = done(%{state | course: course}, effects)
    if :bury in effects, do: {:stop, :normal, :ok, state}, else: {:reply, :ok, state}
  end

  @impl true
  def handle_cast({:owner_gone, owner}, state), do: went(state, &Course.without(&1, owner))

  @impl true
  def handle_info({meta, news}, %{meta: meta} = state), do: heard(state, news)

  # What was raised is over: a meta of another kind shows what was on the stack.
  def handle_info({meta, {:exit_at, _at, _reason, _level} = news}, state),
    do: heard(%{state | meta: meta}, news)

  # Breakpoints changed, or what is interpreted.
  def handle_info({:int, _news}, state), do: {:noreply, %{state | breaks: nil}}
  def handle_info(:keep_no_more, state), do: {:noreply, keep_no_more(state)}

  def handle_info({:DOWN, _monitor, :process, _host, _reason}, state) do
    Metas.continue(state.meta)
    {:stop, :normal, state}
  end

  def handle_info(_other, state), do: {:noreply, state}

  defp heard(state, {:break_at, module, line, level}), do: broke(state, {module, line, level})
  defp heard(state, :idle), do: went(%{state | last: nil}, &Course.idle/1)
  defp heard(state, :running), do: went(state, &Course.now(&1, :running))
  defp heard(state, {:func_at, _module, _line, _level}), do: went(state, &Course.now(&1, :idle))
  defp heard(state, {:eval_rsp, _value}), do: ran(state)

  defp heard(state, {:exit_at, place, reason, level}), do: ended(state, place, reason, level)

  defp heard(state, {waits, _module, _line, _level}) when waits in [:wait_at, :wait_after_at],
    do: went(state, &Course.now(&1, :waiting))

  defp heard(state, _other), do: {:noreply, state}

  # An expression that is evaluated passes breakpoints: who asked waits for its value.
  defp broke(%{course: %{phase: :evaluating, stop: stop}} = state, {_module, _line, level}) do
    if level > stop.level, do: Metas.continue(state.meta)
    {:noreply, state}
  end

  defp broke(state, at) do
    cond do
      Guarded.never?(state.pid) -> {:noreply, also(state, Metas.continue(state.meta))}
      same_pass?(state, at) -> {:noreply, also(state, again(state))}
      true -> judged(state, at)
    end
  end

  defp judged(state, at) do
    {verdict, state} = verdict(state, at)
    went(state, &Course.broke(&1, at, verdict))
  end

  # Elixir gives some literals no line, such as a pair at the end of a function: there is nothing to show.
  defp same_pass?(_state, {_module, line, _level}) when line < 1, do: true

  # A line may hold several expressions, above all where a macro stood: whoever passes it passes it once.
  # Within a call variables are only added, and those that are there stay what they are.
  defp same_pass?(%{last: {at, before}} = state, at) do
    now = bound(state)

    map_size(now) > map_size(before) and
      Enum.all?(before, fn {name, hash} -> now[name] == hash end)
  end

  defp same_pass?(_state, _at), do: false

  defp again(%{course: %{wish: {:step, _how, _level, _owner, left}}} = state) when left > 0,
    do: Metas.step(state.meta, :into)

  defp again(%{course: %{wish: {:step, how, _level, _owner, _left}}} = state),
    do: Metas.step(state.meta, how)

  defp again(%{course: %{wish: {:pause, _owner}}} = state), do: Metas.step(state.meta, :into)
  defp again(state), do: Metas.continue(state.meta)

  # By a process of its own, as values are copied with them.
  defp bound(state) do
    {_pid, monitor} = spawn_monitor(fn -> exit({:bound, hashes(Metas.bindings(state.meta))}) end)

    receive do
      {:DOWN, ^monitor, :process, _pid, {:bound, hashes}} -> hashes
      {:DOWN, ^monitor, :process, _pid, _gone} -> %{}
    end
  end

  defp hashes(bindings) do
    for {name, value} <- bindings,
        into: %{},
        do: {name, if(name != :_, do: :erlang.phash2(value))}
  end

  defp verdict(state, {module, line, _level} = at) do
    state = %{state | breaks: state.breaks || Metas.breaks()}

    if MapSet.member?(state.breaks, {module, line}),
      do: {Judge.verdict(state.pid, module, line, fn -> Look.top(state.meta, at) end), state},
      else: {:go, state}
  end

  defp ran(%{asked: from} = state) do
    if from, do: GenServer.reply(from, :ok)
    went(%{state | asked: nil}, &Course.evaluating(&1, false))
  end

  # Who ends it while it stands raised nothing.
  defp ended(%{course: %{stop: stop}} = state, _place, reason, _level) when stop != nil,
    do: went(state, &Course.ended(&1, nil, reason, []))

  defp ended(state, place, reason, level) do
    at = with {module, line} <- place, do: {module, line, level}, else: (_none -> nil)
    owners = for {owner, %{filters: filters}} <- Shelf.owners(), :uncaught in filters, do: owner
    owners = if at && uncaught?(reason), do: owners, else: []
    went(state, &Course.ended(&1, at, reason, owners))
  end

  defp uncaught?(:normal), do: false
  defp uncaught?(:shutdown), do: false
  defp uncaught?({:shutdown, _reason}), do: false
  defp uncaught?(_reason), do: true

  defp went(state, change) do
    {course, effects} = change.(state.course)
    state = done(%{state | course: course}, effects)
    if :bury in effects, do: {:stop, :normal, state}, else: {:noreply, state}
  end

  defp done(state, effects), do: Enum.reduce(effects, state, &effect(&2, &1))

  defp effect(state, :continue), do: also(state, Metas.continue(state.meta))
  defp effect(state, :halt), do: also(state, Metas.halt(state.meta))
  defp effect(state, {:keep_all, all?}), do: also(state, Metas.keep_all(state.meta, all?))
  defp effect(state, :forget_results), do: also(state, Shelf.forget(state.pid))
  defp effect(state, :bury), do: also(state, Metas.bury(state.meta))

  defp effect(state, :told_stopped) do
    Told.stopped(state.course, state.meta)
    %{module: module, line: line, level: level} = state.course.stop
    %{state | last: {{module, line, level}, bound(state)}}
  end

  defp effect(state, :told_continued), do: also(state, Told.continued(state.pid))
  defp effect(state, {:told_exited, why}), do: also(state, Told.exited(state.pid, why))

  defp effect(state, {:step, how}) do
    Process.send_after(self(), :keep_no_more, @keep_all_ms)
    also(state, Metas.step(state.meta, how))
  end

  defp also(state, _done), do: state

  defp keep_no_more(%{course: %{stop: nil}} = state),
    do: also(state, Metas.keep_all(state.meta, false))

  defp keep_no_more(state), do: state
end
