defmodule ElixirScope.Distributed.Debug.Adapter.Requests.Looking do
  @moduledoc false
  # What there is to be seen: processes, stacks, variables, sources. Terms stay where they are; what comes
  # here is text of a page of them.

  alias ElixirScope.Distributed.Debug.Adapter.{Arguments, Attaching, Handles, Shown, State}
  alias ElixirScope.Distributed.Debug.Adapter.{Stopping, Threads}
  alias ElixirScope.Distributed.Debug.Adapter.Requests.Going
  alias ElixirScope.Distributed.Debug.Stopped

  # Where the client does not say.
  @levels 20
  @page 100

  # More at once than anybody looks at.
  @largest_page 10_000

  @doc false
  def request("threads", _arguments, request, state) do
    call = {Attaching, :processes, [state.nodes, State.looking(state)]}
    {:effects, [ask(nil, request, call, :threads)], state}
  end

  def request("stackTrace", arguments, request, state) do
    with {:ok, pid} <- Going.thread(arguments, state),
         :ok <- Stopping.stands(state, pid),
         {:ok, start} <- Arguments.integer(arguments, "startFrame", 0),
         {:ok, levels} <- Arguments.integer(arguments, "levels", @levels) do
      call =
        {Stopped, :stack,
         [pid, [start: max(start, 0), count: page(levels)] ++ State.looking(state)]}

      {:effects, [ask(nil, request, call, {:stack, pid})], state}
    end
  end

  def request("scopes", arguments, _request, state) do
    with {:ok, pid, frame} <- frame(arguments, state) do
      {number, handles} = Handles.put(state.handles, pid, {:locals, frame})

      scope = %{
        name: "Locals",
        presentationHint: "locals",
        variablesReference: number,
        expensive: false
      }

      {:ok, %{scopes: [scope]}, %{state | handles: handles}}
    end
  end

  def request("variables", arguments, request, state) do
    with {:ok, number} <- Arguments.integer(arguments, "variablesReference"),
         {:ok, start} <- Arguments.integer(arguments, "start", 0),
         {:ok, count} <- Arguments.integer(arguments, "count", @page),
         {:ok, pid, call} <- variables(state, number, start: max(start, 0), count: page(count)) do
      {:effects, [ask(nil, request, call, {:variables, pid})], state}
    end
  end

  def request("evaluate", %{"frameId" => frame} = arguments, request, state) when frame != nil do
    with {:ok, pid, index} <- frame(arguments, state),
         {:ok, text} <- Arguments.text(arguments, "expression"),
         {:ok, context} <- Arguments.text(arguments, "context", "repl") do
      call = {Stopped, :evaluate, [pid, index, text, [context: context] ++ State.looking(state)]}
      {:effects, [ask(lane(pid, context), request, call, {:evaluated, pid, index})], state}
    end
  end

  def request("evaluate", _arguments, _request, _state),
    do:
      {:error,
       "an expression is evaluated in a frame: stop at a breakpoint, or pause, and choose one"}

  def request("exceptionInfo", arguments, request, state) do
    with {:ok, pid} <- Going.thread(arguments, state),
         :ok <- Stopping.stands(state, pid),
         %{reason: :exception, text: text} <- state.stopped[pid] do
      call = {Stopped, :stack, [pid, [count: @levels] ++ State.looking(state)]}
      {:effects, [ask(nil, request, call, {:exception, text})], state}
    else
      {:error, reason} -> {:error, reason}
      _another_reason -> {:error, "it does not stand at an exception"}
    end
  end

  def request("source", arguments, request, state) do
    number = referred(arguments["source"]) || arguments["sourceReference"]

    case Handles.fetch(state.handles, number) do
      {:ok, {pid, {:source, module, _file}}} ->
        call = {Attaching, :ask, [node(pid), :source, [module], state.launch]}
        {:effects, [ask(nil, request, call, :source)], state}

      _other ->
        {:error, "there is no such source any more"}
    end
  end

  # The newer way to say it comes first.
  defp referred(%{"sourceReference" => number}) when is_integer(number), do: number
  defp referred(_none), do: nil

  # Watches are looked at side by side; what is typed runs in order.
  defp lane(pid, "repl"), do: pid
  defp lane(_pid, _context), do: nil

  defp ask(pid, request, call, tag) do
    lane = if pid, do: {:process, pid}
    {:ask, %{lane: lane, request: request, call: call, to: {__MODULE__, tag}}}
  end

  defp page(0), do: @largest_page
  defp page(count), do: count |> max(1) |> min(@largest_page)

  defp frame(arguments, state) do
    with {:ok, number} <- Arguments.integer(arguments, "frameId") do
      case Handles.fetch(state.handles, number) do
        {:ok, {pid, {:frame, index}}} -> {:ok, pid, index}
        _other -> {:error, "there is no frame #{number} any more: its process went on"}
      end
    end
  end

  defp variables(state, number, page) do
    case Handles.fetch(state.handles, number) do
      {:ok, {pid, {:locals, frame}}} ->
        {:ok, pid, {Stopped, :bindings, [pid, frame, State.looking(state)]}}

      {:ok, {pid, {:value, frame, path}}} ->
        {:ok, pid, {Stopped, :value, [pid, frame, path, page ++ State.looking(state)]}}

      _other ->
        {:error, "there is nothing under #{number} any more: its process went on"}
    end
  end

  @doc false
  def answer(:threads, {:ok, processes, more}, _request, state) do
    {threads, state} = Enum.map_reduce(processes, state, &thread(&1, &2, several?(&2)))
    {:ok, %{threads: threads}, left_out(more), state}
  end

  def answer({:stack, pid}, {:ok, %{frames: frames, total: total}}, _request, state) do
    {shown, state} = Enum.map_reduce(frames, state, &Shown.frame(&2, pid, &1))
    {:ok, %{stackFrames: shown, totalFrames: total}, state}
  end

  def answer({:exception, text}, {:ok, %{frames: frames}}, _request, state),
    do: {:ok, Shown.exception(text, frames), state}

  def answer({:variables, pid}, {:ok, values}, request, state) do
    {shown, state} =
      Enum.map_reduce(values, state, &Shown.variable(&2, pid, frame_of(state, request), &1))

    {:ok, %{variables: shown}, state}
  end

  def answer({:evaluated, pid, index}, {:ok, value}, _request, state) do
    {shown, state} = Shown.variable(state, pid, index, value)
    {result, shown} = Map.pop(shown, :value)
    {:ok, shown |> Map.put(:result, result) |> Map.delete(:name), state}
  end

  def answer(:source, {:ok, text}, _request, state),
    do: {:ok, %{content: text, mimeType: "text/x-elixir"}, state}

  def answer(_tag, {:error, reason}, _request, _state), do: {:error, reason}

  defp frame_of(state, request) do
    case Handles.fetch(state.handles, request.arguments["variablesReference"]) do
      {:ok, {_pid, {:locals, frame}}} -> frame
      {:ok, {_pid, {:value, frame, _path}}} -> frame
      _gone -> nil
    end
  end

  defp several?(state), do: match?([_, _ | _], state.nodes)

  defp thread(process, state, several?) do
    {id, _new?, threads} = Threads.id(state.threads, process.pid)
    {%{id: id, name: Threads.name(process, several?)}, %{state | threads: threads}}
  end

  defp left_out(0), do: []

  defp left_out(more),
    do: [State.console("#{more} more processes are not listed; those that stop always are")]
end
