defmodule ElixirScope.Distributed.Debug.DependencyService.Asking do
  @moduledoc false
  # The process of a node that asks another one: it keeps the answers and hears which of them a
  # change touches. No question goes through it: it is told of answers, and asked for one only where
  # the node cannot be reached.

  use GenServer

  alias ElixirScope.Distributed.Debug.DependencyService.Cache
  alias ElixirScope.Distributed.Debug.TracerStream
  alias ElixirScope.Distributed.Options

  @enforce_keys [:options, :cache]
  defstruct [:options, :cache]

  def start_link(options) do
    options = Options.validate!(:debug_dependencies, options)
    GenServer.start_link(__MODULE__, options, name: options[:name])
  end

  @doc "What questions take from it: the node that is asked, and how."
  @spec defaults(atom) :: keyword
  def defaults(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      {pid, options} -> if Process.alive?(pid), do: options, else: []
      nil -> []
    end
  end

  @doc "Keeps an answer."
  def put(name, key, result), do: GenServer.cast(name, {:put, key, result})

  @doc "The answer that is kept."
  def get(name, key) do
    GenServer.call(name, {:get, key})
  catch
    :exit, _not_there -> nil
  end

  @doc "How it stands."
  def status(name), do: GenServer.call(name, :status)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    own = Keyword.take(options, [:scope, :timeout_ms]) ++ [node: options[:language_server_node]]
    :persistent_term.put({__MODULE__, options[:name]}, {self(), own})
    state = %__MODULE__{options: options, cache: Cache.new(options[:cache_size])}
    {:ok, state, {:continue, :subscribe}}
  end

  @impl true
  def handle_continue(:subscribe, %{options: options} = state) do
    if options[:language_server_node] not in [nil, node()] and options[:streaming] do
      {:ok, _relay} =
        TracerStream.subscribe_to_tracer_updates(
          scope: options[:scope],
          node: options[:language_server_node]
        )
    end

    {:noreply, state}
  end

  @impl true
  def handle_cast({:put, key, result}, state),
    do: {:noreply, %{state | cache: Cache.put(state.cache, key, result)}}

  @impl true
  def handle_call({:get, key}, _from, state) do
    {result, cache} = Cache.get(state.cache, key)
    {:reply, result, %{state | cache: cache}}
  end

  def handle_call(:status, _from, %{cache: cache} = state) do
    status = %{
      node: state.options[:language_server_node],
      cache_size: Cache.size(cache),
      cache_limit: cache.limit,
      version: cache.position
    }

    {:reply, status, state}
  end

  @impl true
  def handle_info({:tracer_update, _kind, _version, _what} = update, state),
    do: {:noreply, %{state | cache: Cache.heard(state.cache, update)}}

  def handle_info(_other, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state), do: :persistent_term.erase({__MODULE__, state.options[:name]})
end
