defmodule ElixirScope.Distributed.Debug.Services.Ask do
  @moduledoc false
  # One call of `Services.call/4`: does what its plan says, with the nodes there are, and tells of it.
  # It runs in the process of who calls.

  alias ElixirScope.Distributed.Capture.Correlation.Token
  alias ElixirScope.Distributed.Debug.{Desk, Operations}
  alias ElixirScope.Distributed.Debug.Desk.Request
  alias ElixirScope.Distributed.Debug.Services.{Breakers, Peers, Plan, Versions}
  alias ElixirScope.Distributed.{Error, Telemetry}

  # Who does the work hears of the end of its time a little before who waits for it gives up, so that it
  # is the one to say so.
  @margin_ms 50

  # Of an answer: what says that nothing was begun.
  @refusals [:not_allowed, :not_running, :no_common_version, :put_out]
  @unknown [:not_available, :not_a_service_operation]

  @doc "Who offers a service: this node, those in its group, and those hidden ones that say so."
  @spec offered(atom, atom) :: [{node, pid}]
  def offered(scope, service) do
    members = Peers.members(scope, service)
    hidden = Peers.hidden(scope, service)
    members ++ Enum.reject(hidden, fn {node, _desk} -> List.keymember?(members, node, 0) end)
  end

  @doc "Asks until somebody answers, or there is nobody left, or no time."
  @spec run(Operations.t(), [term], keyword) :: {:ok, term, map} | {:error, term}
  def run(row, args, options) do
    began = System.monotonic_time()
    call = %{row: row, args: args, scope: options[:scope], node: options[:node]}
    {result, plan} = call |> plan(options) |> step(call)
    Telemetry.emit(:debug_call, about(result, :node, node()), told(result, plan, call, began))
    result
  end

  defp told(result, plan, %{row: row}, began) do
    %{duration: System.monotonic_time() - began, attempts: plan.asked}
    |> Map.merge(Map.take(row, [:service, :operation]))
    |> Map.merge(%{source: about(result, :source, nil), result: elem(result, 0)})
  end

  defp about({:ok, _value, about}, key, _none), do: Map.fetch!(about, key)
  defp about({:error, _reason}, _key, none), do: none

  defp plan(call, options) do
    nodes = nodes(call)

    Plan.new(nodes,
      idempotent?: call.row.idempotent?,
      fallback?: options[:fallback] and fallback?(call, nodes),
      retries: options[:retries],
      deadline: Desk.now_ms() + options[:timeout_ms]
    )
  end

  # Every VM knows the code that it has itself.
  defp fallback?(%{node: nil, row: row}, nodes),
    do: row.service in Operations.services(:language) and node() not in nodes

  defp fallback?(_named, _nodes), do: false

  # Hidden nodes only where there is nobody else: to find out takes a question to each.
  defp nodes(%{node: nil, scope: scope, row: row}) do
    case Peers.members(scope, row.service) do
      [] -> for {node, _desk} <- Peers.hidden(scope, row.service), do: node
      members -> for {node, _desk} <- members, do: node
    end
  end

  defp nodes(%{node: node}), do: [node]

  defp step(plan, call) do
    case Plan.next(plan, Desk.now_ms(), :rand.uniform()) do
      {:ask, node, until, plan} ->
        plan |> Plan.heard(node, ask(node, until, call)) |> heard(node, call)

      {:wait, ms, plan} ->
        plan |> wait(ms, call) |> step(call)

      {:fallback, plan} ->
        fallback(plan, call)

      {:error, reason} ->
        {{:error, reason || nobody(call)}, plan}
    end
  end

  defp heard({:on, plan}, _node, call), do: step(plan, call)
  defp heard({:done, {:error, reason}, plan}, _node, _call), do: {{:error, reason}, plan}

  defp heard({:done, {:ok, {value, version}}, plan}, node, _call) do
    about = %{node: node, source: :service, version: version, attempts: plan.asked}
    {{:ok, value, about}, plan}
  end

  defp wait(plan, ms, call) do
    emit(:debug_retry, call, %{attempt: plan.round, wait_ms: ms, reason: name(plan.reason)})
    Process.sleep(ms)
    Plan.another_round(plan, nodes(call))
  end

  defp fallback(plan, call) do
    emit(:debug_fallback, call, %{reason: name(plan.reason)})
    {_lowest, version} = Versions.own()
    about = %{node: node(), source: :fallback, version: version, attempts: plan.asked}

    case ask(node(), plan.deadline, call) do
      {:ok, {value, _version}} -> {{:ok, value, about}, plan}
      {_failure, reason} -> {{:error, reason}, plan}
    end
  end

  defp emit(event, %{row: row} = call, values) do
    values = Map.merge(values, Map.take(row, [:service, :operation]))
    Telemetry.emit(event, call.node || node(), values)
  end

  defp name(%{reason: reason}), do: reason
  defp name(reason) when is_tuple(reason), do: elem(reason, 0)
  defp name(reason), do: reason || :service_not_found

  defp nobody(%{row: row, scope: scope}),
    do: Error.new(:service_not_found, service: row.service, scope: scope)

  # One node

  defp ask(node, until, call) when node == node(), do: met(node, until, call)

  defp ask(node, until, call) do
    case Breakers.ask(node) do
      :ok -> node |> met(until, call) |> judged(node)
      {:open, _wait_ms, :unreachable} -> {:open, {:connection_failed, node}}
      {:open, wait_ms, _why} -> {:open, Error.new(:circuit_open, node: node, wait_ms: wait_ms)}
    end
  end

  defp judged({kind, _value} = outcome, node) do
    Breakers.heard(node, kind)
    outcome
  end

  defp met(node, until, call) do
    with {:ok, peer} <- Peers.meet(node, until) do
      case request(peer, until, call) do
        # What it said is of a desk that is gone: it is asked for again, once.
        {:unreachable, _reason} -> anew(node, until, call)
        outcome -> outcome
      end
    end
  end

  defp anew(node, until, call) do
    Peers.forget(node)
    with {:ok, peer} <- Peers.meet(node, until), do: request(peer, until, call)
  end

  defp request(peer, until, %{row: row} = call) do
    left = max(until - Desk.now_ms(), 0)
    deadline = until - min(@margin_ms, div(left, 10)) + peer.ahead_ms

    Request.write(peer.version, call.scope, row.service, row.operation, call.args, deadline)
    |> sent(peer, left)
    |> outcome(peer)
  end

  defp sent(request, peer, left) do
    request = if peer.node == node(), do: Desk.here(request), else: request
    {:answer, Token.aside(fn -> GenServer.call(peer.desk, request, left) end)}
  catch
    :exit, {:timeout, _call} -> {:late, Error.new(:too_late, node: peer.node)}
    :exit, {:noproc, _call} -> {:unreachable, {:connection_failed, peer.node}}
    :exit, _ended_meanwhile -> {:lost, {:connection_failed, peer.node}}
  end

  defp outcome({:answer, {:ok, value}}, peer), do: {:ok, {value, peer.version}}

  defp outcome({:answer, {:error, %Error{reason: reason} = error}}, _peer) do
    cond do
      reason in @refusals -> {:refused, error}
      reason == :desk_busy -> {:busy, error}
      # It is there, and was too slow for this.
      reason == :too_late -> {:slow, error}
      true -> {:error, error}
    end
  end

  defp outcome({:answer, {:error, reason}}, _peer) when reason in @unknown,
    do: {:refused, reason}

  defp outcome({:answer, {:error, reason}}, _peer), do: {:error, reason}
  defp outcome({:answer, _other}, peer), do: {:refused, Error.new(:malformed, node: peer.node)}
  defp outcome(failure, _peer), do: failure
end
