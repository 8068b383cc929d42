defmodule ElixirScope.Distributed.Capture.Recorder do
  @moduledoc false
  # The way of an explicit or instrumented event into this VM's rings: nothing here waits, raises or
  # looks anything up for the default scope.

  require Logger

  alias ElixirScope.Distributed.Capture.{Correlation.Token, Redact}
  alias ElixirScope.Distributed.{Error, Native, Options, Scope}

  @default_scope Options.default_scope()

  @doc """
  Reserves the rings of this VM and says what no event may show, from a checked
  configuration. What is in the way is logged, never fatal.
  """
  @spec start(keyword) :: :ok | {:error, Error.t()}
  def start(config) do
    with nil <- Native.load_failure(),
         :ok <- Native.ring_hide(Redact.rules(config[:redact])),
         {:ok, _started} <- Native.ring_start(config[:ring_bytes], threads()) do
      :ok
    else
      {:error, reason} -> report(Error.new(:rings_not_started, reason: reason))
      {file, reason} -> report(Error.new(:library_not_loaded, file: file, reason: reason))
    end
  end

  @doc "Records an event in the default scope, without a look-up."
  @spec record(atom, term) :: :ok
  def record(name, data),
    do: recorded(Native.ring_record(name, data, nil, :seq_trace.get_token(:label)))

  @doc "Records an event with options; what is wrong with them is counted as lost."
  @spec record(atom, term, keyword) :: :ok
  def record(name, data, options) do
    case options do
      [] -> record(name, data)
      # Here and not in `record_as/3`: a call of its own costs a fifth of the whole.
      [correlation_id: id] when id != nil -> Native.ring_record(name, data, id, [])
      _more -> record_to(options[:scope] || @default_scope, name, data, options[:correlation_id])
    end
  end

  # What instrumented code calls: see `Capture.Instrument`.

  @doc "A function was entered, with its arguments or with their number alone."
  @spec call(module, atom, [term] | arity) :: :ok
  def call(module, function, arguments),
    do: recorded(Native.ring_call(module, function, arguments, :seq_trace.get_token(:label)))

  @doc "A function returned `value`."
  @spec return(module, atom, arity, term) :: :ok
  def return(module, function, arity, value),
    do: recorded(Native.ring_return(module, function, arity, value, :seq_trace.get_token(:label)))

  @doc "A function was left by an exception."
  @spec exception(module, atom, arity, atom, term, Exception.stacktrace()) :: :ok
  def exception(module, function, arity, class, reason, stack) do
    token = :seq_trace.get_token(:label)
    recorded(Native.ring_exception(module, function, arity, class, reason, stack, token))
  end

  @doc "What was sampled of a process, or of the node with `nil`."
  @spec vitals(pid | nil, map) :: :ok
  def vitals(pid, data), do: Native.ring_vitals(pid, data)

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

  defp record_to(@default_scope, name, data, id), do: record_as(id, name, data)

  defp record_to(scope, name, data, id) do
    token = :seq_trace.get_token(:label)
    recorded(Native.ring_record_to(Scope.index(scope), name, data, id, token))
  end

  # An id that is given needs no look at what the process carries.
  defp record_as(nil, name, data), do: record(name, data)
  defp record_as(id, name, data), do: Native.ring_record(name, data, id, [])

  # The process carries another label than it should: its extent's, or an old one.
  defp recorded(:ok), do: :ok
  defp recorded(:mend), do: Token.mend()

  defp report(error) do
    Logger.error(Exception.message(error), domain: [:elixir_scope])
    {:error, error}
  end
end
