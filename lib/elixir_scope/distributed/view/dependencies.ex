defmodule ElixirScope.Distributed.View.Dependencies do
  @moduledoc """
  Which module called which, and how often: as a tree, for Mermaid, or for Graphviz.

      MyApp.Web  1 call
      ├─ MyApp.Orders  2 calls
      │  ├─ MyApp.Card  1 call
      │  └─ MyApp.Stock  1 message
      └─ MyApp.Log  1 call

  Who calls is the function that is open in the same process. A call in a process in which none is open counts
  as a message, if the process does it for a message, or was begun, by a process in which one was.
  Only calls that are seen to return are known to be open: trace with `return: true`. What was called by
  nobody that was seen stands at the left; what a module leads to is written once, and is `(above)` from
  then on. With `graph:` there is also what the code of these modules needs and was not seen to call.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   id: {{:web@host, 1}, 1}, at: {0, 1_000_000, :web@host}, node: :web@host, pid: self(),
      ...>   kind: :call, subject: {Enum, :map, 2}
      ...> }
      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([event])
      iex> picture |> ElixirScope.Distributed.View.Dependencies.render(width: 60) |> Enum.to_list()
      ["Enum  1 call", "", "1 event of 1 node, 0 dropped, none missing"]
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.View.Dependencies.Model
  alias ElixirScope.Distributed.View.{Escape, Footer, Glyphs, Source}

  # Names of modules have at most 255 characters.
  @label 300

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:dependencies)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:dependencies, options) do
      source = Source.of(causality)
      Stream.resource(fn -> :begin end, &lines(&1, source, options), fn _done -> :ok end)
    end
  end

  # Nothing is counted before the first line is taken.
  defp lines(:begin, source, options),
    do:
      {source |> Model.new(options[:graph]) |> written(options[:format], source, options), :done}

  defp lines(:done, _source, _options), do: {:halt, :done}

  defp written(model, :tree, source, options) do
    glyphs = Glyphs.of(options)
    footer = Footer.line(source.about, source.size, options)

    {lines, _shown} =
      Enum.flat_map_reduce(model.roots, MapSet.new(), &root(&1, &2, model, glyphs))

    Enum.map(lines, &Glyphs.fit(glyphs, &1, options[:width])) ++ ["", footer]
  end

  defp written(model, :mermaid, source, _options) do
    numbers = numbers(model)

    ["flowchart LR"] ++
      for(module <- model.modules, do: "  m#{numbers[module]}[\"#{mermaid(inspect(module))}\"]") ++
      for({from, edge} <- edges(model), do: mermaid(numbers, from, edge)) ++
      ["%% " <> Footer.text(source.about, source.size, @label)]
  end

  defp written(model, :dot, source, _options) do
    [
      "digraph dependencies {",
      "  // " <> Footer.text(source.about, source.size, @label),
      "  rankdir=LR;"
    ] ++
      for(module <- model.modules, do: "  #{dot(inspect(module))};") ++
      for({from, edge} <- edges(model), do: dot(from, edge)) ++ ["}"]
  end

  # As a tree: what a module leads to is written once.

  defp root({module, seen}, shown, model, glyphs),
    do: branch(%{to: module, seen: seen, kinds: []}, {"", ""}, shown, model, glyphs)

  defp branch(edge, {lead, indent}, shown, model, glyphs) do
    below = Map.get(model.edges, edge.to, [])
    again? = below != [] and MapSet.member?(shown, edge.to)
    line = lead <> named(edge) <> if(again?, do: "  (above)", else: "")

    if again? do
      {[line], shown}
    else
      {lines, shown} = children(below, indent, MapSet.put(shown, edge.to), model, glyphs)
      {[line | lines], shown}
    end
  end

  defp children([], _indent, shown, _model, _glyphs), do: {[], shown}

  defp children(edges, indent, shown, model, glyphs) do
    last = length(edges) - 1

    edges
    |> Enum.with_index()
    |> Enum.flat_map_reduce(shown, fn {edge, at}, shown ->
      branch(edge, leads(at == last, indent, glyphs), shown, model, glyphs)
    end)
  end

  defp leads(true, indent, glyphs),
    do: {indent <> Glyphs.sign(glyphs, :last_branch), indent <> "   "}

  defp leads(false, indent, glyphs),
    do: {indent <> Glyphs.sign(glyphs, :branch), indent <> Glyphs.sign(glyphs, :trunk)}

  defp named(edge) do
    case Model.words(edge.seen, edge.kinds) do
      "" -> inspect(edge.to)
      words -> inspect(edge.to) <> "  " <> words
    end
  end

  # For other programs

  defp edges(model),
    do: for(from <- model.modules, edge <- Map.get(model.edges, from, []), do: {from, edge})

  defp numbers(model), do: model.modules |> Enum.with_index(1) |> Map.new()

  defp mermaid(numbers, from, edge) do
    words = mermaid(Model.words(edge.seen, edge.kinds))
    "  m#{numbers[from]} #{line(edge)}|\"#{words}\"| m#{numbers[edge.to]}"
  end

  defp line(%{seen: %{calls: 0}}), do: "-.->"
  defp line(_edge), do: "-->"

  defp mermaid(text), do: Escape.mermaid(text, @label)
  defp dot(text), do: Escape.dot(text, @label)

  defp dot(from, edge) do
    style = if edge.seen.calls == 0, do: ", style=dashed", else: ""
    label = dot(Model.words(edge.seen, edge.kinds))
    "  #{dot(inspect(from))} -> #{dot(inspect(edge.to))} [label=#{label}#{style}];"
  end
end
