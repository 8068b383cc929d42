defmodule ElixirScope.Distributed.Debug.Stopped.Reasons do
  @moduledoc false
  # Why what is asked of a process that stands does not work: every reason there is, in words.

  @doc "The words, or `nil` where the reason is another one."
  @spec text(atom, map) :: String.t() | nil
  def text(:no_debugger, _details) do
    "Erlang's application debugger is not installed on this node (Debian: erlang-debugger): " <>
      "nothing can be interpreted or stopped; all else works"
  end

  def text(:not_stopped, %{pid: pid}), do: "#{inspect(pid)} does not stand: it runs, or waits"

  def text(:no_process, %{pid: pid}),
    do: "#{inspect(pid)} is no process of this node, or no longer"

  def text(:ended, %{pid: pid}),
    do: "#{inspect(pid)} has ended: what was on its stack can be looked at"

  def text(:evaluating, %{pid: pid}) do
    "#{inspect(pid)} still evaluates an expression: it answers when that has ended"
  end

  def text(:no_answer, %{pid: pid}), do: "#{inspect(pid)} did not answer in time"
  def text(:no_frame, %{frame: frame}), do: "there is no frame #{frame}; see stack/2"

  def text(:compiled_frame, %{frame: frame}),
    do: "frame #{frame} runs compiled code, whose variables nobody knows: interpret its module"

  def text(:no_such_value, _details),
    do: "there is no such value: it is hidden, its process went on, or nothing has this path"

  def text(:not_interpreted, %{pid: pid}) do
    "#{inspect(pid)} never ran interpreted code, so it cannot be made to stand; interpret a module that it " <>
      "calls: what it runs now is in `stacktrace`"
  end

  def text(:never_stands, %{pid: pid}),
    do: "#{inspect(pid)} is needed for debugging, or for the node itself: it is never stopped"

  def text(:not_evaluated, %{message: message}), do: message

  def text(:too_long, %{ms: ms}) do
    "it took longer than #{ms} ms; the process evaluates it still, as nothing can end it but the process's end"
  end

  def text(:not_a_filter, %{given: given}),
    do: "#{inspect(given)} is no kind of exceptions; these are [:uncaught]"

  def text(_another, _details), do: nil
end
