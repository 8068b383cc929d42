defmodule ElixirScope.Distributed.Debug.Adapter.News do
  @moduledoc false
  # What nobody asked for: programs write, processes stop, nodes go and come back.

  alias ElixirScope.Distributed.Debug.Adapter.{Attaching, Marks, State, Stopping, Threads, Words}
  alias ElixirScope.Distributed.Debug.Adapter.Requests.{Breaking, Tracing}

  @doc "What a message to the adapter comes to."
  @spec take(term, State.t()) :: State.outcome()
  def take({:elixir_scope_session, _id, what}, state), do: session(what, state)
  def take({:elixir_scope_stopped, node, event}, state), do: stopped(event, node, state)
  # Of what is over nothing more is told.
  def take({:breakpoint, _event, _breakpoint}, %{phase: :ended} = state),
    do: {:effects, [], state}

  def take({:breakpoint, event, breakpoint}, state), do: breakpoint(event, breakpoint, state)
  def take({:elixir_scope_from_here, id, what}, state), do: Tracing.news(id, what, state)
  def take({:adapter_event, name, body}, state), do: {:effects, [{:event, name, body}], state}
  def take(:renew, state), do: {:effects, renewals(state), state}
  def take(_other, state), do: {:effects, [], state}

  # Nodes believe in an owner for as long as a lease, and no longer.
  defp renewals(state) do
    for node <- state.nodes, state.phase in [:configuring, :running] do
      call = {Attaching, :renew, [node, state.launch, state.owner]}
      {:ask, %{lane: {:renew, node}, request: nil, call: call, to: {__MODULE__, :renewed}}}
    end
  end

  # The session

  defp session({:output, stream, bytes}, state) do
    {text, rest} = whole(Map.get(state.tails, stream, "") <> bytes)
    state = %{state | tails: Map.put(state.tails, stream, rest)}
    effects = if text == "", do: [], else: [written(stream, text)]
    {:effects, effects, state}
  end

  defp session({:left_out, stream, count}, state) do
    text = "[#{count} bytes of #{stream} were left out: they came faster than they were read]"
    {:effects, [State.output("important", text)], state}
  end

  # A program of ours that is not connected has ended, or is back in a moment; both is told.
  defp session({:down, node, reason}, %{launch: %{request: :launch}} = state)
       when reason != :silent do
    {gone, state} = gone(state, node)
    {:effects, gone, state}
  end

  defp session({:down, node, reason}, state) do
    text = "#{node} is not connected (#{Words.reason(reason)}); it is tried again"
    {gone, state} = gone(state, node)
    {:effects, [State.output("important", text) | gone], state}
  end

  defp session({:back, node, _reason}, state) do
    text = State.output("important", "#{node} is connected again")
    {:effects, [text | again(state, node)], state}
  end

  defp session({:exited, node, status}, %{session: %{target: node}} = state) do
    {gone, state} = gone(state, node)
    ended = [{:event, "exited", %{exitCode: status}}, {:event, "terminated", %{}}]

    {:effects, gone ++ if(state.phase in [:configuring, :running], do: ended, else: []),
     ended(state)}
  end

  defp session({:exited, node, status}, state) do
    text = "#{node} has ended (status #{status}): what it knew of the code is asked of others now"
    {:effects, [State.output("important", text)], state}
  end

  defp session(_up, state), do: {:effects, [], state}

  defp ended(%{phase: :starting} = state), do: state
  defp ended(state), do: %{state | phase: :ended}

  # Programs write as they like.
  defp written(stream, text),
    do: {:event, "output", %{category: Atom.to_string(stream), output: text}}

  # A piece may end in the middle of a character.
  defp whole(bytes) do
    case :unicode.characters_to_binary(bytes) do
      {:incomplete, text, rest} -> {text, rest}
      _whole_or_no_text -> {bytes, ""}
    end
  end

  defp gone(state, node) do
    Enum.flat_map_reduce(Threads.of(state.threads, node), state, &Stopping.exited(&2, &1))
  end

  defp again(%{launch: %{no_debug: false} = launch} = state, node) do
    if node in state.nodes do
      call = {Attaching, :again, [node, launch, state.owner]}
      to = {__MODULE__, {:again, node}}
      [{:ask, %{lane: :hand, request: nil, call: call, to: to}}]
    else
      []
    end
  end

  defp again(_state, _node), do: []

  @doc false
  # What became of a node is told by its session.
  def answer(:renewed, _result, _request, state), do: {:effects, [], state}

  def answer({:again, node}, {:ok, standing}, _request, state) do
    {events, state} =
      standing
      |> Enum.filter(&ours?(&1, state))
      |> Enum.flat_map_reduce(state, fn about, state ->
        {:effects, events, state} = stopped({:stopped, about}, node, state)
        {events, state}
      end)

    {:effects, events, state}
  end

  def answer({:again, node}, {:error, reason}, _request, _state),
    do: {:error, "#{node} is not debugged any more: #{Words.reason(reason)}"}

  # At other breakpoints it stands because of somebody else.
  defp ours?(about, state),
    do: Enum.all?(about.breakpoints, &is_map_key(state.marks.by_backend, &1))

  # Processes

  # Which breakpoint that is will be known in a moment.
  defp stopped({:stopped, %{breakpoints: [_ | _] = ids} = about}, _node, %{setting: n} = state)
       when n > 0 do
    if Enum.all?(ids, &is_map_key(state.marks.by_backend, &1)),
      do: stopped({:stopped, about}, nil, %{state | setting: 0}, n),
      else: {:effects, [], %{state | early: [about | state.early]}}
  end

  defp stopped({:stopped, about}, _node, state) do
    {events, state} = Stopping.stopped(state, about)
    {:effects, events, state}
  end

  defp stopped({:continued, pid}, _node, state) do
    state = %{state | early: Enum.reject(state.early, &(&1.pid == pid))}
    {events, state} = Stopping.continued(state, pid)
    {:effects, events, state}
  end

  defp stopped({:exited, pid, _reason}, _node, state) do
    {events, state} = Stopping.exited(state, pid)
    {:effects, events, state}
  end

  defp stopped({:logged, id, _pid, text}, _node, state), do: logged(id, text, state)
  defp stopped(_other, _node, state), do: {:effects, [], state}

  defp stopped(event, node, state, setting) do
    {:effects, events, state} = stopped(event, node, state)
    {:effects, events, %{state | setting: setting}}
  end

  # Breakpoints

  defp breakpoint({:condition_failed, text}, breakpoint, state),
    do: logged(breakpoint.id, "the condition could not be evaluated: #{text}", state)

  defp breakpoint(_event, breakpoint, state) do
    case Marks.changed(state.marks, breakpoint) do
      {:ok, mark, marks} ->
        state = %{state | marks: marks}
        {:effects, [Breaking.event(mark, state)], state}

      :error ->
        {:effects, [], state}
    end
  end

  defp logged(id, text, state) do
    {:event, name, body} = State.console(text)
    {:effects, [{:event, name, Map.merge(body, place(id, state))}], state}
  end

  defp place(id, state) do
    with {:ok, number} <- Map.fetch(state.marks.by_backend, id),
         %{path: path, line: line} when path != nil <- state.marks.marks[number] do
      %{source: %{path: path, name: Path.basename(path)}, line: State.line_out(state, line)}
    else
      _no_file -> %{}
    end
  end
end
