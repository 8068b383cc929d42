defmodule ElixirScope.Distributed.Debug.Adapter.Machine do
  @moduledoc false
  # The adapter without a process: a request, an answer of somebody who was asked, or news of what is
  # debugged, to effects and the state after them. What a request means stands in the module that
  # `@handlers` names; when it can be sent is judged here.

  alias ElixirScope.Distributed.Debug.Adapter.{Attaching, News, State, Words}

  alias ElixirScope.Distributed.Debug.Adapter.Requests.{
    Breaking,
    Going,
    Looking,
    Starting,
    Tracing
  }

  @looking ~w(threads stackTrace scopes variables evaluate exceptionInfo source)
  @going ~w(continue next stepIn stepOut pause)
  @breaking ~w(setBreakpoints setFunctionBreakpoints setExceptionBreakpoints breakpointLocations)
  @tracing ~w(elixirScope/traceFromHere elixirScope/stopTrace)

  @debugging [:configuring, :running]

  # Command, who handles it, and in which phases.
  @handlers Map.new(
              [
                {"initialize", {Starting, [:new]}},
                {"launch", {Starting, [:greeted]}},
                {"attach", {Starting, [:greeted]}},
                {"configurationDone", {Starting, @debugging}},
                {"terminate", {Starting, [:greeted, :starting, :configuring, :running, :ended]}},
                {"disconnect",
                 {Starting, [:new, :greeted, :starting, :configuring, :running, :ended]}},
                {"cancel", {Starting, [:greeted, :starting, :configuring, :running, :ended]}},
                {"elixirScope/dependencies", {Starting, [:starting, :configuring, :running]}}
              ] ++
                for(name <- @breaking, do: {name, {Breaking, @debugging}}) ++
                for(name <- @looking, do: {name, {Looking, @debugging}}) ++
                for(name <- @going, do: {name, {Going, @debugging}}) ++
                for(name <- @tracing, do: {name, {Tracing, @debugging}})
            )

  @doc "Every request that is understood."
  @spec commands() :: [String.t()]
  def commands, do: Map.keys(@handlers)

  @doc "A client, of which `owner` is the process that debugs; `editor` is the way to ask it something."
  @spec new(pid, pid | nil) :: State.t()
  def new(owner, editor \\ nil), do: %State{owner: owner, editor: editor}

  @doc "A request of the client."
  @spec request(State.t(), map) :: {[State.effect()], State.t()}
  def request(state, %{command: command, arguments: arguments} = request) do
    case handler(command, state.phase) do
      {:ok, module} ->
        command |> module.request(arguments, request, state) |> settle(request, state)

      {:error, text} ->
        settle({:error, text}, request, state)
    end
  end

  defp handler(command, phase) do
    case @handlers do
      %{^command => {module, phases}} ->
        if phase in phases, do: {:ok, module}, else: {:error, early(command, phase)}

      _unknown ->
        {:error, "#{String.slice(command, 0, 80)} is no request that this adapter knows"}
    end
  end

  defp early(command, :new), do: "#{command}: the first request is initialize"

  defp early(command, _phase) when command in ["initialize", "launch", "attach"],
    do: "#{command}: that was done before"

  defp early(command, :greeted), do: "#{command}: nothing is debugged yet; launch or attach first"
  defp early(command, :starting), do: "#{command}: what is debugged has not come up yet"
  defp early(command, :ended), do: "#{command}: what was debugged has ended"
  defp early(command, _later), do: "#{command}: not now"

  @doc "The answer of somebody who was asked; a crash is an answer, too."
  @spec answer(State.t(), State.ask(), term) :: {[State.effect()], State.t()}
  def answer(state, %{to: {module, tag}, request: request}, result),
    do: tag |> module.answer(result, request, state) |> settle(request, state)

  @doc "What is left to be undone, when a client leaves without a word."
  @spec undo(State.t()) :: [{module, atom, [term]}]
  def undo(%{launch: nil}), do: []
  def undo(state), do: [{Attaching, :leave, [state, state.launch.request == :launch]}]

  @doc "News of the session, of breakpoints, of processes."
  @spec news(State.t(), term) :: {[State.effect()], State.t()}
  def news(state, message), do: message |> News.take(state) |> settle(nil, state)

  @spec settle(State.outcome(), map | nil, State.t()) :: {[State.effect()], State.t()}
  defp settle({:ok, body, state}, request, _old), do: {reply(request, {:ok, body}), state}

  defp settle({:ok, body, effects, state}, request, _old),
    do: {reply(request, {:ok, body}) ++ effects, state}

  defp settle({:error, reason}, request, old),
    do: {reply(request, {:error, Words.reason(reason)}), old}

  defp settle({:effects, effects, state}, _request, _old), do: {effects, state}

  defp reply(nil, {:error, text}), do: [State.output("stderr", text)]
  defp reply(nil, _body), do: []
  defp reply(request, result), do: [{:reply, request, result}]
end
