defmodule ElixirScope.Distributed.Storage.Kept do
  @moduledoc false
  # What a plugged storage has of a question, merged into what is read from the native stores: two
  # sorted streams, of which either is read when it is empty. An event that both have is one. Where
  # the storage does not answer, what is read from the others goes on, and this node is missing.

  alias ElixirScope.Distributed.Query.{Cover, Losses, Page, Reading, Survey}
  alias ElixirScope.Distributed.{Scope, Storage}
  alias ElixirScope.Distributed.Storage.{Filter, Plugged}

  # Events that are asked for at once.
  @page 1_000

  defstruct [:scope, :filter, :cursor, :timeout_ms, dropped: 0, counted: 0] ++
              [kept: [], kept_over?: false, read: [], read_over?: false]

  @type t :: %__MODULE__{
          scope: Scope.t(),
          filter: Filter.t(),
          cursor: Storage.cursor() | nil,
          timeout_ms: pos_integer,
          dropped: non_neg_integer,
          counted: non_neg_integer,
          kept: [ElixirScope.Distributed.Event.t()],
          kept_over?: boolean,
          read: [ElixirScope.Distributed.Event.t()],
          read_over?: boolean
        }

  @doc "Begins with a reading; nothing is changed where nothing is plugged in."
  @spec begin(Reading.t()) :: Reading.t()
  def begin(%{survey: survey} = reading) do
    if Plugged.plugged?(survey.scope),
      do: %{reading | kept: new(survey, reading.filter, cursor(reading.cursor))},
      else: reading
  end

  defp new(%{scope: scope, timeout_ms: timeout_ms}, filter, cursor) do
    filter = %{filter | limit: min(filter.limit, @page)}
    %__MODULE__{scope: scope, filter: filter, cursor: cursor, timeout_ms: timeout_ms}
  end

  @doc "The same question to native stores alone; what a plugged storage has more of is missing."
  @spec leave(Reading.t()) :: Reading.t()
  def leave(reading), do: %{reading | kept: nil, survey: Plugged.unread(reading.survey)}

  @doc "What retention took below what members have: from here not, where the storage has it."
  @spec below(Reading.t(), Cover.t()) :: Cover.t()
  def below(%{kept: nil}, below), do: below
  def below(%{kept: %{scope: scope}}, below), do: Map.delete(below, scope.node)

  defp cursor(nil), do: nil

  defp cursor({logical, ns, text, incarnation, seq}),
    do: {{logical, ns, known(text)}, {known(text), incarnation}, seq}

  # Of a node that is unknown here there is nothing it could come before.
  defp known(text) do
    String.to_existing_atom(text)
  rescue
    ArgumentError -> :""
  end

  @doc "The next events of a reading, some of them."
  @spec next(Reading.t(), pos_integer) :: {[ElixirScope.Distributed.Event.t()], Reading.t()}
  def next(%{kept: nil} = reading, most), do: step(reading, most)

  def next(reading, most) do
    reading = reading |> read(most) |> ask()
    {events, kept} = merge(reading.kept, most, [])
    over? = kept.read == [] and kept.read_over? and kept.kept == [] and kept.kept_over?
    {events, count(%{reading | kept: kept, done?: over?})}
  end

  defp step(reading, most) do
    {step, reading} = Reading.step(reading, most, &Page.next/2)
    {step.events, reading}
  end

  defp read(%{kept: %{read: [], read_over?: false}} = reading, most) do
    {events, reading} = step(reading, most)
    %{reading | kept: %{reading.kept | read: events, read_over?: reading.done?}}
  end

  defp read(reading, _most), do: reading

  defp ask(%{kept: %{kept: [], kept_over?: false} = kept} = reading) do
    case Plugged.ask(kept.scope, :events_since, [kept.cursor, kept.filter], kept.timeout_ms) do
      {:ok, page} -> %{reading | kept: took(kept, page)}
      {:error, reason} -> missing(reading, reason)
    end
  end

  defp ask(reading), do: reading

  defp took(kept, %{events: []} = page),
    do: %{kept | kept_over?: true, dropped: kept.dropped + page.dropped}

  defp took(kept, %{events: events} = page) do
    cursor = events |> List.last() |> Filter.cursor()
    dropped = kept.dropped + page.dropped
    %{kept | kept: events, kept_over?: not page.more?, cursor: cursor, dropped: dropped}
  end

  defp missing(%{kept: kept} = reading, reason) do
    survey = Survey.miss(reading.survey, kept.scope.node, reason)
    %{reading | survey: survey, kept: %{kept | kept_over?: true}}
  end

  # Both say what was lost of the same time: the larger number counts.
  defp count(%{kept: kept, losses: losses} = reading) do
    more = max(kept.dropped - (Losses.dropped(losses) - kept.counted), 0)
    losses = Losses.more(losses, more - kept.counted)
    %{reading | losses: losses, kept: %{kept | counted: more}}
  end

  # What one has not got yet may come before what the other has.
  defp merge(kept, 0, merged), do: {Enum.reverse(merged), kept}

  defp merge(%{kept: [one | rest], read: [other | others]} = kept, left, merged) do
    case side(Filter.place(one), Filter.place(other), kept.filter.order) do
      :kept -> merge(%{kept | kept: rest}, left - 1, [one | merged])
      :read -> merge(%{kept | read: others}, left - 1, [other | merged])
      :both -> merge(%{kept | kept: rest, read: others}, left - 1, [one | merged])
    end
  end

  defp merge(%{kept: [one | rest], read: [], read_over?: true} = kept, left, merged),
    do: merge(%{kept | kept: rest}, left - 1, [one | merged])

  defp merge(%{kept: [], read: [one | rest], kept_over?: true} = kept, left, merged),
    do: merge(%{kept | read: rest}, left - 1, [one | merged])

  defp merge(kept, _left, merged), do: {Enum.reverse(merged), kept}

  defp side(same, same, _order), do: :both
  defp side(one, other, :asc), do: if(one < other, do: :kept, else: :read)
  defp side(one, other, :desc), do: if(one > other, do: :kept, else: :read)
end
