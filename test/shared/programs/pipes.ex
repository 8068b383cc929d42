defmodule Programs.Pipes do
  def run do
    "b a"
    |> String.split()
    |> sorted()
    |> joined()
  end

  defp sorted(words) do
    Enum.sort(words)
  end

  defp joined(words) do
    text = Enum.join(words, "-")
    text <> "!"
  end
end
