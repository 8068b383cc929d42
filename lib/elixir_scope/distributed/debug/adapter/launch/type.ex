defmodule ElixirScope.Distributed.Debug.Adapter.Launch.Type do
  @moduledoc false
  # What a key of a launch configuration may hold: one place that checks a decoded value, makes of it
  # what the library works with, and says in words what was expected, so that the schema, its errors
  # and its documentation agree.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.CLI.{Atoms, Failure}

  @words %{
    nil: "null",
    string: "text",
    boolean: "`true` or `false`",
    folder: "a folder",
    env: "an object of texts or `null`",
    node: "`name@host`",
    scope: "the name of a scope",
    naming: "`auto` or a template",
    pattern: "a pattern of `trace/2`"
  }

  @type t ::
          atom
          | {:list, t}
          | {:or, [t]}
          | {:in, [String.t()]}
          | {:integer, integer, integer}
          | {:object, list}
  @type path :: [String.t() | non_neg_integer]
  @type failure :: {path, message :: String.t()}

  @doc "The value as the library has it, or where in it what was expected."
  @spec cast(t, term) :: {:ok, term} | {:error, failure}
  def cast({:list, type}, list) when is_list(list), do: each(type, Enum.with_index(list))
  def cast({:or, types}, value), do: any(types, value)

  def cast({:in, texts} = type, value),
    do: if(value in texts, do: {:ok, value}, else: refuse(type, value))

  def cast({:integer, least, most} = type, value) do
    if is_integer(value) and value in least..most, do: {:ok, value}, else: refuse(type, value)
  end

  def cast(nil, nil), do: {:ok, nil}
  def cast(:boolean, value) when is_boolean(value), do: {:ok, value}
  def cast(:env, env) when is_map(env), do: variables(Map.to_list(env))
  def cast(type, text) when is_atom(type) and is_binary(text), do: text(type, text)
  def cast(type, value), do: refuse(type, value)

  defp text(type, "") when type != :string, do: refuse(type, "")
  defp text(:string, text), do: {:ok, text}
  defp text(:folder, text), do: folder(text)
  defp text(:node, text), do: node_name(text)
  defp text(:scope, text), do: scope(text)
  defp text(:naming, text), do: naming(text)
  defp text(:pattern, text), do: pattern(text)
  defp text(type, text), do: refuse(type, text)

  # A variable that the editor did not fill in would be a folder of that name.
  defp folder(text) do
    case Regex.run(~r/\$\{[^}]*\}/, text) do
      nil -> {:ok, text}
      [variable] -> {:error, {[], "holds #{variable}, which this editor did not fill in"}}
    end
  end

  defp node_name(text) do
    if text =~ ~r/\A[A-Za-z0-9_.-]+@[A-Za-z0-9_.:-]+\z/, do: atom(text), else: refuse(:node, text)
  end

  defp scope(text) do
    cond do
      text =~ ~r/\A[A-Z][A-Za-z0-9_]*(\.[A-Z][A-Za-z0-9_]*)*\z/ -> atom("Elixir." <> text)
      text =~ ~r/\A:?[a-z][A-Za-z0-9_@]*\z/ -> text |> String.trim_leading(":") |> atom()
      true -> refuse(:scope, text)
    end
  end

  defp naming(text) do
    if text == "auto" or text =~ ~r/\A([A-Za-z0-9_-]|\{(role|project|id|pid)\})+\z/,
      do: {:ok, text},
      else: refuse(:naming, text)
  end

  # It stays text: its modules may be known to the debugged node alone. What is wrong with it is said here.
  defp pattern(text) do
    :ok = Atoms.afford!(text)

    case Pattern.parse(text) do
      {:ok, _patterns} -> {:ok, text}
      {:error, error} -> {:error, {[], Exception.message(error)}}
    end
  rescue
    failure in Failure -> {:error, {[], failure.message}}
  end

  @doc """
  A pattern as terms where it names one module: the node that is asked may not know the name as an atom yet.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Launch.Type
      iex> Enum.map(["Map", "Map.get/2", "Map.*", "no pattern ("], &Type.written/1)
      [Map, {Map, :get, 2}, "Map.*", "no pattern ("]
  """
  @spec written(String.t()) :: module | {module, atom, arity | :_} | String.t()
  def written(text) do
    :ok = Atoms.afford!(text)

    case Pattern.parse(text) do
      {:ok, [%{module: module} = pattern]} when is_atom(module) -> named(pattern)
      _several -> text
    end
  rescue
    Failure -> text
  end

  defp named(%{module: module, function: :_}), do: module
  defp named(%{module: module, function: function, arity: arity}), do: {module, function, arity}

  defp atom(text) do
    {:ok, Atoms.make!(text)}
  rescue
    failure in Failure -> {:error, {[], failure.message}}
  end

  defp any(types, value) do
    Enum.find_value(types, refuse({:or, types}, value), fn type ->
      with {:error, _failure} <- cast(type, value), do: nil
    end)
  end

  defp each(type, indexed) do
    all(indexed, fn {value, index} -> within(cast(type, value), index) end)
  end

  defp variables(pairs) do
    with {:ok, pairs} <- all(pairs, &variable/1), do: {:ok, Map.new(pairs)}
  end

  defp variable({name, value}) when is_binary(value) or is_nil(value), do: {:ok, {name, value}}
  defp variable({name, value}), do: within(refuse({:or, [:string, nil]}, value), name)

  defp all(items, fun) do
    result =
      Enum.reduce_while(items, [], fn item, done ->
        case fun.(item) do
          {:ok, value} -> {:cont, [value | done]}
          error -> {:halt, error}
        end
      end)

    if is_list(result), do: {:ok, Enum.reverse(result)}, else: result
  end

  defp within({:ok, value}, _step), do: {:ok, value}
  defp within({:error, {path, message}}, step), do: {:error, {[step | path], message}}

  defp refuse(type, value),
    do: {:error, {[], "expected #{describe(type)}, got: #{inspect(value, printable_limit: 80)}"}}

  @doc "The type in words."
  @spec describe(t) :: String.t()
  def describe({:list, type}), do: "a list, each #{describe(type)}"
  def describe({:or, types}), do: Enum.map_join(types, " or ", &describe/1)
  def describe({:in, texts}), do: Enum.map_join(texts, " or ", &"`#{&1}`")
  def describe({:integer, least, most}), do: "a whole number from #{least} to #{most}"
  def describe({:object, _keys}), do: "an object"
  def describe(type), do: Map.fetch!(@words, type)

  @doc """
  A path as it is written.

      iex> ElixirScope.Distributed.Debug.Adapter.Launch.Type.path(["env", "A", 1])
      "env.A[1]"
  """
  @spec path(path) :: String.t()
  def path([first | rest]), do: Enum.reduce(rest, first, &step/2)

  defp step(index, before) when is_integer(index), do: "#{before}[#{index}]"
  defp step(name, before), do: "#{before}.#{name}"
end
