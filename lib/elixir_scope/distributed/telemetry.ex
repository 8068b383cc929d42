defmodule ElixirScope.Distributed.Telemetry do
  @moduledoc """
  The events this library itself emits, when `:telemetry` is there.

  | event | measurements | metadata |
  |---|---|---|
  | `[:elixir_scope, :distributed, :cluster]` | | `node`, `status` |
  | `[:elixir_scope, :distributed, :clock]` | `ahead_ns`, `limit_ns` | `node`, `status` (`:quarantined`, `:back`) |
  | `[:elixir_scope, :distributed, :conflict]` | `from`, `to` | `node`, `origin`, `cloned` |
  | `[:elixir_scope, :distributed, :debug_breaker]` | | `node`, `status` (`:open`, `:half_open`, `:closed`) |
  | `[:elixir_scope, :distributed, :debug_call]` | `duration`, `attempts` | `node`, `service`, `operation`, `source`, `result` |
  | `[:elixir_scope, :distributed, :debug_fallback]` | | `node`, `service`, `operation`, `reason` |
  | `[:elixir_scope, :distributed, :debug_refused]` | | `node`, `reason` |
  | `[:elixir_scope, :distributed, :debug_retry]` | `attempt`, `wait_ms` | `node`, `service`, `operation`, `reason` |
  | `[:elixir_scope, :distributed, :query]` | `duration`, `events`, `missing`, `dropped` | `node` |
  | `[:elixir_scope, :distributed, :sync]` | `sent`, `received`, `already`, `bytes` | `node` |
  | `[:elixir_scope, :distributed, :sync_failed]` | | `node`, `reason` |

  `duration` is in native time units; `node` is the member concerned. Log lines of this
  library carry the domain `[:elixir_scope]`, one for a change of state, none per event.

      :telemetry.attach("sync", [:elixir_scope, :distributed, :sync], &MyApp.on_sync/4, nil)
  """

  @compile {:no_warn_undefined, :telemetry}

  @prefix [:elixir_scope, :distributed]

  @events %{
    cluster: {[], [:node, :status]},
    clock: {[:ahead_ns, :limit_ns], [:node, :status]},
    conflict: {[:from, :to], [:node, :origin, :cloned]},
    debug_breaker: {[], [:node, :status]},
    debug_call: {[:duration, :attempts], [:node, :service, :operation, :source, :result]},
    debug_fallback: {[], [:node, :service, :operation, :reason]},
    debug_refused: {[], [:node, :reason]},
    debug_retry: {[:attempt, :wait_ms], [:node, :service, :operation, :reason]},
    query: {[:duration, :events, :missing, :dropped], [:node]},
    sync: {[:sent, :received, :already, :bytes], [:node]},
    sync_failed: {[], [:node, :reason]}
  }

  @doc """
  Every event with its measurements and metadata.

      iex> {measurements, metadata} = ElixirScope.Distributed.Telemetry.events()[:query]
      iex> {:duration in measurements, metadata}
      {true, [:node]}
  """
  @spec events() :: %{atom => {[atom], [atom]}}
  def events, do: @events

  @doc false
  @spec emit(atom, node, map | {:error, term}) :: :ok
  def emit(:sync, node, {:error, reason}), do: emit(:sync_failed, node, %{reason: reason})

  def emit(name, node, values) do
    {measurements, metadata} = Map.fetch!(@events, name)
    values = Map.put(values, :node, node)
    execute(@prefix ++ [name], Map.take(values, measurements), Map.take(values, metadata))
  end

  # `:telemetry` belongs to the application: it is used where it is loaded, as it is for whoever has
  # attached a handler. To look for it where it is not would be a search of every folder of code, by
  # the one process that loads code, for each event.
  defp execute(event, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3),
      do: :telemetry.execute(event, measurements, metadata)

    :ok
  end
end
