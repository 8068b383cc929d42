defmodule ElixirScope.Distributed.Mermaid do
  # Reads what of Mermaid the views write, and nothing else: a line that is not of these forms, a name
  # that nobody declared, or a character that could mean something raises.

  @text ~S"(?:[\w \.,/()\[\]+=!?@'*^|\-]|[^\x00-\x{9F}]|#\d+;)*"

  @doc "A `sequenceDiagram`: its boxes, its participants, and its steps in order."
  def sequence(lines) do
    ["sequenceDiagram" | lines] = lines

    read =
      Enum.reduce(
        lines,
        %{boxes: [], participants: %{}, steps: [], comments: [], box: nil},
        &line/2
      )

    nil = read.box
    %{read | steps: Enum.reverse(read.steps), boxes: Enum.reverse(read.boxes)}
  end

  defp line(line, read) do
    cond do
      found = run(~r/\A  box transparent (#{@text})\z/u, line) ->
        nil = read.box
        %{read | box: text(hd(found)), boxes: [text(hd(found)) | read.boxes]}

      line == "  end" ->
        true = read.box != nil
        %{read | box: nil}

      found = run(~r/\A +participant (\w+) as (#{@text})\z/u, line) ->
        [id, name] = found
        false = is_map_key(read.participants, id)
        put_in(read.participants[id], {read.box, text(name)})

      found = run(~r/\A  Note over (\w+): (#{@text})\z/u, line) ->
        [id, note] = found
        true = is_map_key(read.participants, id)
        %{read | steps: [{:note, id, text(note)} | read.steps]}

      found = run(~r/\A  (\w+?)(->>|-->>|-\)|-->|--x|-x)(\w+): (#{@text})\z/u, line) ->
        [from, arrow, to, label] = found
        true = is_map_key(read.participants, from) and is_map_key(read.participants, to)
        %{read | steps: [{from, arrow, to, text(label)} | read.steps]}

      found = run(~r/\A%% ([^{].*)\z/u, line) ->
        %{read | comments: found ++ read.comments}

      true ->
        raise "not a line of a sequence diagram: #{inspect(line)}"
    end
  end

  @doc "A `flowchart`: its nodes by their numbers, and its edges."
  def flowchart(lines) do
    ["flowchart LR" | lines] = lines
    {comments, lines} = Enum.split_with(lines, &String.starts_with?(&1, "%% "))
    {nodes, edges} = Enum.split_while(lines, &(&1 =~ ~r/\A  m\d+\[/))

    nodes =
      for line <- nodes,
          do:
            ~r/\A  (m\d+)\["(#{@text})"\]\z/u
            |> must(line)
            |> then(fn [id, name] -> {id, text(name)} end)

    names = Map.new(nodes)
    true = map_size(names) == length(nodes)

    edges =
      for line <- edges do
        [from, arrow, label, to] =
          must(~r/\A  (m\d+) (-->|-\.->)\|"(#{@text})"\| (m\d+)\z/u, line)

        {Map.fetch!(names, from), arrow, Map.fetch!(names, to), text(label)}
      end

    %{nodes: Map.values(names), edges: edges, comments: comments}
  end

  defp must(form, line),
    do: run(form, line) || raise("not a line of a flowchart: #{inspect(line)}")

  defp run(form, line), do: Regex.run(form, line, capture: :all_but_first)

  defp text(escaped),
    do:
      Regex.replace(~r/#(\d+);/, escaped, fn _all, number ->
        <<String.to_integer(number)::utf8>>
      end)
end
