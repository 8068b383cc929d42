defmodule ElixirScope.Distributed.View.Flame.Folded do
  @moduledoc false
  # Folded stacks: the names of a stack with semicolons between them, and the time of the last one. Pure.

  alias ElixirScope.Distributed.View.{Calls, Text}

  @doc "A line for each stack that has time of its own."
  @spec lines(Enumerable.t()) :: Enumerable.t()
  def lines(frames), do: Stream.transform(frames, [], &frame/2)

  # The frames above, the nearest first, each with its node.
  defp frame(frame, stack) do
    above = Enum.drop(stack, length(stack) - frame.depth)
    stack = [{name(frame, above), frame.node || node_of(above)} | above]
    {line(frame, stack), stack}
  end

  defp line(%{self_ns: 0}, _stack), do: []

  defp line(%{self_ns: ns}, stack) do
    names = stack |> Enum.reverse() |> Enum.map_intersperse(";", &elem(&1, 0))
    [[names, " ", Integer.to_string(ns)]]
  end

  @doc "What a frame is called: with its node, where that is another one than above."
  @spec name(map, [{String.t(), node}]) :: String.t()
  def name(%{sort: :function, function: function, node: node}, above) do
    of = if node == node_of(above), do: "", else: " (#{node})"
    plain(Calls.function(function) <> of)
  end

  def name(%{sort: sort}, _above), do: "[#{sort}]"

  defp node_of([]), do: nil
  defp node_of([{_name, node} | _above]), do: node

  # Neither what ends a name nor what ends a line can be in one.
  defp plain(name), do: name |> Text.clean() |> String.replace(";", ",")
end
