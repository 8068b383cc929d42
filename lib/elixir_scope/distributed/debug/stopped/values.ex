defmodule ElixirScope.Distributed.Debug.Stopped.Values do
  @moduledoc false
  # Terms as owners see them: text, and a path to what is in them. A path begins with the name of a variable, or
  # `{:result, number}`, and goes on with positions. What is hidden has nothing in it, on any path. Pure.

  alias ElixirScope.Distributed.Capture.Redact
  alias ElixirScope.Distributed.{Config, Debug.Stopped}
  alias ElixirScope.Distributed.Debug.Stopped.{Pages, Preview}
  alias ElixirScope.Distributed.Inject.Guest.Secrets

  @most 1_000

  @types [
    {&:erlang.is_map/1, "map"},
    {&:erlang.is_list/1, "list"},
    {&:erlang.is_tuple/1, "tuple"},
    {&:erlang.is_binary/1, "binary"},
    {&:erlang.is_bitstring/1, "bitstring"},
    {&:erlang.is_boolean/1, "boolean"},
    {&:erlang.is_atom/1, "atom"},
    {&:erlang.is_integer/1, "integer"},
    {&:erlang.is_float/1, "float"},
    {&:erlang.is_function/1, "function"},
    {&:erlang.is_pid/1, "pid"},
    {&:erlang.is_reference/1, "reference"},
    {&:erlang.is_port/1, "port"}
  ]

  @doc "What this node hides."
  @spec rules() :: Secrets.rules()
  def rules, do: Secrets.compile(Redact.rules(Config.read!()[:redact]))

  @doc "A term under a name that may be secret itself."
  @spec named(String.t(), term, list, Secrets.rules()) :: Stopped.value()
  def named(name, term, path, rules),
    do: value(name, term, path, Secrets.key?(rules, name), rules)

  @doc "A page of what is in the term to which `path` leads from `root`, which stands under the path's first."
  @spec page(term, list, keyword, Secrets.rules()) :: {:ok, [Stopped.value()]} | {:error, atom}
  def page(root, [first | rest] = path, page, rules) do
    with false <- is_binary(first) and Secrets.key?(rules, first),
         {:ok, term} <- open(root, rest, rules) do
      count = min(page[:count], @most)
      parts = term |> Pages.page(page[:start], count) |> Enum.with_index(page[:start])
      {:ok, for({{name, part}, at} <- parts, do: part(term, name, part, path ++ [at], rules))}
    else
      _no_way -> {:error, :no_such_value}
    end
  end

  # Each step of the way, as a secret may stand anywhere on it.
  defp open(term, [], rules), do: if(secret?(term, rules), do: :error, else: {:ok, term})

  defp open(term, [position | rest], rules) do
    with false <- secret?(term, rules),
         {:ok, part, [name]} <- Pages.at(term, [position]),
         false <- hides?(term, name, rules) do
      open(part, rest, rules)
    else
      _no_way -> :error
    end
  end

  defp secret?(%{__struct__: name}, rules), do: Secrets.type?(rules, name)

  defp secret?(record, rules) when is_tuple(record) and tuple_size(record) > 0,
    do: Secrets.type?(rules, elem(record, 0))

  defp secret?(_term, _rules), do: false

  defp hides?(_term, {:key, key}, rules), do: Secrets.key?(rules, key)
  defp hides?({key, _value}, {:index, 1}, rules), do: Secrets.key?(rules, key)
  defp hides?(_term, _name, _rules), do: false

  defp part(term, name, part, path, rules),
    do: value(label(term, name, rules), part, path, hides?(term, name, rules), rules)

  defp label(_term, :tail, _rules), do: "|"
  defp label(term, {:index, at}, _rules) when is_bitstring(term), do: "#{at}"
  defp label(_term, {:index, at}, _rules), do: Integer.to_string(at)
  defp label(_term, {:key, key}, _rules) when is_atom(key), do: Atom.to_string(key)
  defp label(_term, {:key, key}, rules), do: Preview.text(key, rules)

  defp value(name, term, path, hidden?, rules) do
    hidden? = hidden? or secret?(term, rules)

    %{
      name: name,
      value: if(hidden?, do: Preview.hidden(), else: Preview.text(term, rules)),
      type: type(term),
      path: path,
      children: if(hidden?, do: 0, else: Pages.count(term))
    }
  end

  defp type(%{__struct__: name}) when is_atom(name), do: inspect(name)

  # Newer versions of Erlang may bring others.
  defp type(term), do: Enum.find_value(@types, "term", fn {is, type} -> is.(term) && type end)
end
