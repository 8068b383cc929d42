defmodule ElixirScope.Distributed.Debug.Known.Keeper do
  @moduledoc false
  # Owns the tables of what was read of modules and files. They are written by whoever read it:
  # two that read the same at once write the same.
  #
  # Bound: `limit/0` modules; with one more, all that was kept goes.

  use GenServer

  alias ElixirScope.Distributed.Debug

  @table __MODULE__
  @limit 10_000

  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "Of how many modules it is kept what was read."
  @spec limit() :: pos_integer
  def limit, do: @limit

  @doc "What is kept."
  @spec get(term) :: term
  def get({:module, module}), do: get({module, :module})

  def get(key) do
    case :ets.lookup(@table, key) do
      [{_key, value}] -> value
      [] -> nil
    end
  rescue
    ArgumentError -> nil
  end

  @doc "Keeps what was read of a module instead of what was kept of it."
  @spec put(module, [{part :: term, value :: term}]) :: :ok | {:error, term}
  def put(module, rows) do
    with {:ok, _pid} <- Debug.Supervisor.ensure(:language, __MODULE__), do: kept(module, rows)
  end

  @doc "Keeps one thing more of a module."
  @spec note(module, {part :: term, value :: term}) :: :ok | {:error, term}
  def note(module, {part, value}) do
    with {:ok, _pid} <- Debug.Supervisor.ensure(:language, __MODULE__) do
      :ets.insert(@table, {{module, part}, value})
      :ok
    end
  end

  @doc "Forgets everything, as the code path is another one."
  @spec clear() :: :ok
  def clear do
    if :ets.whereis(@table) != :undefined, do: :ets.delete_all_objects(@table)
    :ok
  end

  defp kept(module, rows) do
    counted(module)
    gone = for [key] <- :ets.match(@table, {{module, :"$1"}, :_}), do: {module, key}
    new = for {part, value} <- rows, do: {{module, part}, value}
    :ets.insert(@table, new)
    for key <- gone -- Enum.map(new, &elem(&1, 0)), do: :ets.delete(@table, key)
    :ok
  end

  # The count is of modules, and may be too large by those that two processes read at once.
  defp counted(module) do
    if get(module, :module) == nil and
         :ets.update_counter(@table, :count, 1, {:count, 0}) > @limit do
      :ets.delete_all_objects(@table)
    end
  end

  defp get(module, part), do: get({module, part})

  @impl true
  def init(_options) do
    :ets.new(@table, [:named_table, :public, :ordered_set, read_concurrency: true])
    {:ok, nil}
  end
end
