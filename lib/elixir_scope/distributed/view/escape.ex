defmodule ElixirScope.Distributed.View.Escape do
  @moduledoc false
  # Other people's text in formats that other programs read. Only what can mean nothing there is
  # written as it is. Pure.

  alias ElixirScope.Distributed.View.Text

  @doc "Text for a label of Mermaid, where everything else has an entity, in so many columns."
  @spec mermaid(binary, pos_integer) :: String.t()
  def mermaid(text, columns) do
    for <<char::utf8 <- Text.fit(text, columns)>>, into: "", do: entity(char)
  end

  defp entity(char)
       when char in ?a..?z or char in ?A..?Z or char in ?0..?9 or char >= 0xA0 or
              char in ~c" _.,/()[]+=!?@'*^|-",
       do: <<char::utf8>>

  defp entity(char), do: "##{char};"

  @doc "A string of DOT, with its quotes."
  @spec dot(binary, pos_integer) :: String.t()
  def dot(text, columns) do
    escaped =
      text |> Text.fit(columns) |> String.replace("\\", "\\\\") |> String.replace("\"", "\\\"")

    "\"" <> escaped <> "\""
  end
end
