defmodule ElixirScope.Distributed.Debug.Adapter.Requests.Starting do
  @moduledoc false
  # A session from its first word to its last: what is debugged is started, or joined, and held until the
  # client has set its breakpoints; in the end it is stopped or left.

  alias ElixirScope.Distributed.Debug.Adapter.{Attaching, Capabilities, Launch, State}
  alias ElixirScope.Distributed.Debug.Adapter.Coordination.Editor
  alias ElixirScope.Distributed.Debug.Session

  @doc false
  def request("initialize", arguments, _request, state),
    do: {:ok, Capabilities.body(), %{state | phase: :greeted, client: arguments}}

  def request(command, arguments, request, state) when command in ["launch", "attach"] do
    with {:ok, launch, notices} <- Launch.parse(Map.put(arguments, "request", command)),
         {:ok, options} <- Launch.session(launch) do
      call =
        {Session, :start, [options ++ [scope: launch.scope, hold: true, output: state.owner]]}

      said = Enum.map(notices, &State.output("important", &1))
      state = %{state | phase: :starting, launch: launch}
      {:effects, said ++ [{:ask, ask(request, call, :session)}], state}
    end
  end

  def request("configurationDone", _arguments, request, %{phase: :configuring} = state) do
    call = {Session, :run, [state.session]}
    {:effects, [{:ask, ask(request, call, :run)}], %{state | phase: :running}}
  end

  def request("configurationDone", _arguments, _request, state), do: {:ok, %{}, state}

  # Of nodes that were there before nobody says how they ended: it is over with the answer.
  def request(
        "terminate",
        _arguments,
        request,
        %{launch: %{request: :attach}, nodes: [_ | _]} = state
      ),
      do: {:effects, [{:ask, free(request, {Attaching, :finish, [state]}, :ended)}], state}

  def request("terminate", _arguments, _request, %{session: nil} = state), do: {:ok, %{}, state}

  def request("terminate", _arguments, request, state) do
    call = {Session, :stop, [state.session]}
    {:effects, [{:ask, free(request, call, :terminated)}], state}
  end

  def request("disconnect", arguments, request, state) do
    call = {Attaching, :leave, [state, ends?(arguments, state)]}
    {:effects, stays(arguments, state) ++ [{:ask, free(request, call, :left)}], state}
  end

  def request("cancel", arguments, _request, state) do
    case arguments["requestId"] do
      id when is_integer(id) -> {:ok, %{}, [{:cancel, id}], state}
      _progress -> {:ok, %{}, state}
    end
  end

  def request("elixirScope/dependencies", arguments, _request, %{editor: editor} = state)
      when editor != nil,
      do: with(:ok <- Editor.answer(editor, arguments), do: {:ok, %{}, state})

  def request("elixirScope/dependencies", _arguments, _request, _state),
    do: {:error, "nothing was asked"}

  # What was launched ends with its session; what was there before does if that is wanted.
  defp ends?(arguments, %{launch: %{request: :attach}}),
    do: arguments["terminateDebuggee"] == true

  defp ends?(_arguments, _state), do: true

  defp stays(%{"terminateDebuggee" => false}, %{launch: %{request: :launch}}),
    do: [State.output("important", "what was launched cannot outlive its session, and was ended")]

  defp stays(_arguments, _state), do: []

  defp ask(request, call, tag),
    do: %{lane: :hand, request: request, call: call, to: {__MODULE__, tag}}

  defp free(request, call, tag), do: %{ask(request, call, tag) | lane: nil}

  @doc false
  def answer(:session, {:ok, session}, request, state) do
    state = %{state | session: session}
    call = {Attaching, :run, [session, state.launch, state.owner]}
    {:effects, [{:ask, ask(request, call, :attached)}], state}
  end

  # The client may try again.
  def answer(:session, {:error, reason}, request, state),
    do: failed(reason, request, %{state | phase: :greeted, launch: nil})

  def answer(:attached, {:ok, there}, _request, state) do
    state = %{state | phase: :configuring, nodes: there.nodes, others: there.others}
    state = %{state | os_pid: there.os_pid}
    said = Enum.map(there.problems, &State.output("important", &1))
    {:ok, %{}, said ++ [process(state), {:event, "initialized", %{}}], state}
  end

  def answer(:attached, {:error, reason}, request, state) do
    stop = free(nil, {Session, :stop, [state.session]}, :said)
    {:effects, effects, state} = failed(reason, request, %{state | phase: :greeted, session: nil})
    {:effects, [{:ask, stop} | effects], state}
  end

  def answer(:ended, :ok, _request, state),
    do: {:ok, %{}, [{:event, "terminated", %{}}], left(state)}

  def answer(:terminated, _done, _request, state), do: {:ok, %{}, state}
  def answer(:left, _done, _request, state), do: {:ok, %{}, [{:end, :disconnected}], left(state)}
  def answer(_tag, :ok, _request, state), do: {:ok, %{}, state}
  def answer(_tag, {:error, reason}, _request, _state), do: {:error, reason}

  defp failed(reason, request, state) do
    text = ElixirScope.Distributed.Debug.Adapter.Words.reason(reason)
    {:effects, [{:reply, request, {:error, text}}], state}
  end

  defp left(state), do: %{state | phase: :ended, session: nil, others: [], nodes: []}

  defp process(%{launch: launch} = state) do
    name = launch.release || (launch.request == :attach && to_string(launch.node)) || launch.task
    method = if launch.request == :attach, do: "attach", else: "launch"

    about = %{
      name: to_string(name),
      isLocalProcess: launch.request == :launch,
      startMethod: method
    }

    {:event, "process", Map.merge(about, os_pid(state.os_pid))}
  end

  defp os_pid(nil), do: %{}
  defp os_pid(number), do: %{systemProcessId: number}
end
