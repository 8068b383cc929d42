defmodule ElixirScope.Distributed.Storages.Native do
  @moduledoc false
  # The native store of one scope, and the process that owns it: what the scope
  # recorded lives as long as this process.

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Capture.Correlation, Cluster.Memory, Event}
  alias ElixirScope.Distributed.{Native, Scope, Storage}

  @behaviour Storage

  @type t :: reference

  # More than any stamp has.
  @last_logical 255

  @doc "Opens the store of `scope` and makes the scope findable."
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc """
  Ends the incarnation of a scope, whose events are kept, and begins the next one, perhaps under
  another name or with another transport, as `scope` says. The processes above the store have to
  start again, to be another member.
  """
  @spec renew(Scope.t()) :: :ok
  def renew(scope), do: GenServer.call(Scope.via(scope.name, __MODULE__), {:renew, scope})

  @doc "Records what the cluster is seen to do: a kind of the family `:system`."
  @spec note(Scope.t(), atom, map) :: :ok
  def note(scope, kind, data), do: Native.store_note(scope.store, kind, data)

  @doc "`watcher` is sent `:events` when there is a first event after a silence."
  @spec watch(t, pid) :: :ok
  def watch(store, watcher), do: Native.store_watch(store, watcher)

  @impl Storage
  def query(store, filter) do
    answer = Native.store_query(store, native_filter(filter))
    count = length(answer.events)
    {:ok, %{events: answer.events, count: count, dropped: answer.dropped, more?: answer.more}}
  end

  @doc "A checked filter, as the native functions take it."
  @spec native_filter(keyword) :: map
  def native_filter(filter) do
    filter
    |> Map.new()
    |> Map.update!(:kinds, &Event.expand/1)
    |> Map.update!(:from, &moment(&1, 0))
    |> Map.update!(:to, &moment(&1, @last_logical))
    |> Map.update!(:correlation_id, &forms/1)
    |> Map.put_new(:spans, [])
  end

  @impl Storage
  def status(store), do: Native.store_status(store)

  # Published before the processes start that look for it.
  @impl GenServer
  def init(scope) do
    Process.flag(:trap_exit, true)

    scope = Memory.recall(scope.memory, :scope, scope)
    scope = %{scope | incarnation: incarnation(), node: scope.options[:node] || Node.self()}

    with {:ok, {store, index}} <- Native.store_open(settings(scope)) do
      {:ok, publish(%{scope | store: store, index: index})}
    else
      {:error, reason} -> {:stop, reason}
    end
  end

  @impl GenServer
  def handle_call({:renew, wanted}, _from, scope) do
    new = %{wanted | store: scope.store, index: scope.index, incarnation: incarnation()}
    {:ok, _begun} = Native.store_renew(new.store, Atom.to_string(new.node), new.incarnation)
    # Where this process begins again, it is the same member.
    Memory.keep(new.memory, :scope, new)
    Scope.replace(scope, new)
    {:reply, :ok, new}
  end

  # What the native side wants an operator to know.
  @impl GenServer
  def handle_info({:notice, text}, scope) do
    Logger.warning("#{inspect(scope.name)}: #{text}", domain: [:elixir_scope])
    {:noreply, scope}
  end

  @impl GenServer
  def terminate(_reason, scope) do
    Scope.retract(scope)
    Native.store_close(scope.store)
  end

  defp settings(%{options: options} = scope) do
    %{
      default: scope.name == ElixirScope.Distributed.Options.default_scope(),
      name: Atom.to_string(scope.name),
      node: Atom.to_string(scope.node),
      incarnation: scope.incarnation,
      flush_ms: options[:flush_ms],
      retention_bytes: options[:retention_bytes],
      retention_age_ms: options[:retention_age_ms],
      data_dir: options[:data_dir],
      max_clock_drift_ms: options[:max_clock_drift_ms],
      sync_bytes_per_s: options[:sync_bytes_per_s],
      sync_since_ms: options[:sync_since_ms]
    }
  end

  defp publish(scope) do
    Scope.publish(scope)
    scope
  end

  # An event has the id as it was given to `record/3`, or by its key.
  defp forms(nil), do: []
  defp forms(id), do: Enum.uniq([id, Correlation.key(id)])

  # A start is a new origin, so that numbers are never given twice.
  defp incarnation, do: System.os_time(:microsecond)

  # A point in time without a logical part stands for its first or its last stamp.
  defp moment(nil, _logical), do: nil
  defp moment({logical, physical_ns, _node}, _logical), do: {logical, physical_ns}
  defp moment(%DateTime{} = at, logical), do: {logical, DateTime.to_unix(at, :nanosecond)}
  defp moment(physical_ns, logical), do: {logical, physical_ns}
end
