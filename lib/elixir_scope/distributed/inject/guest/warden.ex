defmodule ElixirScope.Distributed.Inject.Guest.Warden do
  @moduledoc false
  # The process that lives for the end: it starts the tracer and takes everything away, whoever dies first:
  # the one who asked (its node, its process, the connection), the tracer, or the trace, when its
  # time, its lease or the health of the node is over. Should it be killed itself, the
  # tracer takes everything away; should both be, who asked does, where it finds something left.

  alias ElixirScope.Distributed.Inject.Guest.{Budget, Health, Leave, Tracer, Vm}

  @name __MODULE__
  @look_ms 100

  # How long the tracer may take to send the rest, and some more.
  @patience_ms 3_000

  @doc "The name that it has while it lives, so that there is one."
  @spec name() :: atom
  def name, do: @name

  @doc false
  def init(config, caller) do
    :erlang.process_flag(:trap_exit, true)
    if registered?(), do: alone(config, caller), else: send(caller, {self(), {:error, :busy}})
  end

  # Watching a process of a node that is gone already would try to connect with it.
  defp alone(config, caller) do
    if there?(:erlang.node(config.owner)),
      do: watching(config, caller, :erlang.monitor(:process, config.owner)),
      else: Leave.modules(config.modules)
  end

  defp there?(node), do: :lists.member(node, :erlang.nodes([:connected, :this]))

  defp watching(config, caller, owner) do
    {tracer, watch} = Tracer.spawn(config)

    case Vm.open(config.sessions?, tracer) do
      {:ok, handle} -> armed(config, caller, owner, tracer, watch, handle)
      {:error, why} -> refused(config, caller, tracer, why)
    end
  end

  defp armed(config, caller, owner, tracer, watch, handle) do
    now = now_ms()
    send(tracer, {self(), :handle, handle})
    health = Health.start(config.health, :erlang.monotonic_time(:nanosecond))
    Vm.set(handle, config.steps, [self(), tracer])
    send(caller, {self(), {:ok, self(), tracer}})
    :erlang.send_after(@look_ms, self(), :look)

    loop(%{
      config: config,
      owner: owner,
      tracer: tracer,
      watch: watch,
      handle: handle,
      health: health,
      ends: now + config.budgets.duration_ms,
      lease: now + config.budgets.lease_ms,
      trip: nil,
      until: :infinity
    })
  end

  # Before somebody who waits for the answer can look whether anything was left.
  defp refused(config, caller, tracer, why) do
    kill(tracer)
    send(caller, {self(), {:error, why}})
    Leave.modules(config.modules)
  end

  defp loop(%{config: %{ref: ref}, owner: owner, tracer: tracer, watch: watch} = state) do
    receive do
      {:DOWN, ^owner, :process, _pid, _reason} -> leave(state, Budget.of(:owner_down), nil)
      {:DOWN, ^watch, :process, _pid, reason} -> leave(state, Budget.of(died(reason)), nil)
      {^tracer, :tripped, trip} -> loop(ending(state, trip))
      {^tracer, :done, figures} -> leave(state, state.trip, figures)
      {^ref, :renew} -> loop(%{state | lease: now_ms() + state.config.budgets.lease_ms})
      {^ref, :stop} -> loop(stop(state, Budget.of(:stopped)))
      :look -> look(state, now_ms())
      _other -> loop(state)
    end
  end

  # So does the VM where it takes more memory than it may.
  defp died(:killed), do: :tracer_killed
  defp died(_other), do: :tracer_failed

  defp look(%{until: until} = state, now) when is_integer(until) do
    :erlang.send_after(@look_ms, self(), :look)
    if now > until, do: leave(state, state.trip, nil), else: loop(state)
  end

  defp look(state, now) do
    :erlang.send_after(@look_ms, self(), :look)
    {sick, health} = Health.check(state.health, :erlang.monotonic_time(:nanosecond))
    state = %{state | health: health}

    case over(state, now) || sick || taken(state) do
      nil -> loop(state)
      trip -> loop(stop(state, trip))
    end
  end

  defp over(state, now) do
    cond do
      now >= state.ends ->
        Budget.of(:duration, state.config.budgets.duration_ms, state.config.budgets.duration_ms)

      now >= state.lease ->
        Budget.of(:lease)

      true ->
        nil
    end
  end

  defp taken(state) do
    if Vm.taken?(state.handle, state.config.pids), do: Budget.of(:taken_over)
  end

  # What was seen before the end is told: the VM hands it over in its own time.
  defp stop(%{trip: nil} = state, trip) do
    Vm.settled(state.handle)
    Vm.close(state.handle, state.config.steps)
    send(state.tracer, {self(), :end})
    ending(state, trip)
  end

  defp stop(state, _trip), do: state

  defp ending(%{trip: nil} = state, trip),
    do: %{state | trip: trip, until: now_ms() + @patience_ms}

  defp ending(state, _trip), do: state

  defp leave(state, trip, figures) do
    kill(state.tracer)
    Vm.close(state.handle, state.config.steps)
    message = {state.config.ref, :ended, trip, figures}
    _ = :erlang.send(state.config.owner, message, [:nosuspend, :noconnect])
    Leave.modules(state.config.modules)
  end

  defp kill(tracer) do
    watch = :erlang.monitor(:process, tracer)
    :erlang.unlink(tracer)
    :erlang.exit(tracer, :kill)

    receive do
      {:DOWN, ^watch, :process, _pid, _reason} -> :ok
    end
  end

  defp registered? do
    :erlang.register(@name, self())
  catch
    :error, :badarg -> false
  end

  defp now_ms, do: :erlang.monotonic_time(:millisecond)
end
