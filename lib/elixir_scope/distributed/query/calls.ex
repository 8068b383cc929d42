defmodule ElixirScope.Distributed.Query.Calls do
  @moduledoc false
  # The questions that a process has put to members and that are not answered yet: which is to be
  # asked again and when, and which is given up and why. A message may be lost, a connection or a
  # member busy: then the same is asked again, until the deadline. Pure; the clock is an argument.

  # After so long without an answer it is asked again, ever more rarely.
  @again_ms 300
  @busy_ms 5
  @slowest_ms 2_000

  defstruct open: %{}, timeout_ms: 5_000

  @typedoc "What the asking process calls a question."
  @type key :: term
  @type call :: %{
          key: key,
          node: node,
          kind: :holdings? | :ask,
          body: map,
          until: integer,
          again: integer,
          wait_ms: pos_integer,
          why: term
        }
  @type t :: %__MODULE__{open: %{reference => call}, timeout_ms: pos_integer}

  @doc "Nothing is asked yet; each question has `timeout_ms` to be answered in."
  @spec new(pos_integer) :: t
  def new(timeout_ms), do: %__MODULE__{timeout_ms: timeout_ms}

  @doc "A question, which is due at once."
  @spec put(t, reference, key, {node, :holdings? | :ask, map}, integer) :: t
  def put(calls, ref, key, {node, kind, body}, now) do
    call = %{key: key, node: node, kind: kind, body: body, why: :distributed_timeout}
    timing = %{until: now + calls.timeout_ms, again: now, wait_ms: @again_ms}
    put_in(calls.open[ref], Map.merge(call, timing))
  end

  @doc "Whether nothing is asked."
  @spec none?(t) :: boolean
  def none?(calls), do: calls.open == %{}

  @doc "When to look again, in milliseconds."
  @spec next_ms(t, integer) :: non_neg_integer
  def next_ms(calls, now) do
    moments = for {_ref, call} <- calls.open, do: min(call.again, call.until)
    max(Enum.min(moments, fn -> now end) - now, 0)
  end

  @doc "What is to be asked now (again), and what nobody answered in time, with the reason."
  @spec due(t, integer) :: {[{reference, call}], [{key, node, reason :: term}], t}
  def due(calls, now) do
    {late, open} = Enum.split_with(calls.open, fn {_ref, call} -> call.until <= now end)
    due = for {ref, %{again: again} = call} <- open, again <= now, do: {ref, call}
    open = Map.new(open, fn {ref, call} -> {ref, waited(call, now)} end)
    {due, for({_ref, call} <- late, do: {call.key, call.node, call.why}), %{calls | open: open}}
  end

  defp waited(%{again: again} = call, now) when again <= now,
    do: %{call | again: now + call.wait_ms, wait_ms: min(call.wait_ms * 2, @slowest_ms)}

  defp waited(call, _now), do: call

  @doc "One question, which is to be asked now."
  @spec first(t, reference, integer) :: {call, t}
  def first(calls, ref, now) do
    call = calls.open[ref]
    {call, put_in(calls.open[ref], waited(call, now))}
  end

  @doc "For so long nobody looked for answers: that is no time that members took."
  @spec idle(t, non_neg_integer) :: t
  def idle(calls, ms) do
    later = fn {ref, call} -> {ref, %{call | until: call.until + ms}} end
    %{calls | open: Map.new(calls.open, later)}
  end

  @doc "It could not be sent: it is tried again soon, or given up."
  @spec unsent(t, reference, :busy | :unreachable | term, integer) ::
          {[{key, node, reason :: term}], t}
  def unsent(calls, ref, :unreachable, _now), do: give_up(calls, ref, :unavailable)
  def unsent(calls, ref, _busy, now), do: {[], later(calls, ref, now, :distributed_timeout)}

  @doc "An answer came: what it is to the asking process."
  @spec answer(t, reference, atom, map, integer) ::
          {:answer, key, node, map, t} | {:failed, [{key, node, reason :: term}], t}
  def answer(%{open: open} = calls, ref, kind, body, now) when is_map_key(open, ref),
    do: take(calls, ref, open[ref], kind, body, now)

  def answer(calls, _unknown, _kind, _body, _now), do: {:failed, [], calls}

  # Who does not know yet that we are a member, or has no room, is asked again.
  defp take(calls, ref, _call, :refused, %{reason: reason}, now)
       when reason in [:busy, :not_a_member],
       do: {:failed, [], later(calls, ref, now, {:distributed_exit, reason})}

  defp take(calls, ref, _call, :refused, %{reason: reason}, _now),
    do: failed(give_up(calls, ref, {:distributed_exit, reason}))

  defp take(calls, ref, _call, :gone, _body, _now), do: failed(give_up(calls, ref, :unavailable))

  defp take(calls, ref, %{kind: asked} = call, kind, body, _now)
       when {asked, kind} in [{:ask, :page}, {:holdings?, :holdings}],
       do: {:answer, call.key, call.node, body, forget(calls, ref)}

  defp take(calls, ref, _call, _kind, _body, _now),
    do: failed(give_up(calls, ref, {:distributed_exit, :malformed}))

  @doc "A question that nobody needs the answer of any longer."
  @spec forget(t, reference) :: t
  def forget(calls, ref), do: %{calls | open: Map.delete(calls.open, ref)}

  defp failed({failed, calls}), do: {:failed, failed, calls}

  defp give_up(calls, ref, reason) do
    %{key: key, node: node} = calls.open[ref]
    reason = if reason == :unavailable, do: {:node_unavailable, node}, else: reason
    {[{key, node, reason}], forget(calls, ref)}
  end

  defp later(calls, ref, now, why) do
    update_in(calls.open[ref], fn call ->
      busy_ms = min(Map.get(call, :busy_ms, @busy_ms), @again_ms)
      Map.merge(call, %{again: now + busy_ms, busy_ms: busy_ms * 2, why: why})
    end)
  end
end
