defmodule ElixirScope.Distributed.Debug.TracerStream.Server do
  @moduledoc false
  # The process of the stream: it orders the changes and tells them to those who wait.
  #
  # Who asks a question of the graph reads a *published* one, in a table, and no process. It is made
  # when it is first wanted in a version, so that a thousand changes in a row make none, and it never
  # changes: the next is a copy, and the old one is gone when nobody reads it any more.

  use GenServer

  alias ElixirScope.Distributed.Debug.{Graph, TracerStream}
  alias ElixirScope.Distributed.{Error, Options}
  alias ElixirScope.Distributed.Debug.TracerStream.{Change, Log, Readers, Snapshot, Source}

  @table __MODULE__
  # A connection that was busy is tried again.
  @again_ms 100

  @enforce_keys [:log, :readers, :graph]
  defstruct [:log, :readers, :graph, :bytes, pending: [], again: nil]

  @type published :: %{position: Log.position(), graph: Graph.t()}

  def start_link(options) do
    options = Options.validate!(:debug_stream, options)
    GenServer.start_link(__MODULE__, options, name: TracerStream)
  end

  @doc "The graph as it is, for whoever reads it; the process is asked once for each version."
  @spec published() :: {:ok, published} | {:error, Error.t()}
  def published do
    case :ets.lookup(@table, :published) do
      [{:published, published, true}] -> {:ok, published}
      _older -> call(:publish)
    end
  rescue
    ArgumentError -> {:error, Error.new(:no_stream)}
  end

  @doc "The version of a module that the graph was made of."
  @spec md5(module) :: {:ok, binary | nil} | :error
  def md5(module), do: looked_up({:md5, module})

  @doc "The lines of a module, and whether its list was read from its file, as they were last seen."
  @spec seen(module) :: {:ok, {lines :: binary, :file | :told}} | :error
  def seen(module), do: looked_up({:seen, module})

  defp looked_up(key) do
    case :ets.lookup(@table, key) do
      [{_key, value}] -> {:ok, value}
      [] -> :error
    end
  rescue
    ArgumentError -> :error
  end

  @spec snapshot() :: {:ok, Snapshot.t()} | {:error, Error.t()}
  def snapshot, do: call(:snapshot)

  @doc "Every module whose list is known."
  @spec modules() :: {:ok, [module]} | {:error, Error.t()}
  def modules, do: call(:modules)

  @doc "Makes changes that somebody tells of."
  @spec put([Log.change()]) :: {:ok, Log.position()} | {:error, Error.t()}
  def put(changes), do: call({:put, changes, []})

  @doc "Makes changes that were found in files, with what was seen there."
  @spec found([Source.found()]) :: {:ok, Log.position()} | {:error, Error.t()}
  def found(found), do: call({:put, Enum.flat_map(found, &elem(&1, 2)), seen_of(found)})

  defp seen_of(found), do: for({module, seen, _changes} <- found, do: {{:seen, module}, seen})

  @spec next(pid, Log.position() | nil) :: {:ok, pid} | {:error, Error.t()}
  def next(reader, position), do: call({:next, reader, position})

  @spec forget(pid) :: :ok
  def forget(reader), do: GenServer.cast(TracerStream, {:forget, reader})

  # The first answer may wait until all modules were read; who asks has a deadline of its own.
  defp call(request) do
    GenServer.call(TracerStream, request, :infinity)
  catch
    :exit, _not_there -> {:error, Error.new(:no_stream)}
  end

  @impl true
  def init(options) do
    :ets.new(@table, [:named_table, :protected, read_concurrency: true])
    {:ok, graph} = Graph.load([])
    log = Log.new(System.os_time(), options[:history])
    state = %__MODULE__{log: log, readers: Readers.new(options[:subscribers]), graph: graph}
    {:ok, state, {:continue, {:read, options[:modules]}}}
  end

  @impl true
  def handle_continue({:read, modules}, state) do
    found = Source.read(modules)
    :ets.insert(@table, seen_of(found))
    {:noreply, changed(state, Enum.flat_map(found, &elem(&1, 2)))}
  end

  @impl true
  def handle_call({:put, changes, seen}, _from, state) do
    for {:put, module, _md5, _entries} <- changes, do: told(module)
    :ets.insert(@table, seen)
    state = changed(state, changes)
    {:reply, {:ok, Log.position(state.log)}, state}
  end

  def handle_call(:modules, _from, state), do: {:reply, {:ok, Map.keys(state.log.modules)}, state}

  def handle_call(:publish, _from, state) do
    {published, state} = publish(state)
    {:reply, {:ok, published}, state}
  end

  def handle_call(:snapshot, _from, state) do
    {snapshot, state} = snapshot(state)
    {:reply, {:ok, snapshot}, state}
  end

  def handle_call({:next, reader, position}, _from, state) do
    case Readers.ask(state.readers, reader, position, &Process.monitor/1) do
      {:ok, readers} -> {:reply, {:ok, self()}, tell(%{state | readers: readers})}
      :full -> {:reply, {:error, too_many(state)}, state}
    end
  end

  @impl true
  def handle_cast({:forget, reader}, state) do
    {monitor, readers} = Readers.forget(state.readers, reader)
    if monitor, do: Process.demonitor(monitor, [:flush])
    {:noreply, %{state | readers: readers}}
  end

  @impl true
  def handle_info({:DOWN, _monitor, :process, reader, _reason}, state),
    do: {:noreply, %{state | readers: state.readers |> Readers.forget(reader) |> elem(1)}}

  def handle_info(:again, state), do: {:noreply, tell(%{state | again: nil})}
  def handle_info(_other, state), do: {:noreply, state}

  # The lines are looked at when it is next asked for.
  defp told(module) do
    with {:ok, {lines, _origin}} <- seen(module),
         do: :ets.insert(@table, {{:seen, module}, {lines, :told}})
  end

  defp too_many(state), do: Error.new(:too_many_readers, limit: state.readers.limit)

  defp changed(state, changes) do
    case Log.put(state.log, changes) do
      {log, []} -> %{state | log: log}
      {log, modules} -> tell(pending(%{state | log: log}, modules))
    end
  end

  defp pending(state, modules) do
    :ets.update_element(@table, :published, {3, false})
    for change <- Log.present(state.log, modules), do: :ets.insert(@table, md5_row(change))
    %{state | pending: modules ++ state.pending, bytes: nil}
  end

  defp md5_row({:put, module, md5, _entries}), do: {{:md5, module}, md5}
  defp md5_row({:removed, module}), do: {{:md5, module}, nil}

  # Messages

  defp tell(state),
    do: state.readers |> Readers.due(state.log) |> Enum.reduce(state, &tell/2)

  defp tell({reader, {:changes, {_epoch, from}, changes}}, %{log: log} = state) do
    diff = %{epoch: log.epoch, from: from, changes: changes}
    send_to(reader, {:tracer_update, :incremental, log.version, diff}, state)
  end

  defp tell({reader, :everything}, state) do
    {snapshot, state} = snapshot(state)
    send_to(reader, {:tracer_update, :initial, snapshot.version, snapshot}, state)
  end

  # Nobody's connection holds up the others.
  defp send_to(reader, message, state) do
    case :erlang.send(reader, message, [:noconnect, :nosuspend]) do
      :nosuspend -> %{state | again: state.again || Process.send_after(self(), :again, @again_ms)}
      _sent_or_gone -> %{state | readers: Readers.told(state.readers, reader)}
    end
  end

  # What is published

  defp publish(%{pending: []} = state) do
    case :ets.lookup(@table, :published) do
      [{:published, published, _current}] -> {published, state}
      [] -> publish(state, state.graph)
    end
  end

  defp publish(state) do
    graph = graph(state, Enum.uniq(state.pending))
    publish(%{state | graph: graph, pending: []}, graph)
  end

  # To make it anew takes as long as to change a part of it.
  defp graph(state, changed) when length(changed) * 8 > map_size(state.log.modules) do
    {:ok, graph} = state.log |> Log.list() |> Graph.load()
    graph
  end

  defp graph(state, changed) do
    {:ok, graph} = state.graph |> Graph.to_bytes() |> Graph.from_bytes()
    for change <- Log.present(state.log, changed), do: Change.make(graph, change)
    graph
  end

  defp publish(state, graph) do
    published = %{position: Log.position(state.log), graph: graph}
    :ets.insert(@table, {:published, published, true})
    {published, state}
  end

  defp snapshot(state) do
    {%{position: {epoch, version}, graph: graph}, state} = publish(state)
    state = %{state | bytes: state.bytes || Graph.to_bytes(graph)}
    own = %{node: node(), epoch: epoch, version: version, graph: state.bytes}
    {struct!(Snapshot, Map.put(own, :modules, Log.md5s(state.log))), state}
  end
end
