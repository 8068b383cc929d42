defmodule ElixirScope.Distributed.Debug.Adapter.Arguments do
  @moduledoc false
  # Arguments of requests as what they should be. A client is a program of somebody else's: what is
  # missing or of another type is said, by its name.

  @type read(value) :: {:ok, value} | {:error, String.t()}

  @doc """
  A whole number; `default` where none is given.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Arguments
      iex> Arguments.integer(%{"threadId" => 1}, "threadId")
      {:ok, 1}
      iex> Arguments.integer(%{}, "threadId")
      {:error, "threadId: expected a whole number, got: nothing"}
      iex> Arguments.integer(%{}, "levels", 20)
      {:ok, 20}
  """
  @spec integer(map, String.t(), integer | nil | :none) :: read(integer | nil)
  def integer(arguments, name, default \\ :none),
    do: typed(arguments, name, default, &is_integer/1, "a whole number")

  @doc "Text."
  @spec text(map, String.t(), String.t() | nil | :none) :: read(String.t() | nil)
  def text(arguments, name, default \\ :none),
    do: typed(arguments, name, default, &is_binary/1, "text")

  @doc "A list of objects."
  @spec objects(map, String.t()) :: read([map])
  def objects(arguments, name),
    do: typed(arguments, name, [], &objects?/1, "a list of objects")

  @doc "A list of text."
  @spec texts(map, String.t()) :: read([String.t()])
  def texts(arguments, name),
    do:
      typed(
        arguments,
        name,
        [],
        &(is_list(&1) and Enum.all?(&1, fn t -> is_binary(t) end)),
        "a list of text"
      )

  @doc "An object."
  @spec object(map, String.t()) :: read(map)
  def object(arguments, name), do: typed(arguments, name, :none, &is_map/1, "an object")

  defp objects?(list), do: is_list(list) and Enum.all?(list, &is_map/1)

  defp typed(arguments, name, default, right?, expected) do
    case Map.get(arguments, name) do
      nil when default == :none ->
        wrong(name, expected, "nothing")

      nil ->
        {:ok, default}

      value ->
        if right?.(value),
          do: {:ok, value},
          else: wrong(name, expected, inspect(value, limit: 5, printable_limit: 50))
    end
  end

  defp wrong(name, expected, got), do: {:error, "#{name}: expected #{expected}, got: #{got}"}

  @doc "Each of a list by a function; the first that is wrong."
  @spec each([one], (one -> read(value))) :: read([value]) when one: term, value: term
  def each(list, fun) do
    Enum.reduce_while(list, {:ok, []}, fn one, {:ok, done} ->
      case fun.(one) do
        {:ok, value} -> {:cont, {:ok, [value | done]}}
        error -> {:halt, error}
      end
    end)
    |> then(fn result -> with {:ok, done} <- result, do: {:ok, Enum.reverse(done)} end)
  end
end
