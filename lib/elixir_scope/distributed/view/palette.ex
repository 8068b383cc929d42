defmodule ElixirScope.Distributed.View.Palette do
  @moduledoc """
  A colour for each node, the same in all views of one answer: by the order of the nodes.

      iex> alias ElixirScope.Distributed.View.Palette
      iex> palette = Palette.new([:web@host, :orders@host], true)
      iex> palette |> Palette.paint(:orders@host, "checkout") |> IO.iodata_to_binary()
      "\\e[32mcheckout\\e[0m"
      iex> [:web@host] |> Palette.new(false) |> Palette.paint(:web@host, "checkout")
      "checkout"
  """

  @colors ~w(cyan green yellow magenta blue red)a
  @bright ~w(light_cyan light_green light_yellow light_magenta light_blue light_red)a
  @all @colors ++ @bright

  defstruct [:colors]

  @type t :: %__MODULE__{colors: %{term => atom}}

  @doc "The colours of these nodes, or none at all."
  @spec new([term], boolean) :: t
  def new(_nodes, false), do: %__MODULE__{colors: %{}}

  def new(nodes, true) do
    colors = nodes |> Enum.uniq() |> Enum.zip(Stream.cycle(@all)) |> Map.new()
    %__MODULE__{colors: colors}
  end

  @doc "A text in the colour of a node; as it is where there is none."
  @spec paint(t, term, iodata) :: iodata
  def paint(%__MODULE__{colors: colors}, node, text) do
    case colors do
      %{^node => color} -> IO.ANSI.format([color, text], true)
      _none -> text
    end
  end
end
