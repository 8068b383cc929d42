defmodule ElixirScope.Distributed.Debug.Adapter.Setting do
  @moduledoc false
  # How breakpoints get to the nodes. Called by the hand, one request after the other, and may wait:
  # for who says which modules a breakpoint needs, and for these to be interpreted. Which modules are
  # interpreted for which file is kept with the hand: what no file needs any more is given back.

  alias ElixirScope.Distributed.Debug.Adapter.{
    Attaching,
    Coordination,
    Marks,
    Named,
    State,
    Words
  }

  alias ElixirScope.Distributed.Debug.Adapter.Coordination.{Editor, Language}
  alias ElixirScope.Distributed.Debug.{Breakpoints, Services, Stopped}

  # Of a range that a client asks about, which mostly is one line.
  @most_lines 200

  @typedoc "What has to be known of a session to set something."
  @type how :: %{nodes: [node], off: boolean, coordination: Coordination.t(), options: keyword}

  @doc "What a state says of it."
  @spec how(State.t()) :: how
  def how(state) do
    %{
      nodes: state.nodes,
      off: state.launch.no_debug,
      coordination: Coordination.new(state.launch, asking(state)),
      options: State.options(state)
    }
  end

  defp asking(%{launch: launch, session: session, editor: editor}) do
    %{
      language: &Language.ask(session && session.language, launch, &1, &2, &3),
      editor: &Editor.ask(editor, &1, &2, &3),
      local: &needed([fallback: true], launch, &1, &2, &3)
    }
  end

  defp needed(whom, launch, file, line, ms) do
    options = [scope: launch.scope, timeout_ms: ms] ++ whom
    question = [file, line, []]

    with {:ok, needed, _about} <-
           Services.call(:dependency_analysis, :breakpoint_dependencies, question, options),
         do: {:ok, needed.interpretation_candidates}
  end

  @doc "Has these breakpoints in a group and no others: what became of each, in their order, and what is to be said."
  @spec set(term, [Marks.mark()], [term], how) ::
          {:ok, [{:ok, [map]} | {:error, term}], [String.t()]} | {:error, term}
  def set(_group, _marks, _old, %{off: true}),
    do: {:error, "this session debugs nothing, as its configuration says noDebug"}

  def set({:file, path} = group, marks, _old, how) do
    notices = prepare(group, path, marks, how)
    requests = for mark <- marks, do: Map.take(mark, [:line, :condition, :hit, :log])
    options = [node: how.nodes, deps: :none] ++ how.options

    with {:ok, results} <- Breakpoints.handle_set_breakpoints_request(path, requests, options),
         do: {:ok, Enum.map(marks, &became(&1, results)), notices}
  end

  def set(:functions, marks, old, how) do
    Breakpoints.clear(old, Keyword.take(how.options, [:owner]))
    {:ok, Enum.map(marks, &function(&1, how)), []}
  end

  defp function(mark, how) do
    texts = for key <- [:condition, :hit, :log], text = mark[key], do: {key, text}

    with {:ok, results} <-
           Breakpoints.set(Named.function(mark.name), [node: how.nodes] ++ texts ++ how.options),
         do: {:ok, Enum.map(results, &elem(&1, 1))}
  end

  # One that was wanted is one on each node; it is known by what was written.
  defp became(mark, results) do
    texts = Map.take(mark, [:condition, :hit, :log])

    found =
      for {_how, %{where: {_file, line}} = one, _more} <- results,
          line == mark.line and Map.take(one, [:condition, :hit, :log]) == texts,
          do: one

    if found == [], do: {:error, "it was not set"}, else: {:ok, found}
  end

  # What a breakpoint needs is interpreted before it is set.

  defp prepare(group, path, marks, how) do
    answers = for line <- Enum.uniq(Enum.map(marks, & &1.line)), do: asked(path, line, how)
    modules = answers |> Enum.flat_map(&elem(&1, 0)) |> Enum.uniq()
    gone = keep(group, modules)
    notices = Enum.flat_map(answers, &elem(&1, 1)) ++ interpret(modules, how)
    if gone != [], do: each(how, &Attaching.restore_on(gone, &1))
    Enum.uniq(notices)
  end

  defp asked(path, line, how) do
    case Coordination.dependencies(how.coordination, path, line) do
      {:ok, %{failed: []} = answer} -> {answer.modules, []}
      {:ok, answer} -> {answer.modules, [instead(answer)]}
      {:error, failed} -> {[], alone(failed)}
    end
  end

  defp instead(%{source: source, failed: failed}),
    do: "which modules a breakpoint needs was answered by #{who(source)}: #{whom(failed)}"

  # That a line has no code is said of the breakpoint itself.
  defp alone(failed) do
    if Enum.any?(failed, fn {_source, reason} -> about_line?(reason) end),
      do: [],
      else: [
        "nobody says which modules a breakpoint needs, so that its own alone is interpreted: #{whom(failed)}"
      ]
  end

  defp about_line?(%{reason: reason}), do: about_line?(reason)
  defp about_line?({reason, _details}), do: about_line?(reason)
  defp about_line?(reason), do: reason in [:no_code_on_line, :unknown_line, :unknown_file]

  defp whom(failed),
    do:
      Enum.map_join(failed, "; ", fn {source, reason} ->
        "#{who(source)}: #{Words.reason(reason)}"
      end)

  defp who(:language), do: "the language node"
  defp who(:editor), do: "the editor"
  defp who(:local), do: "this node"

  defp keep(group, modules) do
    before = Process.get(__MODULE__, %{})
    now = if modules == [], do: Map.delete(before, group), else: Map.put(before, group, modules)
    Process.put(__MODULE__, now)
    all(before) -- all(now)
  end

  defp all(groups), do: groups |> Map.values() |> List.flatten() |> Enum.uniq()

  defp interpret([], _how), do: []

  defp interpret(modules, how),
    do: Enum.flat_map(each(how, &Attaching.interpret_on(modules, &1)), &refused/1)

  defp each(how, fun),
    do: for(node <- how.nodes, do: {node, fun.([node: node] ++ how.options)})

  defp refused({node, {:error, reason}}),
    do: ["nothing is interpreted on #{node}: #{Words.reason(reason)}"]

  defp refused(_interpreted), do: []

  @doc "Which exceptions stop a process, on all nodes."
  @spec exceptions([node], [String.t()], keyword) :: {:ok, [map]} | {:error, term}
  def exceptions(nodes, filters, options) do
    names = for "uncaught" <- filters, do: :uncaught
    results = for node <- nodes, do: Stopped.exceptions(node, names, options)
    wrong = for {:error, reason} <- results, do: Words.reason(reason)
    {:ok, for(_filter <- filters, do: verified(wrong))}
  end

  defp verified([]), do: %{verified: true}
  defp verified(wrong), do: %{verified: false, message: wrong |> Enum.uniq() |> Enum.join("; ")}

  @doc "The lines of a file, within a range, at which something can be stopped."
  @spec locations(String.t(), {integer, integer}, term, keyword) ::
          {:ok, [pos_integer]} | {:error, term}
  def locations(path, {first, last}, session, options) do
    whom = if session && session.language, do: [node: session.language], else: []
    options = Keyword.take(options, [:scope, :timeout_ms]) ++ whom

    lines = for line <- first..min(last, first + @most_lines - 1)//1, do: at(path, line, options)
    {:ok, lines |> Enum.filter(&(&1 in first..last//1)) |> Enum.uniq() |> Enum.sort()}
  end

  # The line at which this one can be stopped at.
  defp at(path, line, options) do
    case Services.call(:module_information, :at, [path, line], options) do
      {:ok, %{line: line}, _about} -> line
      {:error, _reason} -> nil
    end
  end
end
