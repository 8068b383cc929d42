defmodule ElixirScope.Distributed.PastTraced do
  @moduledoc false
  # A scope of a test, and traces in it.

  alias ElixirScope.Distributed, as: Scope
  import ExUnit.Callbacks, only: [start_supervised!: 1, on_exit: 1]

  @room [events: 1_000_000, bytes: 500_000_000, events_per_s: 10_000_000, duration_ms: 600_000]

  @doc "A scope that ends with the test; also the calls and messages of what is named."
  def scope!(options \\ []) do
    name = :"scope_past_#{System.unique_integer([:positive])}"
    start_supervised!({Scope, [name: name] ++ options})
    name
  end

  @doc "Traces the states of a module: all that can be had of them, unless options say otherwise."
  def trace!(scope, what, options \\ []) do
    whole = [state: true, messages: true, capture: :full, scope: scope] ++ @room
    {:ok, trace} = Scope.trace(what, Keyword.merge(whole, options))
    on_exit(fn -> Scope.stop_trace(scope) end)
    trace
  end

  @doc "Traces a process that is there with all it receives and sends."
  def watch!(scope, pid, module), do: trace!(scope, module, processes: pid)

  @doc "Waits until a server has done all it was told."
  def done(pid) do
    _state = :sys.get_state(pid)
    pid
  end
end
