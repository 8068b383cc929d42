defmodule ElixirScope.Distributed.View.Diff do
  @moduledoc """
  How two runs of the same thing differ: what they did, not when.

      ElixirScope.Distributed.View.diff([limit: 100_000], ids: {"web@host#17", "web@host#940"})
      ElixirScope.Distributed.View.diff(%{}, correlations: {"r-17", "r-18"})

  `ids:` are events of two calls, each with all that it led to; `correlations:` two correlations. Without either
  the two are two sources as a tuple, each all of it.

  Two executions are compared along what led to what: what a process does in a call in the order in which it
  does it, what a message led to at its send, what a started process did at its spawn. Events that do not depend
  on each other come in another order every time, which is no difference. Neither are processes, references,
  nodes and times, which are others in any two runs: a number within an hour of the event's own time, or one
  of `System.monotonic_time/0`, in any unit, counts as a time.

  The first line names the first difference by causal order, most often the cause of the others, and where in the
  data it lies. Below it stand the calls around it and the ids of its events.

      iex> alias ElixirScope.Distributed.{Causality, Event, View}
      iex> event = &%Event{
      ...>   id: {{:web@host, 1}, &1}, at: {0, &1 * 1_000, :web@host}, mono_ns: &1 * 1_000, node: :web@host,
      ...>   pid: self(), kind: &2, subject: {Shop, :buy, 1}, data: &3
      ...> }
      iex> {:ok, one} = Causality.build([event.(1, :call, [7]), event.(2, :return, :sold)])
      iex> {:ok, other} = Causality.build([event.(1, :call, [7]), event.(2, :return, :none)])
      iex> View.Diff.render({one, other}, width: 80) |> Enum.map(&to_string/1) |> hd()
      "Shop.buy/1 returned :sold, then :none"
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.{Footer, Glyphs, Source}
  alias ElixirScope.Distributed.View.Diff.Told

  @doc """
  The lines of a picture with both executions in it, or of two pictures.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:diff)}
  """
  @spec render(Causality.t() | {Causality.t(), Causality.t()}, keyword | map) ::
          View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:diff, options),
         {one, other} = sides(causality),
         {:ok, first, second} <- executions(one, other, options),
         {:ok, found} <- compared(first, second, options),
         do: lines(found, one, other, options)
  end

  defp sides({%Causality{} = one, %Causality{} = other}), do: {side(one), side(other)}
  defp sides(%Causality{} = both), do: both |> side() |> then(&{&1, &1})

  defp side(causality), do: %{spans: Spans.of(causality), source: Source.of(causality)}

  defp executions(one, other, options) do
    case {options[:ids], options[:correlations]} do
      {nil, nil} -> whole(one, other)
      {{first, second}, nil} -> both(span(one, first), span(other, second))
      {nil, {first, second}} -> both(correlated(one, first), correlated(other, second))
      _both -> bad("ids: and correlations: both name what is compared: give one of them")
    end
  end

  defp whole(same, same),
    do: bad("name two executions by ids: or correlations:, or give two sources")

  defp whole(one, other), do: {:ok, {one.spans, :all}, {other.spans, :all}}

  defp span(%{spans: spans}, id) do
    with {:ok, index} <- Spans.find(spans, id), do: {:ok, {spans, {:span, index}}}
  end

  defp correlated(%{spans: spans}, id), do: {:ok, {spans, {:correlation, id}}}

  defp both({:ok, one}, {:ok, other}), do: {:ok, one, other}
  defp both({:error, error}, _other), do: {:error, error}
  defp both(_one, {:error, error}), do: {:error, error}

  defp bad(message), do: {:error, Error.new(:bad_option, message: message)}

  defp compared(first, second, options) do
    case Spans.diff(first, second, options[:most]) do
      nil -> {:error, Error.new(:unknown_correlation, message: unknown(options[:correlations]))}
      found -> {:ok, found}
    end
  end

  defp unknown({one, other}),
    do: "none of these events is of #{inspect(one)}, or none of #{inspect(other)}"

  defp lines(found, one, other, options) do
    paper = %{glyphs: Glyphs.of(options), width: options[:width]}
    told = Stream.flat_map(found.first, &Told.lines(&1, one, other, paper))
    Stream.concat(told, summary(found, one, paper, options))
  end

  defp summary(found, %{source: source}, paper, options) do
    {first, second} = found.events

    notes = [
      result(found),
      "#{Footer.grouped(first)} and #{Footer.count(second, "event")} compared"
    ]

    shown = max(first, second)
    lines = for note <- notes, do: Glyphs.fit(paper.glyphs, note, paper.width)
    lines ++ [Footer.line(source.about, min(shown, source.about.events), options)]
  end

  defp result(%{count: 0}), do: "no difference"

  defp result(%{count: count, first: first}) when length(first) == count,
    do: Footer.count(count, "difference")

  defp result(%{count: count, first: first}),
    do: "the first #{length(first)} of #{Footer.count(count, "difference")}"
end
