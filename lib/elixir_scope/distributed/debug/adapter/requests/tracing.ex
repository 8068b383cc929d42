defmodule ElixirScope.Distributed.Debug.Adapter.Requests.Tracing do
  @moduledoc false
  # "Trace from here": the process that stands goes on, and what follows from what it does is traced on
  # all nodes. The target does that (`FromHere`); what it tells is shown here.

  alias ElixirScope.Distributed.Debug.Adapter.{Arguments, Attaching, State, Stopping, Words}
  alias ElixirScope.Distributed.Debug.Adapter.Requests.Going

  @doc false
  def request("elixirScope/traceFromHere", arguments, request, state) do
    with {:ok, pid} <- Going.thread(arguments, state),
         :ok <- Stopping.stands(state, pid),
         {:ok, patterns} <- Arguments.texts(arguments, "patterns"),
         {:ok, duration} <- Arguments.integer(arguments, "durationMs", nil),
         {:ok, width} <- Arguments.integer(arguments, "width", nil) do
      options =
        for {key, value} <- [duration_ms: duration, width: width], value != nil, do: {key, value}

      call =
        {Attaching, :ask,
         [node(pid), :trace_from_here, [pid, state.owner, patterns, options], state.launch]}

      ask = %{
        lane: {:process, pid},
        request: request,
        call: call,
        to: {__MODULE__, {:begun, pid}}
      }

      {:effects, [{:ask, ask}], Stopping.going(state, pid)}
    end
  end

  def request("elixirScope/stopTrace", arguments, request, state) do
    with {:ok, id} <- Arguments.integer(arguments, "traceId"),
         %{pid: pid} <-
           Map.get(state.followed, id, {:error, "no trace #{id} runs that began here"}) do
      call = {Attaching, :ask, [node(pid), :stop_trace_from_here, [pid], state.launch]}

      {:effects, [{:ask, %{lane: nil, request: request, call: call, to: {__MODULE__, :stopped}}}],
       state}
    end
  end

  @doc false
  def answer({:begun, pid}, {:ok, about}, _request, state) do
    text =
      "tracing from here: #{Enum.join(about.patterns, ", ")} on #{Enum.join(about.nodes, ", ")}"

    said =
      for {node, why} <- about.refused, do: State.console("#{node} does not take part: #{why}")

    state = put_in(state.followed[about.id], %{pid: pid})
    body = %{traceId: about.id, correlation: about.correlation, nodes: about.nodes}
    {:ok, body, [State.console(text) | said], state}
  end

  def answer({:begun, pid}, {:error, reason}, request, state) do
    {again, state} = Stopping.stays(state, pid)
    {:effects, [{:reply, request, {:error, Words.reason(reason)}} | again], state}
  end

  def answer(:stopped, {:ok, _done}, _request, state), do: {:ok, %{}, state}
  def answer(_tag, {:error, reason}, _request, _state), do: {:error, reason}

  @doc "What the target tells of a trace."
  @spec news(term, term, State.t()) :: State.outcome()
  def news(_id, {:lines, lines}, state),
    do: {:effects, [State.console(Enum.join(lines, "\n"))], state}

  def news(id, {:ended, text}, state) do
    body = %{traceId: id, summary: text}
    state = %{state | followed: Map.delete(state.followed, id)}
    {:effects, [State.console(text), {:event, "elixirScope.traced", body}], state}
  end
end
