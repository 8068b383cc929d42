defmodule ElixirScope.Distributed.Debug.Adapter.Shown do
  @moduledoc false
  # Frames and values as a client shows them.

  alias ElixirScope.Distributed.Debug.Adapter.{Handles, Sources, State}

  @doc "A frame, with a number for what is asked of it."
  @spec frame(State.t(), pid, map) :: {map, State.t()}
  def frame(state, pid, frame) do
    {number, handles} = Handles.put(state.handles, pid, {:frame, frame.index})
    {source, state} = Sources.of(%{state | handles: handles}, pid, frame)

    shown = %{
      id: number,
      name: Exception.format_mfa(frame.module, frame.function, frame.arity),
      line: State.line_out(state, frame.line),
      column: State.column(state)
    }

    {shown |> put(:source, source) |> faint(frame), state}
  end

  # Of compiled code nothing but its place is known.
  defp faint(shown, %{interpreted?: false}), do: Map.put(shown, :presentationHint, "subtle")
  defp faint(shown, _frame), do: shown

  defp put(map, _key, nil), do: map
  defp put(map, key, value), do: Map.put(map, key, value)

  @doc "A value with its name; with a number where there is something in it."
  @spec variable(State.t(), pid, term, map) :: {map, State.t()}
  def variable(state, pid, frame, value) do
    shown = %{name: value[:name] || "", value: value.value, variablesReference: 0}
    shown = put(shown, :type, value[:type] && to_string(value.type))
    opened(shown, state, pid, frame, value)
  end

  defp opened(shown, state, pid, frame, %{children: count, path: path}) when count > 0 do
    {number, handles} = Handles.put(state.handles, pid, {:value, frame, path})
    # A page of it is asked for by these: also of maps, whose elements have an order here.
    shown = Map.merge(shown, %{variablesReference: number, indexedVariables: count})
    {shown, %{state | handles: handles}}
  end

  defp opened(shown, state, _pid, _frame, _value), do: {shown, state}
end
