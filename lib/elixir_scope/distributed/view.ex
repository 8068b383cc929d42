defmodule ElixirScope.Distributed.View do
  @moduledoc """
  What people read: text made from events by pure functions.

      {:ok, result} = ElixirScope.Distributed.query(correlation_id: "r-17")
      :ok = ElixirScope.Distributed.View.timeline(result, width: 100)

  The first argument of each view says which events: filters (a keyword list or a map, with `scope:`, as for
  `ElixirScope.Distributed.query/2`; up to a `limit:` of 10,000 unless another is given), what a
  query returned, a list of events, or a `Causality` that was built of one of these. The second one has the
  options of the view. It prints and returns `:ok`, or an error; nothing raises.

  Every module below has a `render/2`, which prints nothing: of a `Causality` and the same options it
  makes lines, each when it is taken.

      {:ok, causality} = ElixirScope.Distributed.Causality.build(result)
      causality |> ElixirScope.Distributed.View.Timeline.render(width: 80) |> Enum.take(20)

  ## Options of every view

  #{ElixirScope.Distributed.Options.docs(:view)}
  """

  alias ElixirScope.Distributed.{Causality, Error, GlobalClock, Options, Query}
  alias ElixirScope.Distributed.Query.Result
  alias ElixirScope.Distributed.TimeTravel
  alias ElixirScope.Distributed.View.{Dependencies, Diff, Flame, Gaps, Sequence, States}
  alias ElixirScope.Distributed.View.{Timeline, Top, Tree}
  alias ElixirScope.Distributed.View.Top.Live

  @typedoc "Lines without their ends, made as they are taken."
  @type lines :: Enumerable.t()

  @typedoc "What makes lines of a picture by checked options."
  @type renderer :: (Causality.t(), keyword -> lines | {:error, Error.t()})

  # Where the output says nothing of its width.
  @width 120

  # Lines that are written at once.
  @batch 200

  @doc """
  Events of all nodes in causal order: lanes, arrows, what happened, ids.

      ElixirScope.Distributed.View.timeline([correlation_id: "r-17"], width: 100)
  """
  @spec timeline(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def timeline(source, options \\ []), do: view(:timeline, source, options, &Timeline.render/2)

  @doc """
  Who sent what to whom; with `format: :mermaid` for whatever draws Mermaid.

      ElixirScope.Distributed.View.sequence([correlation_id: "r-17"], format: :mermaid)
  """
  @spec sequence(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def sequence(source, options \\ []), do: view(:sequence, source, options, &Sequence.render/2)

  @doc """
  What is missing from an answer: where, when, how much, why, and whose events may be among it. Where a
  question is about a correlation, a process or a function, what was lost in its stretch of time is asked
  for besides.

      ElixirScope.Distributed.View.gaps(correlation_id: "r-17")
  """
  @spec gaps(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def gaps(source, options \\ []), do: view(:gaps, source, options, &Gaps.render/2, &Gaps.widen/1)

  @doc """
  Which module called which, and how often.

      ElixirScope.Distributed.View.dependencies([correlation_id: "r-17"], format: :dot)
  """
  @spec dependencies(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def dependencies(source, options \\ []),
    do: view(:dependencies, source, options, &Dependencies.render/2)

  @doc """
  Calls that nest, over all processes and nodes, with how long they took, arguments and what they returned.

      ElixirScope.Distributed.View.tree([correlation_id: "r-17"], depth: 4)
  """
  @spec tree(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def tree(source, options \\ []), do: view(:tree, source, options, &Tree.render/2)

  @doc """
  Where the time went, over all nodes in one flame; with `format: :folded` for what draws flames.

      ElixirScope.Distributed.View.flame([correlation_id: "r-17"], format: :folded)
  """
  @spec flame(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def flame(source, options \\ []), do: view(:flame, source, options, &Flame.render/2)

  @doc """
  The functions in which the time went; with `refresh_ms:` again and again.

      ElixirScope.Distributed.View.top(%{}, by: :self, refresh_ms: 1_000)
  """
  @spec top(Causality.source(), keyword | map) :: :ok | {:error, Error.t()}
  def top(source, options \\ []) do
    with {:ok, options} <- check(:top, options) do
      if options[:refresh_ms],
        do: Live.run(source, options),
        else: print(source, options, &Top.render/2)
    end
  end

  @doc """
  How two runs of the same thing differ: of one source, by `ids:` or `correlations:`, or of two.

      ElixirScope.Distributed.View.diff(%{}, ids: {"web@host#17", "web@host#940"})
      ElixirScope.Distributed.View.diff({[correlation_id: "r-17"], [correlation_id: "r-18"]})
  """
  @spec diff(Causality.source() | {Causality.source(), Causality.source()}, keyword | map) ::
          :ok | {:error, Error.t()}
  def diff(source, options \\ [])

  def diff({one, other}, options) do
    with {:ok, options} <- check(:diff, options),
         {:ok, one} <- build(one),
         {:ok, other} <- build(other),
         do: {one, other} |> Diff.render(options) |> write()
  end

  def diff(source, options), do: view(:diff, source, options, &Diff.render/2)

  # Wrong options are said before anybody is asked anything.
  defp view(entry, source, options, renderer, widen \\ &{:ok, &1}) do
    with {:ok, options} <- check(entry, options),
         {:ok, source} <- widen.(source),
         do: print(source, options, renderer)
  end

  @doc """
  Builds the picture of a source, and writes the lines that a renderer makes of it; the options are given
  to the renderer, which checks them.

      ElixirScope.Distributed.View.print(events, [width: 80], &ElixirScope.Distributed.View.Timeline.render/2)
  """
  @spec print(term, keyword | map, renderer) :: :ok | {:error, Error.t()}
  def print(source, options, renderer) do
    with {:ok, causality} <- build(source), do: causality |> renderer.(options) |> write()
  end

  @doc false
  # With one form of error.
  @spec build(Causality.source()) :: {:ok, Causality.t()} | {:error, Error.t()}
  def build(source) do
    with {:error, reason, message} <- Causality.build(source),
         do: {:error, Error.new(reason, message: message)}
  end

  defp write({:error, _error} = error), do: error

  defp write(lines) do
    lines
    |> Stream.map(&[&1, ?\n])
    |> Stream.chunk_every(@batch)
    |> Enum.each(&IO.write/1)
  end

  @doc """
  The options of a view, checked, with what the terminal says in the place of what is `nil`.

      iex> {:ok, options} = ElixirScope.Distributed.View.check(:view, width: 80, color: false)
      iex> {options[:width], options[:color]}
      {80, false}
      iex> {:error, error} = ElixirScope.Distributed.View.check(:view, width: 0)
      iex> Exception.message(error)
      "expected :width to be a positive integer or nil, got: 0"
  """
  @spec check(atom, keyword | map) :: {:ok, keyword} | {:error, Error.t()}
  def check(entry, options) do
    case Options.validate(entry, options) do
      {:ok, options} -> {:ok, resolve(options)}
      {:error, message} -> {:error, Error.new(:bad_option, message: message)}
    end
  end

  defp resolve(options) do
    options
    |> replace(:width, fn -> columns() || @width end)
    |> replace(:color, fn -> columns() != nil and IO.ANSI.enabled?() end)
    |> replace(:ascii, &latin?/0)
  end

  defp replace(options, key, value) do
    if options[key] == nil, do: Keyword.put(options, key, value.()), else: options
  end

  defp columns do
    case :io.columns() do
      {:ok, columns} when columns > 0 -> columns
      _none -> nil
    end
  end

  defp latin? do
    case :io.getopts() do
      options when is_list(options) -> options[:encoding] == :latin1
      _unknown -> false
    end
  end

  @doc """
  Prints the state of a process over time, as what each callback changed of it: see
  `ElixirScope.Distributed.View.States`.

      :ok = ElixirScope.Distributed.View.states(pid, path: [:cart], width: 100)

  ## Options

  #{ElixirScope.Distributed.Options.docs(:states)}
  """
  @spec states(pid, keyword) :: :ok | {:error, Error.t()}
  def states(pid, options \\ []) do
    with {:ok, past} <- TimeTravel.past(pid, :states, options),
         do: past |> States.render(options) |> write()
  end

  @doc false
  # No filter at all means every event, and not a list without events.
  @spec timeline_of(keyword | map) :: :ok | {:error, Error.t()}
  def timeline_of([]), do: timeline(%{})
  def timeline_of(filters), do: timeline(filters)

  @doc false
  @spec nodes_of(term, atom) :: {:ok, [map]} | {:error, Error.t()}
  def nodes_of(correlation_id, scope) do
    filters = [correlation_id: correlation_id, scope: scope]

    with {:ok, result} <-
           Query.fold(filters, %{}, &Enum.reduce(&1, &2, fn e, all -> count(e, all) end)) do
      if Result.partial?(result), do: Query.warn(result)
      {:ok, result.events |> Map.values() |> Enum.sort_by(& &1.first, GlobalClock)}
    end
  end

  defp count(%{node: node, at: at} = event, summaries) do
    new = %{node: node, first: at, last: at, events: 0, modules: []}
    known = Map.get(summaries, node, new)
    known = %{known | last: at, events: known.events + 1}
    Map.put(summaries, node, %{known | modules: with_module(known.modules, event.subject)})
  end

  defp with_module(modules, {module, _function, _arity}),
    do: if(module in modules, do: modules, else: modules ++ [module])

  defp with_module(modules, _other), do: modules
end
