defmodule ElixirScope.Distributed.Query.Pairs do
  @moduledoc false
  # Which send and which receive are of one message.
  #
  # Both halves say so in their meta: `pairing`, how sure it is, and `pair`, the other half. A
  # pair is exact relative to all that was captured, not to the answer at hand; so the
  # messages of the answer's stretch of time and some more are read, wherever they are, a page at
  # a time. Where something is known to be missing, nothing is called exact: behind the bound
  # or what retention took, of a node that lost events, or whose events are not all here.

  alias ElixirScope.Distributed.{Event, Native, Options}
  alias ElixirScope.Distributed.Query.{Find, Page, Reading, Survey}
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # How long before and after the answer other halves are looked for.
  @slack_ms 5_000

  # Messages that are read for one answer.
  @limit 100_000

  # Messages that are read at once.
  @page 2_048

  # Of an ambiguous message; the native side keeps it.
  @candidates 8

  @kinds [:send, :receive]

  @typedoc "Whose events are not all here, and by how much clocks of two nodes may differ."
  @type terms :: %{unsure: [node], clocks_ms: non_neg_integer}

  @type stretch :: {from_ns :: non_neg_integer, to_ns :: non_neg_integer}

  @doc "Every bound, for the status."
  @spec limits() :: %{
          limit: pos_integer,
          slack_ms: pos_integer,
          candidates: pos_integer
        }
  def limits, do: %{limit: @limit, slack_ms: @slack_ms, candidates: @candidates}

  @doc "The events, those of messages with what is known of their other halves."
  @spec show([Event.t()], Survey.t(), terms) :: [Event.t()]
  def show(events, survey, terms) do
    case for(%{kind: kind} = event when kind in @kinds <- events, do: event) do
      [] -> events
      messages -> put(events, found(messages, read(survey, stretch(messages), terms)))
    end
  end

  @doc "The messages of a stretch of time, paired; `nil` where there is none."
  @spec read(Survey.t(), stretch | nil, terms, pos_integer) :: reference | nil
  def read(survey, stretch, terms, limit \\ @limit)
  def read(_survey, nil, _terms, _limit), do: nil

  def read(survey, {from_ns, to_ns}, terms, limit) do
    from_ns = max(from_ns - @slack_ms * 1_000_000, 0)
    clocks_ns = terms.clocks_ms * 1_000_000
    wanted = %{from_ns: from_ns, clocks_ns: clocks_ns, limit: limit, unsure: terms.unsure}
    pairing = Native.causal_start(survey.scope.store, wanted)

    reading =
      survey |> Find.open(messages(from_ns, to_ns + @slack_ms * 1_000_000)) |> feed(pairing)

    Find.close(reading)
    :ok = Native.causal_pair(pairing, Map.keys(Find.missing()))
    pairing
  end

  defp messages(from_ns, to_ns) do
    options = [kinds: [:gap | @kinds], from: from_ns, to: to_ns, limit: @page]
    Storage.native_filter(Options.validate!(:filter, options))
  end

  defp feed(reading, pairing) do
    {step, reading} = Reading.step(reading, @page, &Page.take/2)
    more = Native.causal_feed(pairing, step.events)
    if more == :more and not reading.done?, do: feed(reading, pairing), else: reading
  end

  @doc "What is known of each of the events in a reading, by their ids."
  @spec found([Event.t()], reference) :: %{tuple => {atom, term}}
  def found(messages, reading) do
    ids = for event <- messages, do: event.id

    for {id, {_how, _other} = pair} <- Enum.zip(ids, Native.causal_pairs(reading, ids)),
        into: %{},
        do: {id, pair}
  end

  defp stretch(messages),
    do: messages |> Enum.map(fn %{at: {_logical, ns, _node}} -> ns end) |> Enum.min_max()

  defp put(events, pairs) when pairs == %{}, do: events
  defp put(events, pairs), do: Enum.map(events, &paired(&1, pairs[&1.id]))

  defp paired(event, nil), do: event

  defp paired(event, {how, other}),
    do: %{event | meta: Map.merge(event.meta, %{pairing: how, pair: other})}
end
