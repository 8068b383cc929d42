defmodule ElixirScope.Distributed.Capture.Pattern do
  @moduledoc """
  Which functions: the one grammar in which they are named, wherever they are.

  | written | means |
  |---|---|
  | `MyApp.Orders` | every function of the module |
  | `{MyApp.Orders, :place}`, `{MyApp.Orders, :place, 2}` | one function, of any or of one arity |
  | `"MyApp.*"` | every function of the modules with such names, as `inspect/1` writes them |
  | `"MyApp.Orders.place/2"` | one function, as text |
  | `"MyApp.Orders.place(%{id: id}, _) when id > 3 -> return"` | some calls of it, see below |
  | `{:app, :my_app}` | every function of the application's modules |
  | a list of these | all of them |

  ## Calls

  Arguments are patterns as in a function head: literals, variables, `_`, tuples, lists, maps
  (which match maps with more keys) and structs. A variable that stands twice has to be equal in
  both places. Behind `when` stands a guard of comparisons, `and`, `or`, `not`, `in`, arithmetic,
  `is_…`, `abs`, `byte_size`, `div`, `elem`, `hd`, `is_map_key`, `length`, `map_size`, `rem`,
  `round`, `tl`, `trunc`, `tuple_size`, and `order.total` for the value of a map. `-> return` also
  wants what the call returned or raised.

      iex> alias ElixirScope.Distributed.Capture.Pattern
      iex> {:ok, [pattern]} = Pattern.parse("Map.get(%{id: id}, _) when id > 3 -> return")
      iex> {pattern.module, pattern.function, pattern.arity, pattern.return}
      {Map, :get, 2, true}
      iex> {:error, error} = Pattern.parse("Map.get(%{id: id}, _) when ide > 3")
      iex> Exception.message(error)
      "\\"Map.get(%{id: id}, _) when ide > 3\\", column 28: no argument is called ide"

  What is written is checked here; whether there is such a function is not.
  """

  alias ElixirScope.Distributed.Capture.Pattern.Text
  alias ElixirScope.Distributed.Error

  @enforce_keys [:module]
  defstruct [:module, function: :_, arity: :_, head: :_, guards: [], return: false]

  @typedoc """
  `head` and `guards` are those of a match specification; `:_` as `head` lets every call pass.
  """
  @type t :: %__MODULE__{
          module: module | {:glob, String.t()} | {:app, atom},
          function: atom,
          arity: arity | :_,
          head: [term] | :_,
          guards: [term],
          return: boolean
        }

  @type written :: module | tuple | String.t() | [written]

  @doc """
  The patterns that something written means.

  Text from elsewhere is parsed with `atoms: :existing`, so that it makes none.
  """
  @spec parse(written, atoms: :any | :existing) :: {:ok, [t]} | {:error, Error.t()}
  def parse(written, options \\ [])

  def parse(list, options) when is_list(list) and list != [] do
    Enum.reduce_while(list, {:ok, []}, fn written, {:ok, before} ->
      case parse(written, options) do
        {:ok, patterns} -> {:cont, {:ok, before ++ patterns}}
        {:error, error} -> {:halt, {:error, error}}
      end
    end)
  end

  def parse(text, options) when is_binary(text) do
    if glob?(text), do: one(module: {:glob, text}), else: Text.parse(text, options)
  end

  def parse({:app, app}, _options) when is_atom(app), do: one(module: {:app, app})
  def parse({module, function}, options), do: parse({module, function, :_}, options)

  def parse({module, function, arity}, _options)
      when is_atom(module) and is_atom(function) and (arity in 0..255 or arity == :_),
      do: one(module: module, function: function, arity: arity)

  def parse(module, _options) when is_atom(module) and module not in [nil, true, false],
    do: one(module: module)

  def parse(other, _options),
    do: {:error, Error.new(:bad_pattern, pattern: other, expected: "a module, function or text")}

  @doc """
  Whether the name of a module, as `inspect/1` writes it, is one that the glob stands for.

      iex> ElixirScope.Distributed.Capture.Pattern.glob_matches?("MyApp.*.Worker", MyApp.Mail.Worker)
      true
  """
  @spec glob_matches?(String.t(), module) :: boolean
  def glob_matches?(glob, module) do
    case String.split(glob, "*") do
      [name] -> name == inspect(module)
      [first | parts] -> module |> inspect() |> behind(first) |> parts_match?(parts)
    end
  end

  @doc "The match specification of the calls, without what is done about them."
  @spec match_head(t) :: {[term] | :_, [term]}
  def match_head(%__MODULE__{head: head, guards: guards}), do: {head, guards}

  @doc """
  A pattern in words, for people.

      iex> alias ElixirScope.Distributed.Capture.Pattern
      iex> {:ok, [pattern]} = Pattern.parse("Map.get(%{id: 1}, _) -> return")
      iex> Pattern.describe(pattern)
      "Map.get/2, some calls -> return"
  """
  @spec describe(t) :: String.t()
  def describe(%__MODULE__{} = pattern) do
    named(pattern.module) <>
      named(pattern.function, pattern.arity) <>
      if(pattern.head == :_, do: "", else: ", some calls") <>
      if(pattern.return, do: " -> return", else: "")
  end

  defp named({:glob, glob}), do: glob
  defp named({:app, app}), do: "app #{inspect(app)}"
  defp named(module), do: inspect(module)

  defp named(:_, _arity), do: ""
  defp named(function, :_), do: ".#{function}"
  defp named(function, arity), do: ".#{function}/#{arity}"

  # The first place where a part stands leaves most for those behind it.
  defp parts_match?(nil, _parts), do: false
  defp parts_match?(rest, [last]), do: String.ends_with?(rest, last)

  defp parts_match?(rest, [part | parts]) do
    case String.split(rest, part, parts: 2) do
      [_before, rest] -> parts_match?(rest, parts)
      [_without] -> false
    end
  end

  defp behind(name, first) do
    if String.starts_with?(name, first),
      do: binary_part(name, byte_size(first), byte_size(name) - byte_size(first))
  end

  # Anything with a star that is no call: a star is no name of a function one would type.
  defp glob?(text), do: text =~ ~r/\A[\w.:*]*\*[\w.:*]*\z/u

  defp one(fields), do: {:ok, [struct!(__MODULE__, fields)]}
end
