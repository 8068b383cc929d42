defmodule ElixirScope.Distributed.Query.Exchange do
  @moduledoc false
  # Asks members and takes in what they answer, in the process that reads: `Query.Calls` says when to
  # ask again and when to give up.

  alias ElixirScope.Distributed.Query.{Calls, Host}
  alias ElixirScope.Distributed.Scope

  @typedoc "What happened: an answer, or questions that nobody will answer."
  @type event :: {:answer, Calls.key(), node, map} | {:failed, Calls.key(), node, reason :: term}

  @doc "Puts a question to a member."
  @spec ask(Calls.t(), Scope.t(), Calls.key(), node, :holdings? | :ask, map) ::
          {[event], Calls.t()}
  def ask(calls, scope, key, node, kind, body) do
    {ref, now} = {make_ref(), now_ms()}
    {call, calls} = calls |> Calls.put(ref, key, {node, kind, body}, now) |> Calls.first(ref, now)
    send_one({ref, call}, {[], calls}, scope)
  end

  @doc "Waits until something happens, at most until a question is due again."
  @spec await(Calls.t(), Scope.t()) :: {[event], Calls.t()}
  def await(calls, scope), do: hear(calls, scope, Calls.next_ms(calls, now_ms()))

  @doc "What has happened by now, one thing after the other: nothing once there is no more."
  @spec poll(Calls.t(), Scope.t()) :: {[event], Calls.t()}
  def poll(calls, scope), do: hear(calls, scope, 0)

  @doc "Nobody needs an answer any longer."
  @spec cancel(Calls.t(), Scope.t()) :: :ok
  def cancel(calls, scope) do
    for {ref, _call} <- calls.open, do: Host.forget(scope.name, ref)
    :ok
  end

  defp hear(calls, scope, wait_ms) do
    receive do
      {:query_answer, ref, _node, kind, body} -> heard(calls, ref, kind, body)
    after
      wait_ms -> send_due(calls, scope)
    end
  end

  defp heard(calls, ref, kind, body) do
    case Calls.answer(calls, ref, kind, body, now_ms()) do
      {:answer, key, node, body, calls} -> {[{:answer, key, node, body}], calls}
      {:failed, failed, calls} -> {events(failed), calls}
    end
  end

  defp send_due(calls, scope) do
    {due, late, calls} = Calls.due(calls, now_ms())
    Enum.reduce(due, {events(late), calls}, &send_one(&1, &2, scope))
  end

  defp send_one({ref, call}, {events, calls}, scope) do
    case Host.ask(scope.name, call.node, call.kind, ref, call.body) do
      :ok ->
        {events, calls}

      {:error, why} ->
        {failed, calls} = Calls.unsent(calls, ref, why, now_ms())
        {events ++ events(failed), calls}
    end
  end

  defp events(failed), do: for({key, node, reason} <- failed, do: {:failed, key, node, reason})
  defp now_ms, do: System.monotonic_time(:millisecond)
end
