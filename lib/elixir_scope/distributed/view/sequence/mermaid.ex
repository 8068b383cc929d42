defmodule ElixirScope.Distributed.View.Sequence.Mermaid do
  @moduledoc false
  # A sequence as Mermaid's `sequenceDiagram`. Whatever could mean something to Mermaid is written by
  # its number, so that text of a trace is never more than text. Pure.

  alias ElixirScope.Distributed.View.{Escape, Footer, Words}
  alias ElixirScope.Distributed.View.Sequence.Steps

  # A label that is longer makes a picture that nobody can look at.
  @label 60
  @footer 200

  @arrows %{
    {:message, :exact} => "->>",
    {:message, :likely} => "-->>",
    spawn: "-)",
    link: "-->",
    exit: "--x"
  }

  @doc "The lines."
  @spec lines(ElixirScope.Distributed.View.Source.t(), keyword) :: Enumerable.t()
  def lines(source, options) do
    footer = &["%% " <> Footer.text(source.about, &1, @footer)]
    steps = source |> Steps.stream(options[:notes]) |> Steps.lines(&step/1, footer)
    Stream.concat([["sequenceDiagram"], participants(source), steps])
  end

  # All of a node in one box. The colour is named, as a name of a node might be one.
  defp participants(source) do
    {own, others} = Steps.participants(source)

    boxes =
      own |> Enum.chunk_by(fn {_number, process} -> process.node end) |> Enum.flat_map(&box/1)

    boxes ++ others(others) ++ ["  participant unseen as not seen"]
  end

  defp box([{_number, %{node: node}} | _] = of) do
    ["  box transparent #{label(to_string(node))}"] ++
      for({number, process} <- of, do: "    participant p#{number} as #{process(process)}") ++
      ["  end"]
  end

  defp process(%{node: node, pid: pid}), do: label(Words.process(node, pid, node))

  defp others(0), do: []
  defp others(count), do: ["  participant others as #{count} quieter processes"]

  defp step(%{what: :note, from: nil} = step), do: note("unseen", step)
  defp step(%{what: :note, from: of} = step), do: note(name(of), step)
  defp step(%{what: :lost} = step), do: arrow(step, "-x")
  defp step(%{what: :unsent} = step), do: arrow(step, "-->>")
  defp step(%{what: :message, sure: sure} = step), do: arrow(step, @arrows[{:message, sure}])
  defp step(%{what: what} = step), do: arrow(step, @arrows[what])

  defp note(of, step), do: "  Note over #{of}: #{text(step)}"

  defp arrow(step, arrow), do: "  #{name(step.from)}#{arrow}#{name(step.to)}: #{text(step)}"

  defp name(number) when is_integer(number), do: "p#{number}"
  defp name(nil), do: "unseen"
  defp name(other), do: to_string(other)

  defp text(step), do: step |> Steps.words(@label) |> label()

  defp label(""), do: "-"
  defp label(text), do: Escape.mermaid(text, @label)
end
