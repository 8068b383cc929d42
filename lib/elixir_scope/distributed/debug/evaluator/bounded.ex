defmodule ElixirScope.Distributed.Debug.Evaluator.Bounded do
  @moduledoc false
  # What keeps an expression from running for ever, and from calling anything where it only may look.
  #
  # A process cannot be made to stop what it does without ending it. So each function of an expression, and each
  # turn of its comprehensions, looks at the clock first. Pure but for that look.

  @doc "Throws, once the time is over."
  @spec tick(integer) :: :ok
  def tick(deadline) do
    if System.monotonic_time(:millisecond) > deadline,
      do: throw({__MODULE__, :too_late}),
      else: :ok
  end

  @doc "The Elixir expression, which ends after `deadline`."
  @spec until(Macro.t(), integer) :: Macro.t()
  def until(quoted, deadline) do
    Macro.prewalk(quoted, fn
      {:fn, meta, clauses} -> {:fn, meta, Enum.map(clauses, &clause(&1, deadline))}
      {:for, meta, arguments} when is_list(arguments) -> {:for, meta, turned(arguments, deadline)}
      other -> other
    end)
  end

  defp clause({:->, meta, [head, body]}, deadline),
    do: {:->, meta, [head, ticking(body, deadline)]}

  defp clause(other, _deadline), do: other

  defp turned(arguments, deadline) do
    Enum.map(arguments, fn
      [{:do, body} | rest] -> [{:do, looping(body, deadline)} | rest]
      other -> other
    end)
  end

  # `reduce:` has clauses.
  defp looping([{:->, _meta, _clause} | _] = clauses, deadline),
    do: Enum.map(clauses, &clause(&1, deadline))

  defp looping(body, deadline), do: ticking(body, deadline)

  defp ticking(body, deadline) do
    call = {{:., [], [__MODULE__, :tick]}, [], [deadline]}
    {:__block__, [], [call, body]}
  end

  @doc "The same for expressions of Erlang."
  @spec until_erlang([tuple], integer) :: [tuple]
  def until_erlang(forms, deadline) when is_list(forms),
    do: Enum.map(forms, &until_erlang(&1, deadline))

  def until_erlang({:fun, at, {:clauses, clauses}}, deadline),
    do: {:fun, at, {:clauses, Enum.map(clauses, &erlang_clause(&1, deadline))}}

  def until_erlang({:named_fun, at, name, clauses}, deadline),
    do: {:named_fun, at, name, Enum.map(clauses, &erlang_clause(&1, deadline))}

  def until_erlang(form, deadline) when is_tuple(form),
    do: form |> Tuple.to_list() |> Enum.map(&until_erlang(&1, deadline)) |> List.to_tuple()

  def until_erlang(other, _deadline), do: other

  defp erlang_clause({:clause, at, head, guards, body}, deadline) do
    call =
      {:call, at, {:remote, at, {:atom, at, __MODULE__}, {:atom, at, :tick}},
       [{:integer, at, deadline}]}

    {:clause, at, head, guards, [call | until_erlang(body, deadline)]}
  end

  @calls "only variables and their fields are looked at here, and this calls something"

  @doc "Whether an expression may be evaluated: with `:values`, only one that calls nothing."
  @spec allowed(Macro.t(), :values | nil) :: :ok | {:error, String.t()}
  def allowed(_quoted, nil), do: :ok
  def allowed(quoted, :values), do: if(value?(quoted), do: :ok, else: {:error, @calls})

  defp value?({{:., _, [Access, :get]}, _, [container, key]}),
    do: value?(container) and value?(key)

  defp value?({{:., _, [{:__aliases__, _, _}, _field]}, _, _}), do: false

  defp value?({{:., _, [container, field]}, _, []})
       when is_atom(field) and not is_atom(container),
       do: value?(container)

  defp value?({:{}, _, items}), do: Enum.all?(items, &value?/1)
  defp value?({:%{}, _, items}), do: Enum.all?(items, &value?/1)
  defp value?({:__aliases__, _, parts}), do: Enum.all?(parts, &is_atom/1)
  defp value?({name, _, context}) when is_atom(name) and is_atom(context), do: true
  defp value?({left, right}), do: value?(left) and value?(right)
  defp value?(items) when is_list(items), do: Enum.all?(items, &value?/1)
  defp value?(literal), do: not is_tuple(literal)

  @doc "The same for expressions of Erlang."
  @spec allowed_erlang([tuple], :values | nil) :: :ok | {:error, String.t()}
  def allowed_erlang(_forms, nil), do: :ok

  def allowed_erlang(forms, :values),
    do: if(Enum.all?(forms, &match?({:var, _, _}, &1)), do: :ok, else: {:error, @calls})
end
