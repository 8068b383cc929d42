defmodule ElixirScope.Distributed.Debug.Adapter.Import.Written do
  @moduledoc false
  # JSON for people: on several lines, with the keys in the order in which they are documented.

  alias ElixirScope.Distributed.CLI.Json
  alias ElixirScope.Distributed.Debug.Adapter.Launch.Schema

  @first ~w(version name) ++
           for({path, _spec} <- Schema.paths(), do: path |> String.split(".") |> List.last())

  # What fits on a line stays on one.
  @width 80

  @doc "The value as text, without the end of its last line."
  @spec text(Json.value()) :: String.t()
  def text(value), do: IO.iodata_to_binary(lines(value, ""))

  defp lines(value, indent) do
    if nested?(value) and (is_map(value) or too_wide?(value, indent)),
      do: broken(value, indent <> "  ", indent),
      else: short(value)
  end

  defp too_wide?(value, indent),
    do: String.length(indent <> IO.iodata_to_binary(short(value))) > @width

  defp nested?(value), do: value != %{} and value != [] and (is_map(value) or is_list(value))

  defp broken(%{} = object, inner, indent) do
    items = for {key, value} <- sorted(object), do: [Json.encode(key), ": ", lines(value, inner)]
    ["{\n", inner, Enum.intersperse(items, [",\n", inner]), "\n", indent, "}"]
  end

  defp broken(list, inner, indent) do
    items = Enum.map(list, &lines(&1, inner))
    ["[\n", inner, Enum.intersperse(items, [",\n", inner]), "\n", indent, "]"]
  end

  defp short(%{} = object) do
    pairs = for {key, value} <- sorted(object), do: [Json.encode(key), ": ", short(value)]
    ["{", Enum.intersperse(pairs, ", "), "}"]
  end

  defp short(list) when is_list(list), do: ["[", Enum.map_intersperse(list, ", ", &short/1), "]"]
  defp short(value), do: Json.encode(value)

  defp sorted(object),
    do:
      Enum.sort_by(object, fn {key, _value} ->
        {Enum.find_index(@first, &(&1 == key)) || :none, key}
      end)
end
