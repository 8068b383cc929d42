defmodule ElixirScope.Distributed.Storages.Native do
  @moduledoc false
  # The native store of one scope, and the process that owns it: what the scope
  # recorded lives as long as this process.

  use GenServer

  alias ElixirScope.Distributed.{Event, Native, Scope, Storage}

  @behaviour Storage

  @type t :: reference

  @doc "Opens the store of `scope` and makes the scope findable."
  @spec start_link(Scope.t()) :: GenServer.on_start()
  def start_link(scope),
    do: GenServer.start_link(__MODULE__, scope, name: Scope.via(scope.name, __MODULE__))

  @impl Storage
  def query(store, filter), do: Native.store_query(store, native_filter(filter))

  @impl Storage
  def status(store), do: Native.store_status(store)

  @impl GenServer
  def init(scope) do
    Process.flag(:trap_exit, true)

    case Native.store_open(settings(scope)) do
      {:ok, {store, index}} ->
        {:ok, %{scope | store: store, index: index}, {:continue, :publish}}

      {:error, reason} ->
        {:stop, reason}
    end
  end

  @impl GenServer
  def handle_continue(:publish, scope) do
    Scope.publish(scope)
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
      node: scope.node,
      incarnation: scope.incarnation,
      flush_ms: options[:flush_ms],
      retention_bytes: options[:retention_bytes],
      max_clock_drift_ms: options[:max_clock_drift_ms]
    }
  end

  defp native_filter(filter) do
    filter
    |> Map.new()
    |> Map.update!(:kinds, &Event.expand/1)
  end
end
