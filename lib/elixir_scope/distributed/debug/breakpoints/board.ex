defmodule ElixirScope.Distributed.Debug.Breakpoints.Board do
  @moduledoc false
  # What those who pass a breakpoint look at: in one table, written by `Target` alone but for the counts.
  #
  #   * `{:slot, name}` - the place that a name stands for, and the breakpoints there;
  #   * `{:hits, key}` - how often one was passed with its condition met;
  #   * `{:verdict, pid}` - why a process stands, for who asks next.
  #
  # The interpreter asks `{module, function}` whether to stop, and says nothing but the variables. So each
  # place has a name of its own: one of a pool that is used again, so that no more atoms are made than
  # there are places at a time.

  @table __MODULE__
  @most 10_000

  @doc "How many places there can be at a time."
  def most, do: @most

  @doc "How many there are."
  @spec count() :: non_neg_integer
  def count do
    :ets.select_count(@table, [{{{:slot, :_}, :_, :_}, [], [true]}])
  rescue
    ArgumentError -> 0
  end

  @doc "The table, of the calling process."
  def new, do: :ets.new(@table, [:named_table, :public, :set, read_concurrency: true])

  @doc "The name of a number of the pool."
  @spec name(pos_integer) :: atom
  def name(number) when number in 1..@most, do: String.to_atom("breakpoint #{number}")

  @doc "Writes the breakpoints of a place."
  def put(name, place, passed), do: :ets.insert(@table, {{:slot, name}, place, passed})

  @doc "Takes a place away."
  def delete(name), do: :ets.delete(@table, {:slot, name})

  @doc "The place of a name and its breakpoints."
  @spec get(atom) :: {:ok, {module, pos_integer}, [map]} | :error
  def get(name) do
    case :ets.lookup(@table, {:slot, name}) do
      [{_key, place, passed}] -> {:ok, place, passed}
      [] -> :error
    end
  rescue
    ArgumentError -> :error
  end

  @doc "The breakpoints of a place."
  @spec at(module, pos_integer) :: {:ok, [map]} | :error
  def at(module, line) do
    case :ets.match(@table, {{:slot, :_}, {module, line}, :"$1"}) do
      [[passed] | _] -> {:ok, passed}
      [] -> :error
    end
  rescue
    ArgumentError -> :error
  end

  @doc "One more hit; how many that makes."
  @spec hit(term) :: pos_integer
  def hit(key), do: :ets.update_counter(@table, {:hits, key}, 1, {{:hits, key}, 0})

  @doc "How many hits."
  @spec hits(term) :: non_neg_integer
  def hits(key) do
    case :ets.lookup(@table, {:hits, key}) do
      [{_key, hits}] -> hits
      [] -> 0
    end
  end

  @doc "Forgets the hits."
  def forget(key),
    do: :ets.delete(@table, {:hits, key}) and :ets.delete(@table, {:told, key})

  @doc "Whether one more message is allowed in this second; then, how many were left out before."
  @spec allow(term, integer, pos_integer) :: {:ok, non_neg_integer} | :no
  def allow(key, second, most) do
    case :ets.lookup(@table, {:told, key}) do
      [{_key, ^second, told, left_out}] when told >= most ->
        leave_out(key, second, told, left_out)

      [{_key, ^second, told, left_out}] ->
        told(key, second, told + 1, left_out)

      [{_key, _before, _told, left_out}] ->
        told(key, second, 1, left_out)

      [] ->
        told(key, second, 1, 0)
    end
  end

  # Two at once may count as one: it is a bound, not a number.
  defp told(key, second, told, left_out) do
    :ets.insert(@table, {{:told, key}, second, told, 0})
    {:ok, left_out}
  end

  defp leave_out(key, second, told, left_out) do
    :ets.insert(@table, {{:told, key}, second, told, left_out + 1})
    :no
  end

  @doc "Why a process is about to stand."
  def decide(pid, place, verdict), do: :ets.insert(@table, {{:verdict, pid}, place, verdict})

  @doc "Why it stands there, told once."
  @spec decided(pid, {module, pos_integer}) :: {:ok, term} | :error
  def decided(pid, place) do
    case :ets.take(@table, {:verdict, pid}) do
      [{_key, ^place, verdict}] -> {:ok, verdict}
      _other -> :error
    end
  rescue
    ArgumentError -> :error
  end
end
