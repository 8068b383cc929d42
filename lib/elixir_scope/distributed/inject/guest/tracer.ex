defmodule ElixirScope.Distributed.Inject.Guest.Tracer do
  @moduledoc false
  # The process that the VM sends its messages to. Its memory is what a flood would fill, so it looks at
  # its own queue and counts as it goes, ends the tracing itself when a budget is used up, and is killed
  # by the VM where all that is not enough: `spawn/2` says from when on.
  #
  # After the end it goes on for a moment to send what was recorded, and then waits to be killed.

  alias ElixirScope.Distributed.Inject.Guest.{Budget, Calls, Content, Leave, Outbox, Reading}
  alias ElixirScope.Distributed.Inject.Guest.{Secrets, Vm}

  # Messages of the VM that may wait: this many are copied before the end of a flood is noticed.
  @waiting 20_000
  @look_every 64
  @flush_ms 50
  @heap_bytes 128 * 1024 * 1024
  @linger_ms 2_000
  @living_ns 1_000_000_000

  @doc "Every bound, for who says beforehand what will be done."
  @spec limits() :: map
  def limits, do: %{waiting_messages: @waiting, heap_bytes: @heap_bytes, linger_ms: @linger_ms}

  @doc "Starts it, linked to and watched by the caller."
  @spec spawn(map) :: {pid, reference}
  def spawn(config) do
    options = [:link, :monitor, {:priority, :high}, {:message_queue_data, :on_heap}]
    options = [{:max_heap_size, most(config.otp)} | options]
    :erlang.spawn_opt(__MODULE__, :init, [config, self()], options)
  end

  # Binaries that only a queue holds count from OTP 27 on.
  defp most(otp) do
    size = div(@heap_bytes, :erlang.system_info(:wordsize))
    most = %{size: size, kill: true, error_logger: false}
    if otp >= 27, do: :maps.put(:include_shared_binaries, true, most), else: most
  end

  @doc false
  def init(config, warden) do
    :erlang.process_flag(:trap_exit, true)

    receive do
      {^warden, :handle, handle} -> loop(new(config, warden, handle))
      {:EXIT, ^warden, _reason} -> Leave.modules(config.modules)
    end
  end

  defp new(config, warden, handle) do
    now = now()

    %{
      config: config,
      warden: warden,
      handle: handle,
      rules: Secrets.compile(config.rules),
      out: Outbox.new(config.ref, config.owner),
      budget: Budget.new(config.budgets, now),
      calls: Calls.new(config.slower_than_ms, config.budgets.open_calls),
      looked: 0,
      last: nil,
      queue: 0,
      woke: now,
      flushed: now,
      lived: now
    }
  end

  defp loop(state) do
    receive do
      message -> handle(message, state)
    after
      0 -> idle(state)
    end
  end

  defp idle(state) do
    now = now()
    state = now_and_then(%{state | budget: worked(state, now), woke: now}, now)

    receive do
      message -> handle(message, %{state | woke: now()})
    after
      @flush_ms -> next(now_and_then(state, now()))
    end
  end

  defp handle(message, state) when elem(message, 0) == :trace_ts,
    do: state |> traced(message) |> next()

  defp handle({ref, :answer}, %{config: %{ref: ref}} = state),
    do: loop(%{state | out: Outbox.flush(Outbox.answered(state.out))})

  defp handle({warden, :end}, %{warden: warden} = state), do: linger(state)

  defp handle({:EXIT, warden, _reason}, %{warden: warden} = state),
    do: Leave.now(state.config, state.handle)

  defp handle(_other, state), do: loop(state)

  defp traced(state, message) do
    case Reading.raw(message) do
      nil -> state
      raw -> raw |> Content.bounded(state.config.room, state.rules) |> seen(state, raw)
    end
  end

  # Bounded at once: a call that may yet turn out to be slow is not kept as it was.
  defp seen(event, state, {ns, _pid, _kind, _subject, _data, _ends?}) do
    {told, calls} = Calls.seen(state.calls, event)
    state = %{state | calls: calls, budget: Budget.looked(state.budget, ns)}
    :lists.foldl(&record/2, %{state | looked: state.looked + 1}, told) |> turn(event)
  end

  # There may be no pause.
  defp turn(%{looked: looked} = state, {{_, pid, _, _, _, _}, _cut?})
       when rem(looked, @look_every) == 0 do
    now = now()
    state = %{state | last: pid, queue: queue(), woke: now, budget: worked(state, now)}
    now_and_then(state, now)
  end

  defp turn(state, {{_, pid, _, _, _, _}, _cut?}), do: %{state | last: pid}

  defp worked(state, now), do: Budget.worked(state.budget, now - state.woke)

  defp now_and_then(%{flushed: flushed} = state, now)
       when now - flushed >= @flush_ms * 1_000_000 do
    {told, calls} = state.calls |> living(now - state.lived) |> Calls.due(now)
    lived = if now - state.lived > @living_ns, do: now, else: state.lived
    state = :lists.foldl(&record/2, %{state | calls: calls, lived: lived, flushed: now}, told)
    %{state | out: Outbox.flush(state.out)}
  end

  defp now_and_then(state, _now), do: state

  defp living(calls, ago) when ago > @living_ns, do: Calls.living(calls)
  defp living(calls, _ago), do: calls

  defp record({{ns, pid, kind, subject, data, _ends?}, cut?}, state) do
    if :lists.member(kind, state.config.keep) do
      event = {ns, pid, kind, subject, data, if(cut?, do: %{truncated?: true}, else: %{})}
      bytes = :erlang.external_size(event)

      %{
        state
        | out: Outbox.put(state.out, event, bytes),
          budget: Budget.recorded(state.budget, bytes)
      }
    else
      state
    end
  end

  # After each message: whether it was the last.
  defp next(state) do
    case Budget.trip(state.budget) || runaway(state) || behind(state) do
      nil -> loop(state)
      trip -> tripped(state, trip)
    end
  end

  defp runaway(%{last: pid, calls: calls}) do
    open = Calls.runaway(calls, pid)
    if open != nil, do: Budget.of(:runaway_returns, open, calls.most)
  end

  defp behind(%{queue: waiting}) when waiting > @waiting,
    do: Budget.of(:behind, waiting, @waiting)

  defp behind(_state), do: nil

  defp tripped(state, trip) do
    Vm.close(state.handle, state.config.steps)
    send(state.warden, {self(), :tripped, trip})
    linger(state)
  end

  defp linger(state) do
    out = Outbox.finished(state.out, now())
    linger(%{state | out: Outbox.flush(out)}, now() + @linger_ms * 1_000_000)
  end

  # Messages of the VM that still come are read and forgotten.
  defp linger(state, until) do
    left = div(until - now(), 1_000_000)

    if Outbox.empty?(state.out) or left <= 0,
      do: done(state),
      else: lingering(state, until, left)
  end

  defp lingering(%{config: %{ref: ref}, warden: warden} = state, until, left) do
    receive do
      {^ref, :answer} ->
        linger(%{state | out: Outbox.flush(Outbox.answered(state.out))}, until)

      {:EXIT, ^warden, _reason} ->
        Leave.now(state.config, state.handle)

      _other ->
        linger(state, until)
    after
      min(left, @flush_ms) -> linger(%{state | out: Outbox.flush(state.out)}, until)
    end
  end

  defp done(%{out: out, budget: budget} = state) do
    figures = %{
      batches: out.sent,
      events: budget.events,
      bytes: budget.bytes,
      messages: budget.calls,
      dropped: out.dropped + out.waiting
    }

    send(state.warden, {self(), :done, figures})
    gone(state)
  end

  defp gone(%{warden: warden} = state) do
    receive do
      {:EXIT, ^warden, _reason} -> Leave.now(state.config, state.handle)
      _other -> gone(state)
    end
  end

  defp queue do
    {:message_queue_len, waiting} = :erlang.process_info(self(), :message_queue_len)
    waiting
  end

  defp now, do: :erlang.monotonic_time(:nanosecond)
end
