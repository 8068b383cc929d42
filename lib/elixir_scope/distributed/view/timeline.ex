defmodule ElixirScope.Distributed.View.Timeline do
  @moduledoc """
  Events of many nodes in causal order, one line each.

      ┊ ...
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.View.{Footer, Glyphs, Source}
  alias ElixirScope.Distributed.View.Timeline.{Line, Tally}

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:timeline)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:timeline, options),
         do: causality |> Source.of() |> lines(options)
  end

  defp lines(%{size: 0} = source, options), do: [Footer.line(source.about, 0, options)]

  defp lines(source, options) do
    line = Line.new(source, options)

    rows =
      source
      |> Source.stream()
      |> Stream.transform(
        fn -> {line, %Tally{}} end,
        &row/2,
        &{tail(&1, source, options), &1},
        fn _state -> :ok end
      )

    Stream.concat(Line.header(line), rows)
  end

  defp row(row, {line, tally}) do
    {text, line} = Line.row(line, row)
    {[text], {line, Tally.add(tally, row)}}
  end

  defp tail({_line, tally}, source, options) do
    notes =
      for note <- Tally.notes(tally), do: Glyphs.fit(Glyphs.of(options), note, options[:width])

    [""] ++ notes ++ [Footer.line(source.about, tally.events, options)]
  end
end
