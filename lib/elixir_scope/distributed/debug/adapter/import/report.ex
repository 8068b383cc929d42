defmodule ElixirScope.Distributed.Debug.Adapter.Import.Report do
  @moduledoc false
  # The table of what became what.

  @doc "One block of lines for each configuration, without the end of the last line."
  @spec text([{map, [{String.t(), String.t() | nil, String.t()}]}]) :: String.t()
  def text(converted) do
    converted |> Enum.map(&block/1) |> Enum.intersperse("\n\n") |> IO.iodata_to_binary()
  end

  defp block({configuration, rows}) do
    cells = for {key, became, why} <- rows, do: {key, became || "(dropped)", why}
    widths = {widest(cells, 0), widest(cells, 1)}
    Enum.intersperse([name(configuration) | Enum.map(cells, &line(&1, widths))], "\n")
  end

  defp name(%{"name" => name}) when is_binary(name), do: name
  defp name(_configuration), do: "(without a name)"

  defp line({key, became, why}, {first, second}) do
    text = "  #{String.pad_trailing(key, first)}  #{String.pad_trailing(became, second)}  #{why}"
    String.trim_trailing(text)
  end

  defp widest(cells, index),
    do: cells |> Enum.map(&(&1 |> elem(index) |> String.length())) |> Enum.max(fn -> 0 end)
end
