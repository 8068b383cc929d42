defmodule ElixirScope.Distributed.Capture.Recorder do
  @moduledoc false
  # The way of an explicit event into this VM's rings: nothing here waits, raises or
  # looks anything up for the default scope.

  require Logger

  alias ElixirScope.Distributed.{Error, Native, Options, Scope}

  @default_scope Options.default_scope()

  @doc "Reserves the rings of this VM; the library's absence is logged, never fatal."
  @spec start(pos_integer) :: :ok | {:error, Error.t()}
  def start(ring_bytes) do
    case Native.load_failure() do
      nil -> Native.ring_start(ring_bytes, threads())
      failure -> report(failure)
    end
  end

  @doc "Records an event in the default scope, without a look-up."
  @spec record(atom, term) :: :ok
  def record(name, data), do: Native.ring_record(name, data, nil)

  @doc "Records an event with options; what is wrong with them is counted as lost."
  @spec record(atom, term, keyword) :: :ok
  def record(name, data, options) do
    case options do
      [] -> Native.ring_record(name, data, nil)
      [correlation_id: id] -> Native.ring_record(name, data, id)
      _more -> record_to(options[:scope] || @default_scope, name, data, options[:correlation_id])
    end
  end

  @doc "The state of the rings: every bound, what is in use, what was lost and why."
  @spec status() :: map
  def status, do: Native.ring_status()

  # Whatever may run a NIF or a trace point: every scheduler, and two threads more.
  defp threads do
    [:schedulers, :dirty_cpu_schedulers, :dirty_io_schedulers]
    |> Enum.map(&:erlang.system_info/1)
    |> Enum.sum()
    |> Kernel.+(2)
  end

  defp record_to(@default_scope, name, data, id), do: Native.ring_record(name, data, id)

  defp record_to(scope, name, data, id) do
    case Scope.fetch(scope) do
      {:ok, %{index: index}} -> Native.ring_record_to(index, name, data, id)
      {:error, _not_running} -> Native.ring_record_to(-1, name, data, id)
    end
  end

  defp report({file, reason}) do
    error = Error.new(:library_not_loaded, file: to_string(file), reason: to_string(reason))
    Logger.error(Exception.message(error), domain: [:elixir_scope])
    {:error, error}
  end
end
