defmodule ElixirScope.Distributed.Cluster.Memory do
  @moduledoc false
  # What a scope knows of its cluster, kept apart from the process that decides about it:
  # who was registered or put out, and who listens, outlives a restart of that process. It
  # belongs to the scope's supervisor, and ends with the scope.

  @type t :: :ets.table()

  @doc "A new memory, of the calling process."
  @spec new() :: t
  def new, do: :ets.new(__MODULE__, [:public, :set])

  @doc "Keeps `value` under `key`."
  @spec keep(t, atom | {:aside, atom}, term) :: :ok
  def keep(memory, key, value) do
    :ets.insert(memory, {key, value})
    :ok
  end

  @doc "Puts what is kept under `key` aside, as long as something else holds."
  @spec put_aside(t, atom) :: :ok
  def put_aside(memory, key) do
    for {^key, value} <- :ets.take(memory, key), do: keep(memory, {:aside, key}, value)
    :ok
  end

  @doc "What was put aside holds again."
  @spec take_back(t, atom) :: :ok
  def take_back(memory, key) do
    for {_aside, value} <- :ets.take(memory, {:aside, key}), do: keep(memory, key, value)
    :ok
  end

  @doc "What was kept under `key`."
  @spec recall(t, atom, default) :: term | default when default: term
  def recall(memory, key, default) do
    case :ets.lookup(memory, key) do
      [{^key, value}] -> value
      [] -> default
    end
  end
end
