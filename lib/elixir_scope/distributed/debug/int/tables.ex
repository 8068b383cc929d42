defmodule ElixirScope.Distributed.Debug.Int.Tables do
  @moduledoc false
  # The tables of modules that OTP's interpreter has, changed in its own process, between two of its
  # requests. Its requests for that kill: loading what it cannot read ends it, and deleting a module
  # ends every process that is in it.
  #
  # A module has a list of tables, of which those who come get the first; who came before keeps the one that it
  # got. `{module, :refs}` has the list, and each table the processes that got it. So a table may go
  # when nobody of these refers to it any more: not before.

  alias ElixirScope.Distributed.Debug.Int.{Points, Rows}

  @name :dbg_iserver
  @patience_ms 30_000
  @looked_at [:dictionary, :status, :current_function]

  @doc "Gives those who come the rows of a module."
  @spec install(module, Rows.t()) :: :ok | {:error, :not_understood}
  def install(module, rows) do
    change(fn database, state ->
      push(database, module, rows)
      prune(database, module, state)
      tell(state, {:interpret, module})
    end)
  end

  @doc """
  Gives those who come nothing of a module any more. Whoever is in it stays there; functions
  that were made in it go on to work, for which something is kept if it makes any.
  """
  @spec retire(module) :: :ok | {:error, :not_understood}
  def retire(module) do
    change(fn database, state ->
      if kept?(database, module, state),
        do: close(database, module, state),
        else: delete(database, module)

      tell(state, {:no_interpret, module})
    end)
  end

  @doc "The modules of which older tables are kept beside the one that those get who come."
  @spec behind() :: [module]
  def behind do
    for database <- databases(), {{module, :refs}, [_, _ | _]} <- rows(database), do: module
  end

  @doc "The modules whose newest table is one of ours that is in use."
  @spec open() :: [module]
  def open do
    for database <- databases(),
        {{module, :refs}, [newest | _older]} <- rows(database),
        open?(newest),
        do: module
  end

  # It may go meanwhile.
  defp open?(table) do
    Rows.mark(table) == :open
  rescue
    ArgumentError -> false
  end

  defp rows(database), do: :ets.match_object(database, {{:_, :refs}, :_})

  @doc "Lets go of older tables to which nobody refers any more."
  @spec tidy(module) :: :ok | {:error, :not_understood}
  def tidy(module),
    do: change(fn database, state -> prune(database, module, state) end)

  @doc "The modules of which something is kept for those who were in them."
  @spec tables(module) :: non_neg_integer
  def tables(module) do
    with [database] <- databases(), do: length(refs(database, module)), else: (_none -> 0)
  end

  # -- in the interpreter's process --

  defp kept?(database, module, state) do
    tables = refs(database, module)
    entered? = Enum.any?(tables, &(pids(database, &1) != []))

    entered? and
      (makes_functions?(tables) or Enum.any?(tables, &used?(database, module, &1, state)))
  end

  defp makes_functions?([]), do: false

  defp makes_functions?(tables),
    do:
      Enum.any?(tables, fn table ->
        table
        |> :ets.tab2list()
        |> Rows.functions()
        |> Enum.any?(fn {_, clauses} -> Points.makes_functions?(clauses) end)
      end)

  defp close(database, module, state) do
    [newest | _older] = refs(database, module)
    push(database, module, newest |> :ets.tab2list() |> Rows.closed())
    prune(database, module, state)
  end

  defp push(database, module, rows) do
    table = :ets.new(module, [:ordered_set, :public])
    :ets.insert(table, rows)
    :ets.insert(database, {{module, :refs}, [table | refs(database, module)]})
    :ets.insert(database, {table, []})
  end

  defp prune(database, module, state) do
    with [newest | older] <- refs(database, module) do
      {kept, free} = Enum.split_with(older, &used?(database, module, &1, state))
      Enum.each(free, &drop(database, &1))
      :ets.insert(database, {{module, :refs}, [newest | kept]})
    end
  end

  defp delete(database, module) do
    Enum.each(refs(database, module), &drop(database, &1))
    :ets.delete(database, {module, :refs})
  end

  defp drop(database, table) do
    :ets.delete(database, table)
    :ets.delete(table)
  end

  # Whoever got a table keeps it in the dictionary of its meta process, until it is told to forget it.
  # Of one that does anything but wait, what it has read from an answer of ours is not known.
  defp used?(database, module, table, state) do
    Enum.any?(pids(database, table), fn pid ->
      with {:ok, meta} <- meta(state, pid),
           info when info != nil <- Process.info(meta, @looked_at) do
        not waits?(info) or
          List.keyfind(info[:dictionary], {module, :db}, 0) == {{module, :db}, table}
      else
        _gone -> false
      end
    end)
  end

  defp waits?(info),
    do: info[:status] == :waiting and elem(info[:current_function], 0) in [:dbg_ieval, :dbg_icmd]

  defp meta(state, pid) do
    case Enum.find(elem(state, 2), &(elem(&1, 1) == pid)) do
      proc when is_tuple(proc) -> {:ok, elem(proc, 2)}
      nil -> :error
    end
  end

  defp refs(database, module) do
    case :ets.lookup(database, {module, :refs}) do
      [{_key, tables}] -> tables
      [] -> []
    end
  end

  defp pids(database, table) do
    case :ets.lookup(database, table) do
      [{_table, pids}] -> Enum.uniq(pids)
      [] -> []
    end
  end

  defp tell(state, news), do: Enum.each(elem(state, 6), &send(&1, {:int, news}))

  # --

  # A state of another shape is left alone: what raises here changes nothing, and is told to who asked.
  defp change(fun) do
    :sys.replace_state(
      @name,
      fn {:state, database, procs, breaks, _auto, _stack, subscribers} = state
         when is_list(procs) and is_list(breaks) and is_list(subscribers) ->
        @name = :ets.info(database, :name)
        fun.(database, state)
        state
      end,
      @patience_ms
    )

    :ok
  catch
    :exit, _reason -> {:error, :not_understood}
  end

  defp databases,
    do: for(table <- :ets.all(), :ets.info(table, :name) == @name, do: table)
end
