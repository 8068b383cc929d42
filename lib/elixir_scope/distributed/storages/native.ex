defmodule ElixirScope.Distributed.Storages.Native do
  @moduledoc false
  # The native store of one scope, and the process that owns it: what the scope
  # recorded lives as long as this process.

  use GenServer

  require Logger

  alias ElixirScope.Distributed.{Cluster.Memory, Error, Native, Recording, Scope, Storage}
  alias ElixirScope.Distributed.Query.Page
  alias ElixirScope.Distributed.Storage.Filter

  @behaviour Storage

  @type t :: reference

  @doc "Opens the store of `scope` and makes the scope findable."
  @impl Storage
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @doc """
  Ends the incarnation of a scope, whose events are kept, and begins the next one, perhaps under
  another name or with another transport, as `scope` says. The processes above the store have to
  start again, to be another member. Its clock goes on, or, as it has ended, begins anew.
  """
  @spec renew(Scope.t(), :goes_on | :anew) :: :ok
  def renew(scope, clock \\ :goes_on),
    do: GenServer.call(Scope.via(scope.name, __MODULE__), {:renew, scope, clock == :anew})

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

  @doc "Every bound of the store with its limit and its present value."
  @spec status(t) :: map
  def status(store), do: Native.store_status(store)

  @impl Storage
  def events_since(store, cursor, filter) do
    nothing = %{events: [], count: 0, dropped: 0, more?: false}
    {:ok, pages(store, Filter.new(filter), place(cursor), nothing)}
  end

  defp pages(store, filter, place, found) do
    page = Page.read(store, %{filter | limit: filter.limit - found.count}, :all, place)
    found = add(found, page)

    cond do
      not page.more -> found
      found.count < filter.limit -> pages(store, filter, page.cursor, found)
      true -> behind(store, %{filter | limit: 1}, page.cursor, found)
    end
  end

  # Whether there is an event behind the last one, a page does not say.
  defp behind(store, filter, place, found) do
    page = Page.read(store, filter, :all, place)

    cond do
      page.count > 0 -> %{found | more?: true}
      page.more -> behind(store, filter, page.cursor, add(found, page))
      true -> add(found, page)
    end
  end

  defp add(found, page) do
    {:ok, events} = Page.events(page.page)
    dropped = found.dropped + page.dropped + page.count - length(events)

    %{
      found
      | events: found.events ++ events,
        count: found.count + length(events),
        dropped: dropped
    }
  end

  defp place(nil), do: nil

  defp place({{logical, ns, _node}, {node, incarnation}, seq}),
    do: {logical, ns, Atom.to_string(node), incarnation, seq}

  @impl Storage
  def statistics(store) do
    status = status(store)
    Map.merge(status, %{oldest: end_of(store, :asc), newest: end_of(store, :desc)})
  end

  defp end_of(store, order) do
    {:ok, %{events: events}} = query(store, order: order, limit: 1)
    List.first(events) && hd(events).at
  end

  # What is in it was recorded, or synchronised, and goes by the options of the scope.

  @impl Storage
  def append(_store, _events, _progress), do: {:error, Error.new(:native_store)}

  @impl Storage
  def progress(_store), do: {:ok, nil}

  @impl Storage
  def retain(_store, _from), do: {:error, Error.new(:native_store)}

  @doc "A checked filter, as the native functions take it."
  @spec native_filter(keyword | Filter.t()) :: Filter.t()
  def native_filter(filter), do: Filter.new(filter)

  # Published before the processes start that look for it.
  @impl GenServer
  def init(scope) do
    Process.flag(:trap_exit, true)

    scope = Memory.recall(scope.memory, :scope, scope)
    scope = %{scope | incarnation: incarnation(), node: scope.options[:node] || Node.self()}

    with {:ok, opened} <- open(scope) do
      {:ok, publish(struct!(scope, opened))}
    else
      {:error, reason} -> {:stop, reason}
    end
  end

  defp open(%{recording: nil} = scope) do
    with {:ok, {store, index}} <- Native.store_open(settings(scope)),
         do: {:ok, store: store, index: index}
  end

  defp open(%{recording: {path, salvage}} = scope) do
    with {:ok, {store, index, told}} <- Recording.Core.open(settings(scope), path, salvage),
         do: {:ok, store: store, index: index, recording: Recording.Opened.new(path, told)}
  end

  @impl GenServer
  def handle_call({:renew, wanted, anew?}, _from, scope) do
    new = %{wanted | store: scope.store, index: scope.index, incarnation: incarnation()}
    node = Atom.to_string(new.node)
    {:ok, _begun} = Native.store_renew(new.store, node, new.incarnation, anew?)
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

  # A start is a new origin, so that numbers are never given twice.
  defp incarnation, do: System.os_time(:microsecond)
end
