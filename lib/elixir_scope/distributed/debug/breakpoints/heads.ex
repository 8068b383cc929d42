defmodule ElixirScope.Distributed.Debug.Breakpoints.Heads do
  @moduledoc false
  # The variables that the head of a function binds, found from the arguments of a call alone: what a log
  # point needs that is told by the VM's tracing. The clauses of the function are taken from its debug info, each
  # with its variables in place of its body.

  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Debug.Stopped.Names

  @type t :: %{md5: binary, line: pos_integer, bindings: fun}

  @doc """
  How calls of a function bind these variables; of one clause alone, where a line is given at which it begins.
  `:error` where a clause in question does not bind all of them in its head, or nothing of it is known.
  """
  @spec read(module, {atom, arity}, pos_integer | nil, MapSet.t(String.t())) :: {:ok, t} | :error
  def read(module, function, line, variables) do
    with {:ok, code} <- Modules.code(module),
         {:ok, {_, [abstract_code: {:raw_abstract_v1, forms}]}} <-
           :beam_lib.chunks(code, [:abstract_code]),
         [_ | _] = clauses <- clauses(forms, function),
         {[first | _] = meant, _others} <- Enum.split_with(clauses, &meant?(&1, line)),
         true <- Enum.all?(meant, &binds?(&1, variables)) do
      {:ok,
       %{md5: Modules.info(module, :md5), line: line(first), bindings: bindings(clauses, line)}}
    else
      _not_so -> :error
    end
  end

  @doc "The function one of whose clauses begins at a line."
  @spec at(module, pos_integer) :: {:ok, {atom, arity}} | :error
  def at(module, line) do
    with {:ok, code} <- Modules.code(module),
         {:ok, {_, [abstract_code: {:raw_abstract_v1, forms}]}} <-
           :beam_lib.chunks(code, [:abstract_code]),
         [function | _] <-
           for(
             {:function, _, name, arity, clauses} <- forms,
             Enum.any?(clauses, &(line(&1) == line)),
             do: {name, arity}
           ) do
      {:ok, function}
    else
      _none -> :error
    end
  end

  @doc "The variables of a call by name, or `:none` where it is no clause that is meant."
  @spec bindings_of(t, [term]) :: {:ok, [{String.t(), term}]} | :none
  def bindings_of(heads, arguments) do
    case apply(heads.bindings, arguments) do
      :none -> :none
      bindings -> {:ok, Names.written(bindings, nil)}
    end
  rescue
    # No clause takes them: the call itself raises as well.
    _no_clause -> :none
  end

  defp clauses(forms, {name, arity}),
    do: for({:function, _anno, ^name, ^arity, clauses} <- forms, clause <- clauses, do: clause)

  defp line(clause), do: clause |> elem(1) |> :erl_anno.line()
  defp meant?(_clause, nil), do: true
  defp meant?(clause, line), do: line(clause) == line

  defp binds?({:clause, _anno, head, _guards, _body}, variables) do
    names =
      for name <- bound(head), {written, _} <- Names.written([{name, nil}], nil), do: written

    MapSet.subset?(variables, MapSet.new(names))
  end

  defp bound({:var, _anno, :_}), do: []
  defp bound({:var, _anno, name}), do: [name]
  defp bound(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> bound()
  defp bound([first | rest]), do: Enum.uniq(bound(first) ++ bound(rest))
  defp bound(_other), do: []

  defp bindings(clauses, line) do
    told = for clause <- clauses, do: telling(clause, meant?(clause, line))
    {:value, fun, _bindings} = :erl_eval.expr({:fun, 1, {:clauses, told}}, [])
    fun
  end

  defp telling({:clause, anno, head, guards, _body}, true),
    do: {:clause, anno, head, guards, [list(bound(head))]}

  defp telling({:clause, anno, head, guards, _body}, false),
    do: {:clause, anno, head, guards, [{:atom, 1, :none}]}

  defp list([]), do: {nil, 1}

  defp list([name | names]),
    do: {:cons, 1, {:tuple, 1, [{:atom, 1, name}, {:var, 1, name}]}, list(names)}
end
