defmodule ElixirScope.Distributed.Inject.Visit do
  @moduledoc false
  # One run from the side that asked: sends the modules, gathers what comes, answers each batch, renews the
  # lease, and looks afterwards whether anything was left. It runs in the calling process: when that
  # ends, the other node hears of it.

  alias ElixirScope.Distributed.Error
  alias ElixirScope.Distributed.Inject.{Gathered, Guest, Look, Plan, Remote, Result, Sweep}

  # Longer than the node needs to end by itself, and to send the rest.
  @patience_ms 10_000
  @rest_ms 2_000

  @file_name ~c"injected"

  # Bounds of one term: `scope_event`'s budgets for arguments, messages and all there is.
  @arguments %{nodes: 32, bytes: 256, depth: 8, binary: 128}
  @messages %{nodes: 64, bytes: 512, depth: 12, binary: 256}
  @full %{nodes: 1_000_000, bytes: 64 * 1024, depth: 64, binary: 64 * 1024}

  @rooms %{
    calls: %{arguments: nil, messages: nil, reasons: @arguments},
    arguments: %{arguments: @arguments, messages: @messages},
    full: %{arguments: @full, messages: @full}
  }

  @doc "What the caller sends to end it."
  @spec stop() :: tuple
  def stop, do: {__MODULE__, :stop}

  @doc "Does what was planned."
  @spec run(Plan.t(), map) :: {:ok, Result.t()} | {:error, Error.t()}
  def run(plan, rules) do
    look = fn -> {:ok, Look.at(plan.at, Sweep.what(plan, []))} end
    with {:ok, before} <- Remote.attempt(plan.at, look), do: run(plan, rules, before)
  end

  defp run(plan, rules, before) do
    ref = make_ref()

    case Remote.attempt(plan.at, fn -> inject(plan, config(plan, ref, rules)) end) do
      {:ok, warden, tracer} -> gather(plan, ref, before, warden, tracer)
      {:error, why} -> failed(plan, before, why)
    end
  end

  # One call that loads all modules, or none, and starts what takes them away again. It is made of
  # functions that are there: whoever dies between the two would leave the modules behind.
  defp inject(plan, config) do
    loads = for {module, code} <- plan.modules, do: {module, @file_name, code}
    functions = [&:code.atomic_load/1, &Guest.start/1]
    at = %{plan.at | timeout_ms: 3 * plan.at.timeout_ms}

    [_loaded, answer] =
      Remote.call(at, :lists, :zipwith, [&:erlang.apply/2, functions, [[loads], [config]]])

    answer
  end

  defp config(plan, ref, rules) do
    %{order: order, survey: survey} = plan

    %{
      ref: ref,
      owner: self(),
      modules: Keyword.keys(plan.modules),
      sessions?: survey.sessions?,
      otp: survey.otp,
      steps: plan.steps,
      pids: plan.processes.pids,
      keep: [:call, :return, :exception | ElixirScope.Distributed.Capture.Order.kinds(order)],
      slower_than_ms: ElixirScope.Distributed.Capture.Only.ms(order.options[:only]),
      rules: rules,
      room: @rooms[order.options[:capture]],
      budgets: budgets(order),
      health: survey.limits
    }
  end

  # Who keeps every call is bounded by the events.
  defp budgets(%{budgets: budgets, options: options}) do
    calls = if options[:only] == nil, do: :infinity, else: budgets.calls_per_s
    %{Map.from_struct(budgets) | calls_per_s: calls}
  end

  defp gather(plan, ref, before, warden, tracer) do
    say(plan, "traces now")

    state = %{
      ref: ref,
      warden: warden,
      tracer: tracer,
      monitor: Process.monitor(warden),
      renew_ms: max(div(plan.order.budgets.lease_ms, 3), 1),
      until: now() + plan.order.budgets.duration_ms + @patience_ms,
      batches: [],
      got: 0,
      heard: now()
    }

    Process.send_after(self(), {ref, :renew}, state.renew_ms)
    {trip, figures, state} = loop(state)
    Process.demonitor(state.monitor, [:flush])
    forget(ref)
    result(plan, before, trip, figures, state)
  end

  @doc "Tells whoever asked."
  @spec say(Plan.t(), String.t()) :: term
  def say(plan, line), do: (plan.options[:say] || (&IO.puts/1)).(line)

  defp loop(%{ref: ref, monitor: monitor} = state) do
    receive do
      {^ref, :batch, _number, tracer, offset, events} ->
        state |> took(tracer, offset, events) |> loop()

      {^ref, :ended, trip, figures} ->
        {trip, figures, rest(state, figures)}

      {^ref, :renew} ->
        state |> renew() |> loop()

      {:DOWN, ^monitor, :process, _warden, why} ->
        {trip(lost(why)), nil, state}

      {__MODULE__, :stop} ->
        state |> stop() |> loop()
    after
      max(state.until - now(), 0) -> {trip(:no_answer), nil, state}
    end
  end

  defp took(%{ref: ref} = state, tracer, offset, events) do
    send(tracer, {ref, :answer})
    %{state | batches: [{offset, events} | state.batches], got: state.got + 1}
  end

  defp renew(%{ref: ref} = state) do
    send(state.warden, {ref, :renew})
    Process.send_after(self(), {ref, :renew}, state.renew_ms)
    state
  end

  defp stop(%{ref: ref} = state) do
    send(state.warden, {ref, :stop})
    state
  end

  # The two processes there are not heard in the order in which they spoke.
  defp rest(%{ref: ref, got: got} = state, %{batches: batches} = figures) when got < batches do
    receive do
      {^ref, :batch, _number, tracer, offset, events} ->
        state |> took(tracer, offset, events) |> rest(figures)
    after
      @rest_ms -> state
    end
  end

  defp rest(state, _figures), do: state

  defp forget(ref) do
    receive do
      message when is_tuple(message) and elem(message, 0) == ref -> forget(ref)
    after
      0 -> :ok
    end
  end

  defp lost(:noconnection), do: :connection_lost
  defp lost(_died), do: :tracer_failed

  defp trip(reason), do: %{reason: reason, value: nil, limit: nil}

  defp result(plan, before, trip, figures, state) do
    after_it = Sweep.verified(plan, before, [state.warden, state.tracer])
    whole? = match?(%{dropped: 0, batches: got} when got == state.got, figures)
    origin = {plan.at.node, System.os_time()}

    {:ok,
     %Result{
       node: plan.at.node,
       events: Gathered.events(Enum.reverse(state.batches), origin, whole?),
       reason: trip.reason,
       message: Result.message(trip),
       figures: figures,
       before: before,
       after: after_it,
       equal?: after_it == before
     }}
  end

  defp failed(plan, before, %Error{} = error), do: failed(plan, before, error, error.reason)

  defp failed(plan, before, why),
    do: failed(plan, before, Error.new(:inject_failed, node: plan.at.node, reason: why), why)

  defp failed(plan, before, error, _why) do
    case Sweep.verified(plan, before, []) do
      ^before -> {:error, error}
      left -> {:error, %{error | details: Map.put(error.details, :left, left)}}
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
