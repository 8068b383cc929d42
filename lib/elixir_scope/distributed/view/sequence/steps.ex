defmodule ElixirScope.Distributed.View.Sequence.Steps do
  @moduledoc false
  # What a sequence diagram shows, before it is written in any form: who sent what to whom, whose
  # other end is not there, and what happened in between. One step for a row, or none. Pure but for
  # looking up who sent what arrives.

  alias ElixirScope.Distributed.View.{Recall, Source, Words}

  # Busier processes than these are participants of their own; who reads more?
  @participants 50

  # What happened to a message is in the row where it arrived.
  @noted [:call, :return, :exception, :spawn, :link, :exit, :mark, :gap, :state] ++
           [:register, :node_up, :node_down, :partition, :heal, :trace_started, :trace_stopped]

  @enforce_keys [:source, :notes?, :numbers, :recall]
  defstruct @enforce_keys

  @type t :: %__MODULE__{}

  @typedoc "A number of a participant; `:others` for all that have none, `:unseen` for who was not recorded."
  @type participant :: pos_integer | :others | :unseen

  @type step :: %{
          row: Source.row(),
          what: :message | :spawn | :link | :exit | :lost | :unsent | :note,
          from: participant,
          to: participant,
          sure: atom,
          shows: non_neg_integer
        }

  @doc "The participants: the busiest processes by node, in the order of their first events, and how many others there are."
  @spec participants(Source.t()) :: {[{pos_integer, map}], others :: non_neg_integer}
  def participants(%{processes: processes}) do
    busiest = Enum.sort_by(processes, &{-&1.events, &1.first})
    {own, others} = Enum.split(busiest, @participants)
    nodes = own |> Enum.sort_by(& &1.first) |> Enum.map(& &1.node) |> Enum.uniq()
    ranks = nodes |> Enum.with_index() |> Map.new()
    ordered = own |> Enum.sort_by(&{ranks[&1.node], &1.first}) |> Enum.with_index(1)
    {for({process, number} <- ordered, do: {number, process}), length(others)}
  end

  @doc "All steps, as they are taken; `notes?` also takes what happens between messages."
  @spec stream(Source.t(), boolean) :: Enumerable.t()
  def stream(source, notes?) do
    {own, _others} = participants(source)
    numbers = for {number, %{index: index}} <- own, into: %{}, do: {index, number}

    steps = %__MODULE__{
      source: source,
      notes?: notes?,
      numbers: numbers,
      recall: Recall.new(source)
    }

    source |> Source.stream() |> Stream.transform(steps, &take/2)
  end

  @doc "The lines of all steps, and what is below them, by how many events have been shown."
  @spec lines(Enumerable.t(), (step -> iodata), (non_neg_integer -> [iodata])) :: Enumerable.t()
  def lines(steps, line, footer) do
    Stream.transform(
      steps,
      fn -> 0 end,
      fn step, shown -> {[line.(step)], shown + shown(step)} end,
      fn shown -> {footer.(shown), shown} end,
      fn _shown -> :ok end
    )
  end

  defp shown(%{shows: events}), do: events

  defp take(row, steps) do
    arrows = arrows(row, steps)
    taken = row |> steps(arrows, steps) |> counted(arrows, row, steps)
    {taken, update_in(steps.recall, &Recall.put(&1, row))}
  end

  # How many events the lines of a row show: its own, where it is told, and those that its arrows come
  # from, where they have no line of their own.
  defp counted([], _arrows, _row, _steps), do: []

  defp counted([first | rest] = all, arrows, row, steps) do
    told = if row.event.kind == :receive or length(all) > length(arrows), do: 1, else: 0
    from = Enum.count(arrows, &(&1.what == :message or not steps.notes?))
    [%{first | shows: told + from} | rest]
  end

  defp steps(row, [], steps), do: own(row, steps)
  defp steps(row, arrows, steps), do: arrows ++ noted(row, steps)

  defp arrows(row, steps) do
    for %{kind: kind, sure: sure, place: place} <- row.causes, sure != :ambiguous do
      step(
        row,
        kind,
        participant(steps, Recall.get(steps.recall, place)),
        participant(steps, row.process),
        sure
      )
    end
  end

  # An arrival is told by its arrow.
  defp noted(%{event: %{kind: :receive}}, _steps), do: []
  defp noted(row, steps), do: note(row, steps)

  defp own(%{event: %{kind: :send}} = row, steps) do
    if arrives?(row, steps),
      do: [],
      else: [step(row, :lost, participant(steps, row.process), :unseen, nil)]
  end

  defp own(%{event: %{kind: :receive}} = row, steps),
    do: [step(row, :unsent, :unseen, participant(steps, row.process), nil)]

  defp own(row, steps), do: note(row, steps)

  defp note(%{event: %{kind: kind}} = row, %{notes?: true} = steps) when kind in @noted,
    do: [step(row, :note, participant(steps, row.process), nil, nil)]

  defp note(_row, _steps), do: []

  # Whose other half is there is drawn where that is.
  defp arrives?(%{event: %{meta: %{pairing: how, pair: id}}}, steps) when how != :ambiguous,
    do: steps.source.place.(id) != nil

  defp arrives?(_row, _steps), do: false

  defp step(row, what, from, to, sure),
    do: %{row: row, what: what, from: from, to: to, sure: sure, shows: 0}

  defp participant(_steps, nil), do: nil
  defp participant(%{numbers: numbers}, process), do: Map.get(numbers, process, :others)

  @doc "A step in words, in no more work than so many columns are worth."
  @spec words(step, pos_integer) :: String.t()
  def words(%{row: %{event: event}} = step, columns) do
    [subject(step), doubt(step), late(step.row), data(step, event, columns)]
    |> Enum.reject(&(&1 == ""))
    |> Enum.join("  ")
  end

  # What the event of such an arrow is about is said of it alone.
  defp data(%{what: what}, _event, _columns) when what in [:spawn, :link, :exit], do: ""
  defp data(_step, event, columns), do: Words.data(event, columns)

  defp subject(%{what: :message}), do: ""

  defp subject(%{what: :lost, row: %{event: event}}),
    do: Words.what(event) <> " (arrival not seen)"

  defp subject(%{what: :unsent}), do: "(sender not seen)"
  defp subject(%{what: what}) when what in [:spawn, :link, :exit], do: to_string(what)

  defp subject(%{row: %{event: event, process: process}, from: from})
       when process != nil and from == :others,
       do: Words.process(event.node, event.pid) <> "  " <> Words.what(event)

  defp subject(%{row: %{event: event}}), do: Words.what(event)

  defp doubt(%{row: %{event: %{meta: %{pairing: :ambiguous}}}}), do: "(ambiguous)"
  defp doubt(%{sure: :likely}), do: "(likely)"
  defp doubt(_step), do: ""

  defp late(%{behind_ns: 0}), do: ""
  defp late(%{behind_ns: ns}), do: "(clock #{Words.duration(ns)} behind)"
end
