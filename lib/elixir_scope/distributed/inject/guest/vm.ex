defmodule ElixirScope.Distributed.Inject.Guest.Vm do
  @moduledoc false
  # Makes the VM trace: a session of our own where it has such (OTP 27 and later), the one tracer
  # that all tools share before. What has gone meanwhile, a process or a module, is no error.

  @name :elixir_scope_inject
  @settled_ms 2_000

  @compile {:no_warn_undefined, :trace}

  @type handle :: nil | {:session, term} | {:legacy, pid}
  @type step ::
          {:function, tuple, term} | {:messages, :receive, term} | {:process, pid | atom, [atom]}

  @doc "The name of the session."
  @spec name() :: atom
  def name, do: @name

  @doc "Begins, for a tracer."
  @spec open(boolean, pid) :: {:ok, handle} | {:error, term}
  def open(true, tracer), do: {:ok, {:session, :trace.session_create(@name, tracer, [])}}

  def open(false, tracer) do
    case taken([:new | :erlang.processes()], 0) do
      0 -> {:ok, {:legacy, tracer}}
      others -> {:error, {:other_tracer, others}}
    end
  end

  @doc "Sets everything, functions before processes; nobody here is traced."
  @spec set(handle, [step], [pid]) :: :ok
  def set(handle, steps, ours) do
    :lists.foreach(&one(handle, &1), steps)
    :lists.foreach(&process(handle, &1, false, [:all]), ours)
  end

  @doc "Waits until what was told before is in the tracer's queue, but not for long."
  @spec settled(handle) :: :ok
  def settled(handle) do
    delivered = delivered(handle)

    receive do
      {:trace_delivered, _all, ^delivered} -> :ok
    after
      @settled_ms -> :ok
    end
  end

  defp delivered({:session, session}), do: :trace.delivered(session, :all)
  defp delivered({:legacy, _tracer}), do: :erlang.trace_delivered(:all)

  @doc "Takes everything away. A second time is no error."
  @spec close(handle, [step]) :: :ok
  def close(nil, _steps), do: :ok

  def close({:session, session}, _steps) do
    _ = attempt(fn -> :trace.session_destroy(session) end)
    :ok
  end

  # All flags at once; of a process that another tool traces nothing is taken.
  def close({:legacy, tracer}, steps) do
    attempt(fn -> :erlang.trace(:existing_processes, false, [{:tracer, tracer}, :all]) end)

    if tracer(:new) == {:tracer, tracer},
      do: attempt(fn -> :erlang.trace(:new_processes, false, [:all]) end)

    :lists.foreach(&clear/1, steps)
  end

  @doc "Whether another tool took over: on OTP 27 and later none can."
  @spec taken?(handle, [pid]) :: boolean
  def taken?({:legacy, tracer}, pids), do: :lists.any(&foreign?(&1, tracer), [:new | pids])
  def taken?(_session, _pids), do: false

  defp foreign?(pid, ours), do: tracer(pid) not in [{:tracer, []}, {:tracer, ours}, :undefined]

  defp clear({:function, mfa, _spec}),
    do: attempt(fn -> :erlang.trace_pattern(mfa, false, [:local]) end)

  defp clear({:messages, direction, _spec}),
    do: attempt(fn -> :erlang.trace_pattern(direction, true, []) end)

  defp clear(_process), do: :ok

  defp one({:session, session}, {:function, mfa, spec}),
    do: attempt(fn -> :trace.function(session, mfa, spec, [:local]) end)

  defp one({:legacy, _tracer}, {:function, mfa, spec}),
    do: attempt(fn -> :erlang.trace_pattern(mfa, spec, [:local]) end)

  defp one({:session, session}, {:messages, :receive, spec}),
    do: attempt(fn -> :trace.recv(session, spec, []) end)

  defp one({:legacy, _tracer}, {:messages, :receive, spec}),
    do: attempt(fn -> :erlang.trace_pattern(:receive, spec, []) end)

  defp one(handle, {:process, target, flags}), do: process(handle, target, true, flags)

  defp process({:session, session}, target, on?, flags),
    do: attempt(fn -> :trace.process(session, named(target), on?, flags) end)

  defp process({:legacy, tracer}, target, on?, flags),
    do: attempt(fn -> :erlang.trace(named(target), on?, [{:tracer, tracer} | flags]) end)

  defp named(:new), do: :new_processes
  defp named(target), do: target

  defp taken([], count), do: count

  defp taken([pid | pids], count) do
    if tracer(pid) in [{:tracer, []}, :undefined],
      do: taken(pids, count),
      else: taken(pids, count + 1)
  end

  defp tracer(:new), do: :erlang.trace_info(:new_processes, :tracer)
  defp tracer(pid), do: :erlang.trace_info(pid, :tracer)

  defp attempt(set) do
    set.()
  catch
    :error, :badarg -> :ok
  end
end
