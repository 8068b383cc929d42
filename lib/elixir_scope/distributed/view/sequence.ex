defmodule ElixirScope.Distributed.View.Sequence do
  @moduledoc """
  Who sent what to whom, in causal order: as text, or for Mermaid.
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.View.Sequence.{Mermaid, Plain}
  alias ElixirScope.Distributed.View.Source

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:sequence)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:sequence, options),
         do: causality |> Source.of() |> lines(options, options[:format])
  end

  defp lines(source, options, :text), do: Plain.lines(source, options)
  defp lines(source, options, :mermaid), do: Mermaid.lines(source, options)
end
