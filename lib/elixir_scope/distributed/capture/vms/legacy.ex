defmodule ElixirScope.Distributed.Capture.Vms.Legacy do
  @moduledoc false
  # The one tracer of OTP 25 and 26, which all tools share: it is taken only while nobody
  # else has it, and given up when somebody takes it. It outlives its owner, so the next one
  # sweeps first.

  alias ElixirScope.Distributed.Capture.{Plan, Seat, Vm}
  alias ElixirScope.Distributed.Error

  @behaviour Vm

  # Processes that are looked at again while a trace runs.
  @sample 100

  @impl Vm
  def open do
    case Enum.filter([:new | Process.list()], &(whose(&1) == :other)) do
      [] -> {:ok, :legacy}
      taken -> {:error, Error.new(:other_tracer, processes: length(taken))}
    end
  end

  @impl Vm
  def set(:legacy, {:function, mfa, spec}),
    do: Vm.attempt(fn -> :erlang.trace_pattern(mfa, spec, [:local]) end)

  def set(:legacy, {:memory, pattern, count}),
    do: Vm.attempt(fn -> :erlang.trace_pattern(pattern, count, [:call_memory]) end)

  def set(:legacy, {:messages, direction, spec}),
    do: Vm.attempt(fn -> :erlang.trace_pattern(direction, spec || true, []) end)

  def set(:legacy, {:process, target, true, flags}),
    do: Vm.attempt(fn -> :erlang.trace(Vm.named(target), true, [tracer() | flags]) end)

  def set(:legacy, {:process, target, false, flags}),
    do: Vm.attempt(fn -> :erlang.trace(Vm.named(target), false, [tracer() | flags]) end)

  @impl Vm
  def memory(:legacy, mfa) do
    case :erlang.trace_info(mfa, :call_memory) do
      {:call_memory, [_ | _] = rows} -> rows
      _none -> []
    end
  end

  @impl Vm
  def traced?(:legacy, mfa), do: match?({:traced, :local}, :erlang.trace_info(mfa, :traced))

  @impl Vm
  def flags(:legacy, target) do
    case :erlang.trace_info(Vm.named(target), :flags) do
      {:flags, flags} -> flags
      :undefined -> nil
    end
  end

  @impl Vm
  def check(:legacy, pids) do
    pids = for pid <- pids, is_pid(pid), do: pid
    seen = [:new | Enum.take_random(pids, @sample)] ++ Enum.take_random(Process.list(), @sample)
    if Enum.any?(seen, &(whose(&1) == :other)), do: {:error, :taken_over}, else: :ok
  end

  # All at once: where processes queue for a scheduler, each would have to be waited for. Of
  # those whose tracer is another one nothing is taken.
  @impl Vm
  def close(:legacy) do
    Vm.attempt(fn -> :erlang.trace(:existing_processes, false, [tracer(), :all]) end)
    if whose(:new) == :ours, do: set(:legacy, {:process, :new, false, [:all]})
    :ok
  end

  @impl Vm
  def sweep(functions) do
    close(:legacy)
    for mfa <- functions, what <- [:function, :memory], do: set(:legacy, {what, mfa, false})

    # No function need be traced to know who sent what.
    for {direction, spec} <- Plan.Spec.messages(true),
        :erlang.trace_info(direction, :match_spec) == {:match_spec, spec},
        do: set(:legacy, {:messages, direction, false})

    :ok
  end

  defp whose(pid) do
    {ours, _state} = Seat.tracer()

    case :erlang.trace_info(Vm.named(pid), :tracer) do
      {:tracer, []} -> nil
      {:tracer, {^ours, _state}} -> :ours
      {:tracer, _other} -> :other
      :undefined -> nil
    end
  end

  defp tracer do
    {module, state} = Seat.tracer()
    {:tracer, module, state}
  end
end
