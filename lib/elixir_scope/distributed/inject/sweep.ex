defmodule ElixirScope.Distributed.Inject.Sweep do
  @moduledoc false
  # Looks until the node is as it was before, for it takes everything away by itself; what is still
  # there after that is taken away from here, and looked at once more.

  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Inject.{Guest, Look, Plan, Remote}

  @within_ms 5_000
  @pause_ms 20

  @doc "What a look of this plan looks at; `pids` are those that were started."
  @spec what(Plan.t(), [pid]) :: keyword
  def what(plan, pids) do
    [
      modules: Keyword.keys(plan.modules),
      functions: for(%{mfa: mfa} <- plan.functions.targets, do: mfa),
      sessions?: plan.survey.sessions?,
      pids: pids
    ]
  end

  @doc "How the node is when it is over."
  @spec verified(Plan.t(), Look.t(), [pid]) :: Look.t() | {:unknown, term}
  def verified(plan, before, pids) do
    look = fn -> Look.at(plan.at, what(plan, pids)) end

    case Remote.attempt(plan.at, fn -> verify(plan, before, look, pids) end) do
      {:error, %Error{} = error} -> {:unknown, error.reason}
      seen -> seen
    end
  end

  defp verify(plan, before, look, pids) do
    case until(before, look, now() + @within_ms) do
      ^before ->
        before

      _left ->
        by_hand(plan, pids)
        until(before, look, now() + @within_ms)
    end
  end

  defp until(before, look, deadline) do
    case look.() do
      ^before -> before
      left -> if now() > deadline, do: left, else: again(before, look, deadline)
    end
  end

  defp again(before, look, deadline) do
    receive after: (@pause_ms -> :ok)
    until(before, look, deadline)
  end

  # Nobody there does it any more: both processes were killed, or stand still.
  defp by_hand(%{at: at} = plan, pids) do
    named = Remote.call(at, :erlang, :whereis, [Guest.Warden.name()])
    for pid <- Enum.uniq([named | pids]), is_pid(pid), do: Process.exit(pid, :kill)
    modules = Keyword.keys(plan.modules)
    if not plan.survey.sessions?, do: untrace(at, plan.steps)
    Remote.call(at, :lists, :foreach, [&:code.purge/1, modules])
    Remote.call(at, :lists, :foreach, [&:code.delete/1, modules])
    Remote.call(at, :lists, :foreach, [&:code.purge/1, modules])
  end

  defp untrace(at, steps) do
    for {:function, mfa, _spec} <- steps,
        do: Remote.call(at, :erlang, :trace_pattern, [mfa, false, [:local]])

    for {:messages, direction, _spec} <- steps,
        do: Remote.call(at, :erlang, :trace_pattern, [direction, true, []])
  end

  defp now, do: System.monotonic_time(:millisecond)
end
