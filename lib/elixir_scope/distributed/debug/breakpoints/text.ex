defmodule ElixirScope.Distributed.Debug.Breakpoints.Text do
  @moduledoc false
  # The text of a log point: `"total is {order.total}"`. What stands in braces is an expression; a brace that
  # is meant as one is written twice. Values are shown as in a frame that
  # is looked at, with secret keys hidden; texts as they are.

  alias ElixirScope.Distributed.Debug.Breakpoints.Expression
  alias ElixirScope.Distributed.Debug.Evaluator
  alias ElixirScope.Distributed.Debug.Stopped.{Preview, Values}

  @longest 2_000

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

  @doc "The text in a frame. What cannot be evaluated says why in its place."
  @spec render(t, Evaluator.frame()) :: String.t()
  def render(parts, frame) do
    text = Enum.map_join(parts, &shown(&1, frame))
    if String.length(text) <= @longest, do: text, else: String.slice(text, 0, @longest) <> "…"
  end

  defp shown(text, _frame) when is_binary(text), do: text

  defp shown(expression, frame) do
    case Expression.value(expression, frame) do
      {:ok, value} -> if(plain?(value), do: value, else: Preview.text(value, Values.rules()))
      {:error, why} -> "{#{expression.text}: #{why}}"
    end
  end

  defp plain?(value), do: is_binary(value) and String.valid?(value)
end
