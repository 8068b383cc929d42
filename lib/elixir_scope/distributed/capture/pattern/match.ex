defmodule ElixirScope.Distributed.Capture.Pattern.Match do
  @moduledoc false
  # Arguments and guards, as Elixir's parser has read them, to head and guards of a match
  # specification. A literal in a guard is wrapped in `:const`, so that no atom of the
  # user's is taken for a variable and no tuple for an operation.

  import ElixirScope.Distributed.Capture.Pattern.Text, only: [wrong: 2]

  @comparisons %{
    ==: :==,
    !=: :"/=",
    ===: :"=:=",
    !==: :"=/=",
    <: :<,
    >: :>,
    <=: :"=<",
    >=: :>=
  }
  @logic %{and: :andalso, or: :orelse, not: :not}
  @arithmetic %{+: :+, -: :-, *: :*, div: :div, rem: :rem, abs: :abs}
  @tests ~w(is_atom is_binary is_float is_function is_integer is_list is_map is_number
            is_pid is_port is_reference is_tuple)a
  @sizes ~w(byte_size hd length map_size round tl trunc)a
  @same Map.new(@tests ++ @sizes, &{&1, &1})
  @operators [@logic, @arithmetic, @same, %{tuple_size: :size}]
             |> Enum.reduce(@comparisons, &Map.merge/2)

  @unary [:not, :abs, :tuple_size] ++ @tests ++ @sizes

  # Written out, so that text from elsewhere makes no atom.
  @places ~w($1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 $19 $20 $21 $22
             $23 $24 $25 $26 $27 $28 $29 $30 $31 $32)a

  @type names :: %{atom => atom}

  @doc "Whether an atom stands for a variable in the heads that are made here."
  @spec place?(atom) :: boolean
  def place?(atom), do: atom in @places

  @doc "Whether guards that are made here hold such an operation, of so many values."
  @spec operator?(term, non_neg_integer) :: boolean
  def operator?(operator, arity) do
    Enum.any?(@operators, fn {name, made} ->
      made == operator and arity == if(name in @unary, do: 1, else: 2)
    end)
  end

  @doc "The head for a list of arguments, and which of its variables is called what."
  @spec head([Macro.t()]) :: {[term], names}
  def head(arguments), do: Enum.map_reduce(arguments, %{}, &term/2)

  @doc "A guard over the variables of a head."
  @spec guard(Macro.t(), names) :: term
  def guard(quoted, names), do: test(quoted, names)

  @doc "Where something quoted stands."
  @spec meta(Macro.t()) :: keyword
  def meta({_name, meta, _arguments}) when is_list(meta), do: meta
  def meta([{:->, meta, _clause} | _]), do: meta
  def meta(_literal), do: []

  # Heads

  defp term({name, meta, context}, names) when is_atom(name) and is_atom(context),
    do: variable(name, names, meta)

  defp term({:{}, _meta, elements}, names), do: tuple(elements, names)
  defp term({left, right}, names), do: tuple([left, right], names)
  defp term({:%{}, _meta, pairs}, names), do: map(pairs, names)

  defp term({:%, _meta, [{:__aliases__, _, parts}, {:%{}, _, pairs}]}, names),
    do: map([{:__struct__, Module.concat(parts)} | pairs], names)

  defp term({:__aliases__, _meta, parts}, names), do: {Module.concat(parts), names}
  defp term({:-, _meta, [n]}, names) when is_number(n), do: {-n, names}
  defp term({:+, _meta, [n]}, names) when is_number(n), do: {n, names}
  defp term(list, names) when is_list(list), do: list(list, names)

  defp term({:=, meta, _two}, _names),
    do: wrong(meta, "a variable or a pattern, not both: say the rest in the guard")

  defp term({:^, meta, _pinned}, _names), do: wrong(meta, "no `^`: there is nothing outside")

  defp term({_call, meta, _arguments}, _names),
    do: wrong(meta, "a pattern: this computes something")

  defp term(literal, names), do: {literal(literal), names}

  defp literal(:_), do: :_

  defp literal(atom) when is_atom(atom) do
    if Atom.to_string(atom) =~ ~r/\A\$(\d+|_|\$)\z/,
      do: wrong([], "no atom #{inspect(atom)}: match specifications use it for themselves"),
      else: atom
  end

  defp literal(other), do: other

  defp variable(name, names, meta) do
    case {Atom.to_string(name), names} do
      {"_" <> _unused, _names} -> {:_, names}
      {_name, %{^name => known}} -> {known, names}
      _new -> @places |> Enum.at(map_size(names)) |> place(name, names, meta)
    end
  end

  defp place(nil, _name, _names, meta), do: wrong(meta, "at most #{length(@places)} variables")
  defp place(place, name, names, _meta), do: {place, Map.put(names, name, place)}

  defp tuple(elements, names) do
    {elements, names} = Enum.map_reduce(elements, names, &term/2)
    {List.to_tuple(elements), names}
  end

  defp map(pairs, names) do
    {pairs, names} = Enum.map_reduce(pairs, names, &pair/2)
    {Map.new(pairs), names}
  end

  defp pair({key, value}, names) do
    {value, names} = term(value, names)
    {{key(key), value}, names}
  end

  defp pair(other, _names), do: wrong(meta(other), "keys and values")

  defp key(quoted) do
    case term(quoted, %{}) do
      {key, names} when names == %{} and key != :_ -> key
      _variable -> wrong(meta(quoted), "a key that is known: maps are not searched")
    end
  end

  defp list([{:|, _meta, [first, rest]}], names) do
    {first, names} = term(first, names)
    {rest, names} = term(rest, names)
    {[first | rest], names}
  end

  defp list([], names), do: {[], names}

  defp list([first | rest], names) do
    {first, names} = term(first, names)
    {rest, names} = list(rest, names)
    {[first | rest], names}
  end

  # Guards

  defp test({name, meta, context}, names) when is_atom(name) and is_atom(context),
    do: names[name] || wrong(meta, "no argument is called #{name}")

  defp test({{:., _, [map, key]}, meta, []}, names) when is_atom(key) do
    if meta[:no_parens],
      do: {:map_get, {:const, key}, test(map, names)},
      else: wrong(meta, "no call of other modules")
  end

  defp test({{:., _, _function}, meta, _arguments}, _names),
    do: wrong(meta, "no call of other modules")

  defp test({:in, meta, [value, list]}, names), do: member(list, test(value, names), names, meta)

  defp test({:not, _, [{:in, meta, [value, list]}]}, names),
    do: {:not, member(list, test(value, names), names, meta)}

  defp test({:is_nil, _meta, [value]}, names), do: {:"=:=", test(value, names), nil}

  defp test({:is_boolean, _meta, [value]}, names) do
    value = test(value, names)
    {:orelse, {:"=:=", value, true}, {:"=:=", value, false}}
  end

  defp test({:self, _meta, []}, _names), do: {:self}
  defp test({:node, _meta, []}, _names), do: {:node}

  defp test({:elem, _meta, [tuple, at]}, names),
    do: {:element, {:+, test(at, names), 1}, test(tuple, names)}

  defp test({:is_map_key, _meta, [map, key]}, names),
    do: {:is_map_key, test(key, names), test(map, names)}

  defp test({:is_struct, _meta, [value, {:__aliases__, _, _} = name]}, names),
    do: struct_test(test(value, names), test(name, names))

  defp test({:-, _meta, [n]}, _names) when is_number(n), do: -n
  defp test({:__aliases__, _meta, parts}, _names), do: {:const, Module.concat(parts)}
  defp test({left, right}, names), do: {{test(left, names), test(right, names)}}
  defp test({:{}, _, elements}, names), do: {List.to_tuple(Enum.map(elements, &test(&1, names)))}
  defp test(list, names) when is_list(list), do: Enum.map(list, &test(&1, names))

  defp test({name, meta, arguments}, names) when is_atom(name) and is_list(arguments),
    do: operation(name, arguments, names, meta)

  defp test({_name, meta, _arguments}, _names), do: wrong(meta, "something a guard can say")
  defp test(number, _names) when is_number(number), do: number
  defp test(literal, _names), do: {:const, literal}

  defp operation(name, arguments, names, meta) do
    arity = if name in @unary, do: 1, else: 2

    case @operators do
      %{^name => operator} when length(arguments) == arity ->
        List.to_tuple([operator | Enum.map(arguments, &test(&1, names))])

      _other ->
        wrong(meta, "no #{name}/#{length(arguments)} in a guard of a pattern")
    end
  end

  defp member(list, value, names, _meta) when is_list(list) and list != [] do
    list
    |> Enum.map(&{:"=:=", value, test(&1, names)})
    |> Enum.reduce(&{:orelse, &2, &1})
  end

  defp member(_other, _value, _names, meta), do: wrong(meta, "a list of values behind `in`")

  defp struct_test(value, name) do
    named = {:"=:=", {:map_get, {:const, :__struct__}, value}, name}
    {:andalso, {:andalso, {:is_map, value}, {:is_map_key, {:const, :__struct__}, value}}, named}
  end
end
