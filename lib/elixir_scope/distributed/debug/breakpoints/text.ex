defmodule ElixirScope.Distributed.Debug.Breakpoints.Text do
  @moduledoc false
  # The text of a log point: `"total is {order.total}"`. What stands in braces is an expression; a brace that
  # is meant as one is written twice. Values are shown as `inspect/2` does, texts as they are.

  alias ElixirScope.Distributed.Debug.Breakpoints.Expression

  @bytes 4_096
  @most 50

  @type t :: [String.t() | Expression.t()]

  @doc "Reads one."
  @spec parse(String.t() | nil) :: {:ok, t | nil} | {:error, term}
  def parse(nil), do: {:ok, nil}
  def parse(text), do: parts(text, "", [])

  defp parts("", literal, parts), do: {:ok, Enum.reverse(literal(literal, parts))}
  defp parts("{{" <> rest, literal, parts), do: parts(rest, literal <> "{", parts)
  defp parts("}}" <> rest, literal, parts), do: parts(rest, literal <> "}", parts)

  defp parts("{" <> rest, literal, parts) do
    with {:ok, expression, rest} <- braced(rest, 1),
         {:ok, expression} <- Expression.parse(expression),
         do: parts(rest, "", [expression | literal(literal, parts)])
  end

  defp parts(<<char::utf8, rest::binary>>, literal, parts),
    do: parts(rest, literal <> <<char::utf8>>, parts)

  defp parts(_not_utf8, _literal, _parts), do: {:error, {:bad_expression, "this is no text"}}

  defp literal("", parts), do: parts
  defp literal(literal, parts), do: [literal | parts]

  # Up to the first brace behind which it can be read: there are braces in expressions, too.
  defp braced(rest, from) do
    case :binary.match(rest, "}", scope: {from - 1, byte_size(rest) - from + 1}) do
      {at, 1} -> braced(rest, at, Expression.parse(binary_part(rest, 0, at)))
      :nomatch -> {:error, {:bad_expression, "{#{rest}: the brace is not closed"}}
    end
  end

  defp braced(rest, at, {:ok, _expression}),
    do: {:ok, binary_part(rest, 0, at), binary_part(rest, at + 1, byte_size(rest) - at - 1)}

  defp braced(rest, at, {:error, reason}) do
    with {:error, _unclosed} <- braced(rest, at + 2), do: {:error, reason}
  end

  @doc "The variables that it names."
  @spec variables(t | nil) :: [atom]
  def variables(nil), do: []

  def variables(parts),
    do: for(%Expression{variables: names} <- parts, name <- names, uniq: true, do: name)

  @doc "The text with these variables. What cannot be evaluated says why in its place."
  @spec render(t, %{atom => term}) :: String.t()
  def render(parts, bindings) do
    text = Enum.map_join(parts, &shown(&1, bindings))
    if byte_size(text) <= @bytes, do: text, else: cut(text)
  end

  defp shown(text, _bindings) when is_binary(text), do: text

  defp shown(expression, bindings) do
    case Expression.value(expression, bindings) do
      {:ok, text} when is_binary(text) -> if(String.valid?(text), do: text, else: inspect(text))
      {:ok, value} -> inspect(value, limit: @most, printable_limit: @bytes)
      {:error, why} -> "{#{expression.text}: #{why}}"
    end
  end

  defp cut(text), do: (text |> String.slice(0, @bytes) |> binary_part_valid()) <> "…"

  defp binary_part_valid(text) when byte_size(text) <= @bytes, do: text
  defp binary_part_valid(text), do: text |> String.slice(0, div(@bytes, 4))
end
