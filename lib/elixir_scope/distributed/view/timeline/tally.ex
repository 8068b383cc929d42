defmodule ElixirScope.Distributed.View.Timeline.Tally do
  @moduledoc false
  # What is said below a timeline, as it is counted while the rows go by. Pure.

  alias ElixirScope.Distributed.View.{Footer, Words}

  defstruct events: 0, moved: 0, by_ns: 0, brought_in: 0

  @type t :: %__MODULE__{}

  @doc "With one row more."
  @spec add(t, map) :: t
  def add(tally, row), do: tally |> count(row) |> moved(row)

  defp count(tally, row) do
    brought_in = if row[:brought_in?], do: 1, else: 0
    %{tally | events: tally.events + 1, brought_in: tally.brought_in + brought_in}
  end

  defp moved(tally, %{behind_ns: 0}), do: tally

  defp moved(tally, %{behind_ns: ns}),
    do: %{tally | moved: tally.moved + 1, by_ns: max(tally.by_ns, ns)}

  @doc "What there is to say."
  @spec notes(t) :: [String.t()]
  def notes(tally), do: late(tally) ++ brought_in(tally)

  defp late(%{moved: 0}), do: []

  defp late(%{moved: moved, by_ns: ns}),
    do: [
      "#{Footer.count(moved, "event")} moved behind what caused them: clocks are up to #{Words.duration(ns)} behind"
    ]

  defp brought_in(%{brought_in: 0}), do: []

  defp brought_in(%{brought_in: count}),
    do: [
      "#{Footer.count(count, "event")} added, as the other ends of messages that were asked for"
    ]
end
