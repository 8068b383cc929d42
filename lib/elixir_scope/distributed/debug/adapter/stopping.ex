defmodule ElixirScope.Distributed.Debug.Adapter.Stopping do
  @moduledoc false
  # Which processes stand, as the client was told, and what of them it may ask for.

  alias ElixirScope.Distributed.Debug.Adapter.{Handles, State, Threads}

  @reasons %{
    breakpoint: {"breakpoint", "Stopped at a breakpoint"},
    step: {"step", "Stopped after a step"},
    pause: {"pause", "Paused"},
    exception: {"exception", "Stopped at an exception"},
    entry: {"entry", "Stopped at the entry"}
  }

  @doc "Whether a process stands."
  @spec stands(State.t(), pid) :: :ok | {:error, :not_stopped}
  def stands(state, pid),
    do: if(is_map_key(state.stopped, pid), do: :ok, else: {:error, :not_stopped})

  @doc "A process stands, from now on: the events that say so."
  @spec stopped(State.t(), map) :: {[State.effect()], State.t()}
  def stopped(state, %{pid: pid} = about) do
    {id, new?, threads} = Threads.id(state.threads, pid)
    state = %{forget(state, pid) | threads: threads}
    events = if new?, do: [thread(id, "started")], else: []
    state = %{state | stopped: Map.put(state.stopped, pid, about)}
    {events ++ [{:event, "stopped", body(state, id, about)}], state}
  end

  defp body(state, id, about) do
    {reason, description} = Map.get(@reasons, about.reason, {to_string(about.reason), "Stopped"})

    %{reason: reason, threadId: id, description: description}
    |> Map.merge(%{allThreadsStopped: false, preserveFocusHint: false})
    |> text(about)
    |> hit(state, about)
  end

  defp text(body, %{text: text}) when is_binary(text), do: Map.put(body, :text, text)
  defp text(body, _about), do: body

  defp hit(body, state, %{breakpoints: [_ | _] = ids}) do
    case for(id <- ids, number = state.marks.by_backend[id], uniq: true, do: number) do
      [] -> body
      numbers -> Map.put(body, :hitBreakpointIds, numbers)
    end
  end

  defp hit(body, _state, _about), do: body

  @doc "We let it go on: what was opened of it is closed, and nobody has to be told."
  @spec going(State.t(), pid) :: State.t()
  def going(state, pid) do
    left = Map.put(state.left, pid, state.stopped[pid])
    state = forget(state, pid)
    %{state | left: left, expected: MapSet.put(state.expected, pid)}
  end

  @doc "It did not go on, after all: it stands as it was said before, and that is said again."
  @spec stays(State.t(), pid) :: {[State.effect()], State.t()}
  def stays(state, pid) do
    state = %{state | expected: MapSet.delete(state.expected, pid)}

    case Map.pop(state.left, pid) do
      {nil, _left} -> {[], state}
      {about, left} -> stopped(%{state | left: left}, about)
    end
  end

  @doc "It goes on, by us or by others: whom to tell."
  @spec continued(State.t(), pid) :: {[State.effect()], State.t()}
  def continued(state, pid) do
    expected? = MapSet.member?(state.expected, pid)
    stood? = is_map_key(state.stopped, pid)
    state = %{forget(state, pid) | expected: MapSet.delete(state.expected, pid)}

    case Threads.known(state.threads, pid) do
      {:ok, id} when stood? and not expected? ->
        body = %{threadId: id, allThreadsContinued: false}
        {[{:event, "continued", body}], state}

      _told_or_unknown ->
        {[], state}
    end
  end

  @doc "It is no more."
  @spec exited(State.t(), pid) :: {[State.effect()], State.t()}
  def exited(state, pid) do
    known = Threads.known(state.threads, pid)
    state = forget(state, pid)
    state = %{state | expected: MapSet.delete(state.expected, pid)}

    case known do
      {:ok, id} -> {[thread(id, "exited")], %{state | threads: Threads.drop(state.threads, pid)}}
      :error -> {[], state}
    end
  end

  defp thread(id, reason), do: {:event, "thread", %{threadId: id, reason: reason}}

  defp forget(state, pid) do
    %{state | stopped: Map.delete(state.stopped, pid), handles: Handles.drop(state.handles, pid)}
  end
end
