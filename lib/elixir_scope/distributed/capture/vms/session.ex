defmodule ElixirScope.Distributed.Capture.Vms.Session do
  @moduledoc false
  # A trace session of our own: nobody else's tracing is touched, and the VM ends it with the
  # process that owns it, however that one ends.

  alias ElixirScope.Distributed.Capture.{Seat, Vm}
  alias ElixirScope.Distributed.Error

  @behaviour Vm

  @compile {:no_warn_undefined, :trace}

  @impl Vm
  def open do
    {:ok, :trace.session_create(:elixir_scope, Seat.tracer(), [])}
  rescue
    error -> {:error, Error.new(:no_session, reason: Exception.message(error))}
  end

  @impl Vm
  def set(session, {:function, mfa, spec}),
    do: Vm.attempt(fn -> :trace.function(session, mfa, spec, [:local]) end)

  def set(session, {:memory, pattern, count}),
    do: Vm.attempt(fn -> :trace.function(session, pattern, count, [:call_memory]) end)

  def set(session, {:messages, :send, spec}),
    do: Vm.attempt(fn -> :trace.send(session, spec || true, []) end)

  def set(session, {:messages, :receive, spec}),
    do: Vm.attempt(fn -> :trace.recv(session, spec || true, []) end)

  def set(session, {:process, target, on?, flags}),
    do: Vm.attempt(fn -> :trace.process(session, Vm.named(target), on?, flags) end)

  @impl Vm
  def memory(session, mfa) do
    case :trace.info(session, mfa, :call_memory) do
      {:call_memory, [_ | _] = rows} -> rows
      _none -> []
    end
  end

  @impl Vm
  def traced?(session, mfa),
    do: match?({:traced, :local}, :trace.info(session, mfa, :traced))

  @impl Vm
  def flags(session, target) do
    case :trace.info(session, Vm.named(target), :flags) do
      {:flags, flags} -> flags
      :undefined -> nil
    end
  end

  @impl Vm
  def check(_session, _pids), do: :ok

  @impl Vm
  def close(session) do
    _ = :trace.session_destroy(session)
    :ok
  end

  # With its owner the session went.
  @impl Vm
  def sweep(_functions), do: :ok
end
