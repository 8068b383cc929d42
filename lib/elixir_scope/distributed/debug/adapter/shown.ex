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

  @doc """
  What ended a process, and where: the text of a stop at an exception, and its frames.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Shown
      iex> frame = %{module: Shop, function: :pay, arity: 1, file: "lib/shop.ex", line: 3}
      iex> Shown.exception("** (KeyError) key :a not found", [frame])
      %{
        exceptionId: "KeyError",
        description: "** (KeyError) key :a not found",
        breakMode: "unhandled",
        details: %{
          message: "key :a not found",
          typeName: "KeyError",
          fullTypeName: "KeyError",
          stackTrace: "lib/shop.ex:3: Shop.pay/1"
        }
      }
  """
  @spec exception(String.t() | nil, [map]) :: map
  def exception(text, frames) do
    {type, message} = said(text)
    short = type |> String.split(".") |> List.last()
    details = %{message: message, typeName: short, fullTypeName: type}
    details = Map.put(details, :stackTrace, Enum.map_join(frames, "\n", &place/1))
    %{exceptionId: type, description: text || message, breakMode: "unhandled", details: details}
  end

  defp said(text) do
    case Regex.run(~r/\A\*\* \(([^)]+)\) (.*)\z/s, text || "", capture: :all_but_first) do
      [type, message] -> {type, message}
      nil -> {"exception", text || "it is not said why"}
    end
  end

  defp place(%{module: module, function: name, arity: arity} = frame) do
    at = if frame.file, do: "#{frame.file}:#{frame.line}: ", else: ""
    at <> Exception.format_mfa(module, name, arity)
  end

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
