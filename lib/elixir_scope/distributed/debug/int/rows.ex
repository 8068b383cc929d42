defmodule ElixirScope.Distributed.Debug.Int.Rows do
  @moduledoc false
  # A module as OTP's interpreter wants it: rows for one of its tables. They are made here, in a table of our
  # own, since what its server cannot read ends that server, and with it whatever is interpreted on the node.
  #
  # The text of the source is left out: it only feeds the windows of OTP's debugger, and a release has none.

  @compile {:no_warn_undefined, :dbg_iload}

  # A row by which our tables are told from those that other tools had made.
  @mark __MODULE__

  @type t :: [{term, term}]

  @doc "The rows of a module's abstract code, or that the interpreter does not know all of it."
  @spec make(module, String.t(), list, term, binary) :: {:ok, t} | {:error, :not_understood}
  def make(module, source, exports, abstract, md5) do
    table = :ets.new(__MODULE__, [:ordered_set, :public])
    code = :erlang.term_to_binary({:interpreter_module, exports, abstract, "", md5})

    try do
      case loader().load_mod(module, String.to_charlist(source), code, table) do
        {:ok, ^module} -> {:ok, [{@mark, :open} | :ets.tab2list(table)]}
        _reason -> {:error, :not_understood}
      end
    after
      :ets.delete(table)
    end
  end

  @doc "The functions with their clauses, as the interpreter has them."
  @spec functions(t) :: [{{atom, arity}, clauses :: [tuple]}]
  def functions(rows),
    do: for({{_module, name, arity, _exported?}, clauses} <- rows, do: {{name, arity}, clauses})

  @doc "The functions that calls from elsewhere find."
  @spec exported(t) :: [{atom, arity}]
  def exported(rows), do: for({{_module, name, arity, true}, _clauses} <- rows, do: {name, arity})

  @doc "The same for who was in it before: no call from elsewhere finds anything in it."
  @spec closed(t) :: t
  def closed(rows) do
    for {key, value} <- rows do
      case key do
        {module, name, arity, _exported?} -> {{module, name, arity, false}, value}
        @mark -> {@mark, :closed}
        _other -> {key, value}
      end
    end
  end

  @doc "Whose a table is: `:open` and `:closed` are ours."
  @spec mark(:ets.tid()) :: :open | :closed | :other
  def mark(table) do
    case :ets.lookup(table, @mark) do
      [{@mark, mark}] -> mark
      [] -> :other
    end
  end

  # An application that may not be there, and that is none of ours.
  defp loader, do: :dbg_iload
end
