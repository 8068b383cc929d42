defmodule ElixirScope.Distributed.Capture.Seat do
  @moduledoc false
  # The native side of a trace: its seat among those that run in this VM, whom and what it
  # is told of, what it may record and has recorded. Nothing else calls these functions.

  alias ElixirScope.Distributed.Capture.{Armed, Correlation.Entry}
  alias ElixirScope.Distributed.{Error, Native, Scope}

  @doc "Forgets what an owner left behind that was killed: which traces, and what they have used."
  @spec reset(module) :: [{pos_integer, spent :: map}]
  def reset(vm) do
    vm.sweep(Native.trace_known())
    Native.trace_reset()
  end

  @doc "Gives a trace a seat, and tells what it wants: before the VM tells it anything."
  @spec take(Armed.t()) :: {:ok, Armed.t()} | {:error, Error.t()}
  def take(armed) do
    case Native.trace_open(Armed.wanted(armed, index(armed), name(armed))) do
      {:ok, seat} -> {:ok, %{armed | seat: seat} |> told() |> tap(&thin/1)}
      {:error, reason} -> {:error, Error.new(:no_room, reason: reason)}
    end
  end

  @doc "From now on it records: the VM has been told what to watch, and nothing else."
  @spec go(Armed.t()) :: :ok
  def go(armed), do: Native.trace_go(armed.seat)

  @doc "The functions of a module, which came or came again."
  @spec tell_again(Armed.t(), module) :: non_neg_integer
  def tell_again(armed, module) do
    functions = for %{mfa: {^module, _, _}} = target <- armed.targets.functions, do: target
    callbacks = for {{^module, _, _}, _machine?} = callback <- armed.callbacks, do: callback
    tell(armed.seat, functions, callbacks)
    length(functions) + length(callbacks)
  end

  @typedoc "A process, the bits of the traces told of it, and of those told of what it starts."
  @type told :: {pid, wanted :: non_neg_integer, heirs :: non_neg_integer}

  @doc "The processes that traces are told of by now, one by one."
  @spec told() :: [told]
  def told, do: Native.trace_told()

  @doc "Of what these start, no trace of new processes is told: they record."
  @spec ours([pid]) :: :ok
  def ours(pids), do: Native.trace_ours(pids)

  @doc "So many events more."
  @spec grant(Armed.t(), non_neg_integer) :: :ok
  def grant(_armed, 0), do: :ok
  def grant(armed, events), do: Native.trace_refill(armed.seat, events)

  @doc "How strongly it is thinned from now on; what it left out until now is told in a gap event."
  @spec thin(Armed.t()) :: :ok
  def thin(armed),
    do: Native.trace_thin(armed.seat, Armed.level(armed), Armed.reserve(armed))

  @doc "What it has used."
  @spec spent(Armed.t()) :: map
  def spent(armed), do: Native.trace_spent(armed.seat)

  @doc "From now on it records nothing."
  @spec close(Armed.t()) :: :ok
  def close(armed), do: Native.trace_end(armed.seat)

  @doc "Gives the seat back, once what was recorded is stored; what it has used."
  @spec leave(Armed.t()) :: map
  def leave(armed), do: Native.trace_forget(armed.seat)

  @doc "The VM had forgotten what it was to tell: no call is open that it may not tell the end of."
  @spec again() :: :ok
  def again, do: Native.trace_again()

  @doc "Frees what ended a while ago."
  @spec collect() :: :ok
  def collect, do: Native.trace_collect()

  @doc "Every bound of all traces with its value."
  @spec tables() :: map
  def tables, do: Native.trace_counts()

  @doc "Records what functions took of memory, for those of the traces that want their calls."
  @spec memory(non_neg_integer, [{mfa, pid, calls :: integer, words :: integer}]) :: :ok
  def memory(_bits, []), do: :ok
  def memory(bits, rows), do: Native.trace_memory(bits, rows)

  @doc "Records that a trace began, or ended."
  @spec note(Armed.t(), boolean, map) :: :ok
  def note(armed, began?, data), do: Native.trace_note(index(armed), began?, data)

  @doc "What `Vm` takes as the tracer."
  @spec tracer() :: {module, term}
  def tracer, do: {Native, []}

  defp told(%{seat: seat} = armed) do
    tell(seat, armed.targets.functions, armed.callbacks)
    Native.trace_processes(seat, Armed.pids(armed), false)
    Native.trace_processes(seat, armed.processes.parents, true)
    armed
  end

  defp tell(seat, targets, callbacks) do
    functions = for %{mfa: {m, f, a}} = target <- targets, do: {m, f, a, returns?(target)}
    Native.trace_functions(seat, functions, true)
    Native.trace_callbacks(seat, for({{m, f, a}, machine?} <- callbacks, do: {m, f, a, machine?}))
  end

  # Whether each call of it has its return told.
  defp returns?(target), do: Enum.all?([target.pattern | target.also], & &1.return)

  defp index(armed), do: Scope.index(armed.order.options[:scope])

  defp name(armed) do
    case Scope.fetch(armed.order.options[:scope]) do
      {:ok, scope} -> {scope.incarnation, Entry.hash(node())}
      {:error, _not_running} -> nil
    end
  end
end
