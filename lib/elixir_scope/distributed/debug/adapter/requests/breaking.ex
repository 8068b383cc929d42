defmodule ElixirScope.Distributed.Debug.Adapter.Requests.Breaking do
  @moduledoc false
  # Breakpoints. What is to be interpreted for them takes as long as it takes: so the answer is that each is
  # not verified yet, and what becomes of it is told by events.

  alias ElixirScope.Distributed.Debug.Adapter.{Arguments, Capabilities, Marks, Setting}
  alias ElixirScope.Distributed.Debug.Adapter.{Sources, State, Stopping}

  @doc false
  def request("setBreakpoints", arguments, _request, state) do
    with {:ok, source} <- Arguments.object(arguments, "source"),
         {:ok, path} <- Sources.path_in(source),
         {:ok, given} <- Arguments.objects(arguments, "breakpoints"),
         {:ok, wanted} <- Arguments.each(given, &wanted(&1, path, state)),
         do: set({:file, path}, wanted, state)
  end

  def request("setFunctionBreakpoints", arguments, _request, state) do
    with {:ok, given} <- Arguments.objects(arguments, "breakpoints"),
         {:ok, wanted} <- Arguments.each(given, &function/1),
         do: set(:functions, wanted, state)
  end

  def request("setExceptionBreakpoints", arguments, request, state) do
    with {:ok, filters} <- Arguments.texts(arguments, "filters"),
         [] <- filters -- Capabilities.filters() do
      call = {Setting, :exceptions, [state.nodes, filters, State.options(state)]}
      {:effects, [{:ask, ask(request, call, :filters)}], %{state | filters: filters}}
    else
      [unknown | _] -> {:error, "there is no exception filter #{inspect(unknown)}"}
      error -> error
    end
  end

  def request("breakpointLocations", arguments, request, state) do
    with {:ok, source} <- Arguments.object(arguments, "source"),
         {:ok, path} <- Sources.path_in(source),
         {:ok, line} <- Arguments.integer(arguments, "line"),
         {:ok, last} <- Arguments.integer(arguments, "endLine", line) do
      range = {State.line_in(state, line), State.line_in(state, last)}
      call = {Setting, :locations, [path, range, state.session, State.options(state)]}
      {:effects, [{:ask, %{ask(request, call, :locations) | lane: nil}}], state}
    end
  end

  defp wanted(given, path, state) do
    with {:ok, line} <- Arguments.integer(given, "line"),
         {:ok, more} <- conditions(given) do
      {:ok, Map.merge(more, %{path: path, line: max(State.line_in(state, line), 1)})}
    end
  end

  defp function(given) do
    with {:ok, name} <- Arguments.text(given, "name"),
         {:ok, more} <- conditions(given),
         do: {:ok, Map.put(more, :name, name)}
  end

  defp conditions(given) do
    with {:ok, condition} <- Arguments.text(given, "condition", nil),
         {:ok, hit} <- Arguments.text(given, "hitCondition", nil),
         {:ok, log} <- Arguments.text(given, "logMessage", nil),
         do: {:ok, %{condition: blank(condition), hit: blank(hit), log: blank(log)}}
  end

  # Some clients send an empty text for none.
  defp blank(text), do: if(text && String.trim(text) != "", do: text)

  defp set(group, wanted, state) do
    old = Marks.ids(state.marks, group)
    {marks, all} = Marks.replace(state.marks, group, wanted)
    state = %{state | marks: all, setting: state.setting + 1}
    call = {Setting, :set, [group, marks, old, Setting.how(state)]}
    effects = [{:ask, ask(nil, call, {:set, Enum.map(marks, & &1.id)})}]
    {:ok, %{breakpoints: Enum.map(marks, &body(&1, state))}, effects, state}
  end

  # One after the other, so that the last one holds.
  defp ask(request, call, tag),
    do: %{lane: :hand, request: request, call: call, to: {__MODULE__, tag}}

  @doc "A mark as the client is told."
  @spec body(Marks.mark(), State.t()) :: map
  def body(mark, state) do
    case Marks.body(mark) do
      %{line: line} = body -> %{body | line: State.line_out(state, line)}
      body -> body
    end
  end

  @doc false
  # What became of each, in the order in which they were wanted.
  def answer({:set, ids}, {:ok, results, notices}, _request, state) do
    {events, state} = ids |> Enum.zip(results) |> Enum.flat_map_reduce(state, &became/2)
    {stops, state} = early(%{state | setting: state.setting - 1})
    {:effects, events ++ Enum.map(notices, &State.console/1) ++ stops, state}
  end

  def answer({:set, ids}, {:error, reason}, request, state),
    do:
      answer(
        {:set, ids},
        {:ok, Enum.map(ids, fn _id -> {:error, reason} end), []},
        request,
        state
      )

  def answer(:filters, {:ok, filters}, _request, state), do: {:ok, %{breakpoints: filters}, state}

  def answer(:locations, {:ok, lines}, _request, state),
    do: {:ok, %{breakpoints: Enum.map(lines, &%{line: State.line_out(state, &1)})}, state}

  def answer(_tag, {:error, reason}, _request, _state), do: {:error, reason}

  # What stopped while it was being set.
  defp early(%{setting: 0, early: early} = state) do
    early
    |> Enum.reverse()
    |> Enum.flat_map_reduce(%{state | early: []}, &Stopping.stopped(&2, &1))
  end

  defp early(state), do: {[], state}

  defp became({id, {:ok, breakpoints}}, state) do
    all = Enum.reduce(breakpoints, state.marks, &found(&1, &2, id))
    told(%{state | marks: all}, id)
  end

  defp became({id, {:error, reason}}, state) do
    case Marks.failed(state.marks, id, reason) do
      {:ok, _mark, all} -> told(%{state | marks: all}, id)
      :error -> {[], state}
    end
  end

  defp found(breakpoint, all, id) do
    with {:ok, _mark, all} <- Marks.found(all, id, breakpoint), do: all, else: (:error -> all)
  end

  defp told(state, id) do
    case state.marks.marks do
      %{^id => mark} -> {[event(mark, state)], state}
      _replaced_meanwhile -> {[], state}
    end
  end

  @doc "The event that tells of a mark."
  @spec event(Marks.mark(), State.t()) :: State.effect()
  def event(mark, state),
    do: {:event, "breakpoint", %{reason: "changed", breakpoint: body(mark, state)}}
end
