defmodule ElixirScope.Distributed.Debug.Stopped.Shelf do
  @moduledoc false
  # What the processes of this part share, in one table of `Host`: who is told, which driver has which
  # process, what stands, and the terms of evaluations that are being looked at. Each kind has one writer.

  @table __MODULE__

  # Of one process that stands; the oldest goes first.
  @results 100

  # Words of memory of one that is kept.
  @result_words 16 * 1024 * 1024

  @doc "How many results are kept of one process, and how large one may be."
  @spec limits() :: %{results: pos_integer, result_words: pos_integer}
  def limits, do: %{results: @results, result_words: @result_words}

  @doc "The table, of the calling process."
  @spec new() :: :ets.table()
  def new do
    options = [:named_table, :public, :ordered_set, read_concurrency: true]
    :ets.new(@table, options)
  end

  @doc "Writes what stands under a key; nowhere, where nothing is looked at any more."
  @spec put(tuple, term) :: boolean
  def put(key, value) do
    :ets.insert(@table, {key, value})
  rescue
    ArgumentError -> false
  end

  @doc "What stands under a key."
  @spec get(tuple) :: {:ok, term} | :error
  def get(key) do
    case :ets.lookup(@table, key) do
      [{^key, value}] -> {:ok, value}
      [] -> :error
    end
  rescue
    ArgumentError -> :error
  end

  @doc "Takes it away."
  @spec take(tuple) :: {:ok, term} | :error
  def take(key) do
    case :ets.take(@table, key) do
      [{^key, value}] -> {:ok, value}
      [] -> :error
    end
  rescue
    ArgumentError -> :error
  end

  @doc "Every `{rest, value}` whose key is `{kind, rest}`."
  @spec all(atom) :: [{term, term}]
  def all(kind) do
    :ets.select(@table, [{{{kind, :"$1"}, :"$2"}, [], [{{:"$1", :"$2"}}]}])
  rescue
    ArgumentError -> []
  end

  @doc "Who is told, and what each wants."
  @spec owners() :: [{pid, map}]
  def owners, do: all(:owner)

  @doc "Keeps the result of an evaluation in a process; not one that is too large."
  @spec keep(pid, integer, term) :: boolean
  def keep(pid, number, term) do
    small? = :erts_debug.flat_size(term) <= @result_words
    if small?, do: put({:result, {pid, number}}, term)
    take({:result, {pid, number - @results}})
    small?
  end

  @doc "Forgets all results of a process."
  @spec forget(pid) :: term
  def forget(pid) do
    :ets.select_delete(@table, [{{{:result, {pid, :_}}, :_}, [], [true]}])
  rescue
    ArgumentError -> 0
  end
end
