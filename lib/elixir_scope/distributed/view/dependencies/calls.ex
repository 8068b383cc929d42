defmodule ElixirScope.Distributed.View.Dependencies.Calls do
  @moduledoc false
  # Which module called which, and how often, out of the rows of a picture. Who calls is the function that
  # is open in the same process; of a process in which none is open, the one that was open where the
  # message or the spawn came from that began its work. Only functions that are seen to return are
  # known to be open, so a first look finds those. What was lost is not bridged: a gap of a node closes
  # all that is open there. Pure, but for where causes of long ago were.

  alias ElixirScope.Distributed.View.{Recall, Source}

  # Calls that are open in one process; deeper ones have the last of these as their caller.
  @deepest 1_000

  @enforce_keys [:returning, :recall]
  defstruct [:returning, :recall, open: %{}, asked: %{}, edges: %{}]

  @typedoc "Who called, by whom it was called, and how: a call, or work for a message or as a new process."
  @type edges :: %{
          {caller :: module | nil, called :: module} => %{
            calls: n :: pos_integer,
            messages: n :: non_neg_integer
          }
        }

  @doc "The calls between modules; those of nobody that was seen have `nil` as their caller."
  @spec edges(Source.t()) :: edges
  def edges(source) do
    start = %__MODULE__{
      returning: returning(source),
      recall: Recall.new(source, fn _row -> nil end)
    }

    source |> Source.stream() |> Enum.reduce(start, &row/2) |> Map.fetch!(:edges)
  end

  defp returning(source) do
    for %{event: %{kind: kind, subject: {_, _, _} = mfa}} <- Source.stream(source),
        kind in [:return, :exception],
        into: MapSet.new(),
        do: mfa
  end

  defp row(%{event: %{kind: :gap, node: node}} = row, calls) do
    open = calls.open |> Enum.reject(fn {_process, {of, _stack}} -> of == node end) |> Map.new()
    remember(%{calls | open: open}, row)
  end

  defp row(%{process: nil} = row, calls), do: remember(calls, row)
  defp row(row, calls), do: calls |> begun(row) |> event(row, row.event) |> remember(row)

  defp remember(calls, row),
    do: update_in(calls.recall, &Recall.put(&1, row, working(calls, row.process)))

  # The module that is at work in a process.
  defp working(calls, process) do
    case calls.open do
      %{^process => {_node, [{module, _, _} | _]}} -> module
      _none -> calls.asked[process]
    end
  end

  # What came from elsewhere, and begins work in a process that has none.
  defp begun(calls, %{process: process, causes: causes}) do
    case for(%{kind: kind, place: place} <- causes, kind in [:message, :spawn], do: place) do
      [place | _] -> put_in(calls.asked[process], Recall.get(calls.recall, place))
      [] -> calls
    end
  end

  defp event(calls, row, %{kind: :call, subject: {module, _, _} = mfa}),
    do: calls |> count(row, module) |> open(row, mfa)

  defp event(calls, row, %{kind: kind, subject: {_, _, _} = mfa})
       when kind in [:return, :exception],
       do: close(calls, row.process, mfa)

  defp event(calls, row, %{kind: :exit}),
    do: %{
      calls
      | open: Map.delete(calls.open, row.process),
        asked: Map.delete(calls.asked, row.process)
    }

  defp event(calls, _row, _other), do: calls

  defp count(calls, %{process: process}, module) do
    {caller, how} = caller(calls, process)
    edge = Map.get(calls.edges, {caller, module}, %{calls: 0, messages: 0})
    put_in(calls.edges[{caller, module}], Map.update!(edge, how, &(&1 + 1)))
  end

  defp caller(calls, process) do
    case calls.open do
      %{^process => {_node, [{module, _, _} | _]}} -> {module, :calls}
      _none -> asked(calls.asked[process])
    end
  end

  defp asked(nil), do: {nil, :calls}
  defp asked(module), do: {module, :messages}

  defp open(calls, row, mfa) do
    {node, stack} = Map.get(calls.open, row.process, {row.event.node, []})
    known? = MapSet.member?(calls.returning, mfa) and length(stack) < @deepest
    if known?, do: put_in(calls.open[row.process], {node, [mfa | stack]}), else: calls
  end

  # What is above it returned unseen.
  defp close(calls, process, mfa) do
    case calls.open do
      %{^process => {node, stack}} -> put_in(calls.open[process], {node, below(stack, mfa)})
      _none -> calls
    end
  end

  defp below(stack, mfa) do
    case Enum.drop_while(stack, &(&1 != mfa)) do
      [^mfa | below] -> below
      [] -> stack
    end
  end
end
