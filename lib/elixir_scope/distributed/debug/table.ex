defmodule ElixirScope.Distributed.Debug.Table do
  @moduledoc false
  # What the services of this VM keep beside their processes, in one table of the supervisor:
  # who is registered, what is known of other nodes, and how often what happened.

  @table __MODULE__

  @type counter :: {:count, atom}

  @doc "The table, of the calling process."
  @spec new() :: :ets.table()
  def new do
    options = [:named_table, :public, :set, read_concurrency: true, write_concurrency: true]
    :ets.new(@table, options)
    put(:key, make_ref())
    @table
  end

  @doc "Whether it is there."
  @spec there?() :: boolean
  def there?, do: :ets.whereis(@table) != :undefined

  @doc "What stands under a key."
  @spec get(term, term) :: term
  def get(key, default \\ nil) do
    case there?() && :ets.lookup(@table, key) do
      [{^key, value}] -> value
      _none -> default
    end
  end

  @doc "Writes it."
  @spec put(term, term) :: true
  def put(key, value), do: there?() and :ets.insert(@table, {key, value})

  @doc "Takes it away."
  @spec delete(term) :: true
  def delete(key), do: there?() and :ets.delete(@table, key)

  @doc "Every `{rest, value}` whose key is `{kind, rest}`."
  @spec all(atom) :: [{term, term}]
  def all(kind) do
    if there?(),
      do: :ets.select(@table, [{{{kind, :"$1"}, :"$2"}, [], [{{:"$1", :"$2"}}]}]),
      else: []
  end

  @doc """
  Changes a value by a pure function to `{answer, new}`; where another process was faster, once more.
  """
  @spec update(term, term, (term -> {answer, term})) :: answer when answer: term
  def update(key, default, change) do
    old = get(key, default)
    {answer, new} = change.(old)
    if new == old or swap(key, old, new), do: answer, else: update(key, default, change)
  end

  defp swap(key, old, new),
    do: not there?() or :ets.insert_new(@table, {key, new}) or replaced?(key, old, new)

  # The body names the key by its place: that is how the table knows that it stays the same.
  defp replaced?(key, old, new) do
    same = {:"=:=", :"$1", {:const, old}}
    body = {{{:element, 1, :"$_"}, {:const, new}}}
    :ets.select_replace(@table, [{{key, :"$1"}, [same], [body]}]) == 1
  end

  @doc "One more of something."
  @spec count(atom) :: term
  def count(what),
    do: there?() and :ets.update_counter(@table, {:count, what}, 1, {{:count, what}, 0})

  @doc "How often what happened."
  @spec counts() :: %{atom => pos_integer}
  def counts, do: Map.new(all(:count))
end
