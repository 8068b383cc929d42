defmodule ElixirScope.Distributed.Debug.Int.Code do
  @moduledoc false
  # How code comes to be interpreted, and compiled again: what speaks to OTP's `:int` about code.
  #
  # `:int.i/1` purges the module and loads it anew, which kills whoever still runs older code of it. None of
  # that is needed: the interpreter's server is given the rows of a module, and a flag on each of its
  # functions makes the VM hand over their calls. Taking the flags away gives back the compiled code, which
  # was there all the time. So processes stay where they are: in old code, in current code, in interpreted code.

  alias ElixirScope.Distributed.Debug.Int.{Forget, Home, Installed, Rows, Tables}

  @compile {:no_warn_undefined, [:int, :dbg_iserver]}

  @doc "Whether OTP's interpreter is on this node."
  @spec there?() :: boolean
  def there?, do: Installed.there?()

  @doc "Which modules the interpreter has something of, for whomever."
  @spec all() :: [module]
  def all, do: if(Process.whereis(:dbg_iserver), do: int().interpreted(), else: [])

  @doc "Who has a module interpreted: we (`:open`), another tool, or nobody, though we did (`:closed`)."
  @spec whose(module) :: :open | :closed | :other | :none
  def whose(module) do
    with pid when is_pid(pid) <- Process.whereis(:dbg_iserver),
         table when table != :not_found <- server().call({:get_module_db, module}) do
      Rows.mark(table)
    else
      _none -> :none
    end
  end

  @doc "The modules that we have interpreted, as the interpreter's tables say: nobody is asked."
  @spec ours() :: [module]
  def ours, do: if(Home.running?(), do: Tables.open(), else: [])

  @doc "What we had interpreted and did not undo."
  @spec left_over() :: [module]
  def left_over, do: if(there?(), do: Enum.filter(all(), &(whose(&1) == :open)), else: [])

  @doc "Has a module interpreted from now on."
  @spec load(%{module: module, rows: list}) :: :ok | {:error, atom}
  def load(%{module: module, rows: rows}) do
    with :ok <- Home.ensure(),
         :ok <- Tables.install(module, rows),
         :ok <- flag(module, Rows.exported(rows)) do
      Forget.tell(module)
      :ok
    end
  end

  @doc """
  Makes those forget older tables of these modules who have left them since: they would go on in what they
  have, and pass every breakpoint of what is there now.
  """
  @spec catch_up([module]) :: :ok
  def catch_up(modules) do
    for module <- Tables.behind(),
        module in modules,
        Forget.tell(module) == 0,
        do: Tables.tidy(module)

    :ok
  end

  @doc "Gives a module its compiled code again."
  @spec unload(module) :: :ok | {:error, atom}
  def unload(module) do
    :erts_debug.breakpoint({module, :_, :_}, false)
    Forget.tell(module)
    Tables.retire(module)
  end

  # Exported functions alone, and none by a pattern: the interpreter finds no other, and a call of a private one or
  # of the body of a function value, which compiled code still makes, would end in `undef`.
  defp flag(module, functions) do
    flagged =
      for {name, arity} <- functions, do: :erts_debug.breakpoint({module, name, arity}, true)

    if functions == [] or Enum.sum(flagged) > 0, do: :ok, else: {:error, :no_module}
  end

  # An application that may not be there, and that is none of ours.
  defp int, do: :int
  defp server, do: :dbg_iserver
end
