defmodule ElixirScope.Distributed.Debug.Breakpoints.Wish do
  @moduledoc false
  # What is asked of one breakpoint, read: nothing of it is looked at again as text where it is passed.

  alias ElixirScope.Distributed.Debug.Breakpoints.{Expression, Hits, Text}

  @enforce_keys [:id, :where]
  defstruct [:id, :where, :condition, :log, hit: :all, deps: :reachable, written: %{}]

  @type t :: %__MODULE__{}

  @deps [:reachable, :minimal, :conservative, :transitive, :none]

  @doc "Reads the options of a breakpoint."
  @spec read(term, keyword) :: {:ok, %__MODULE__{}} | {:error, term}
  def read(where, options) do
    with {:ok, texts} <- texts(options),
         {:ok, condition} <- condition(texts.condition),
         {:ok, hit} <- Hits.parse(texts.hit),
         {:ok, log} <- Text.parse(texts.log) do
      deps = if options[:deps] in @deps, do: options[:deps], else: :reachable
      id = options[:id] || System.unique_integer([:positive])
      wish = %__MODULE__{id: id, where: where, condition: condition, hit: hit, log: log}
      {:ok, %{wish | deps: deps, written: texts}}
    end
  end

  @doc "The variables that it looks at."
  @spec variables(t) :: MapSet.t(String.t())
  def variables(wish), do: Expression.variables_of([wish.condition | wish.log || []])

  defp condition(nil), do: {:ok, nil}
  defp condition(text), do: Expression.parse(text)

  defp texts(options) do
    texts = for key <- [:condition, :hit, :log], into: %{}, do: {key, options[key]}
    wrong = Enum.find(texts, fn {_key, text} -> text != nil and not is_binary(text) end)

    if wrong,
      do: {:error, {:bad_expression, "#{inspect(elem(wrong, 1))} is no text"}},
      else: {:ok, texts}
  end
end
