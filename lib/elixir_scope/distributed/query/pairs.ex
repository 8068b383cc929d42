defmodule ElixirScope.Distributed.Query.Pairs do
  @moduledoc false
  # Which send and which receive are of one message.
  #
  # Both halves say so in their meta: `pairing`, how sure it is, and `pair`, the other half. A
  # pair is exact relative to all that was captured, not to the answer at hand; so the
  # messages of the answer's stretch of time and some more are read from wherever the answer
  # came from, some at a time. Where something is known to be missing, nothing is called exact:
  # behind the bound or what retention took, of a node that lost events, or of which not all
  # could be read.

  alias ElixirScope.Distributed.{Event, Native, Options}
  alias ElixirScope.Distributed.Query.Page
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # How long before and after the answer other halves are looked for.
  @slack_ms 5_000

  # Messages that are read for one answer.
  @limit 100_000

  # Events of a picture, and messages that are read for one.
  @picture 1_000_000

  # Of an ambiguous message; the native side keeps it.
  @candidates 8

  @kinds [:send, :receive]

  @typedoc "Whose events are not all here, and by how much clocks of two nodes may differ."
  @type terms :: %{unsure: [node], clocks_ms: non_neg_integer}

  @typedoc """
  Where messages are read: it gives what matches a filter, in order, to a function, a part at a time
  as the core holds it (`ElixirScope.Distributed.Query.Page.take/2`), until that answers `:done` or there
  is no more; and answers of which nodes it could not read everything.
  """
  @type source :: (Page.filter(), (Page.found() -> :more | :done) -> [node])

  @type stretch :: {from_ns :: non_neg_integer, to_ns :: non_neg_integer}

  @doc "Every bound, for the status."
  @spec limits() :: %{
          limit: pos_integer,
          picture: pos_integer,
          slack_ms: pos_integer,
          candidates: pos_integer
        }
  def limits,
    do: %{limit: @limit, picture: @picture, slack_ms: @slack_ms, candidates: @candidates}

  @doc "The events, those of messages with what is known of their other halves."
  @spec show([Event.t()], Storage.t(), terms, source | nil) :: [Event.t()]
  def show(events, store, terms, source \\ nil) do
    case for(%{kind: kind} = event when kind in @kinds <- events, do: event) do
      [] ->
        events

      messages ->
        put(events, found(messages, read(store, stretch(messages), terms, @limit, source)))
    end
  end

  @doc """
  The messages of a stretch of time, paired; `nil` where there is none. Without a source they are those
  of this store.
  """
  @spec read(Storage.t(), stretch | nil, terms, pos_integer, source | nil) :: reference | nil
  def read(store, stretch, terms, limit \\ @limit, source \\ nil)
  def read(_store, nil, _terms, _limit, _source), do: nil

  def read(store, {from_ns, to_ns}, terms, limit, source) do
    {from_ns, to_ns} = {max(from_ns - slack_ns(), 0), to_ns + slack_ns()}
    reading = Native.pair_start(store, wanted(from_ns, terms, limit))
    source = source || (&Page.each(store, &1, &2))
    unsure = source.(filter(from_ns, to_ns, limit), &Native.pair_feed(reading, &1))
    settled(reading, unsure)
  end

  # In as many steps as it takes, as none may hold a scheduler for long.
  defp settled(reading, unsure) do
    case Native.pair_settle(reading, unsure) do
      :more -> settled(reading, unsure)
      :done -> reading
    end
  end

  defp slack_ns, do: @slack_ms * 1_000_000

  defp wanted(from_ns, %{clocks_ms: clocks_ms, unsure: unsure}, limit),
    do: %{from_ns: from_ns, clocks_ns: clocks_ms * 1_000_000, limit: limit, unsure: unsure}

  # One more than is wanted says whether there are more.
  defp filter(from_ns, to_ns, limit) do
    :filter
    |> Options.defaults()
    |> Keyword.merge(kinds: [:gap | @kinds], from: from_ns, to: to_ns, limit: limit + 1)
    |> Storage.native_filter()
  end

  @doc "What is known of each of the events in a reading, by their ids."
  @spec found([Event.t()], reference) :: %{tuple => {atom, term}}
  def found(messages, reading) do
    ids = for event <- messages, do: event.id

    for {id, {_how, _other} = pair} <- Enum.zip(ids, Native.pair_found(reading, ids)),
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
