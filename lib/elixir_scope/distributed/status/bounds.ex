defmodule ElixirScope.Distributed.Status.Bounds do
  # {name, unit, limit, used, over, beyond}: numbers, or where they stand in the status.
  @bounds [
    {:rings, :events, [:rings, :waiting_limit], [:rings, :waiting], [:rings, :lost],
     "the newest events are dropped; a `:gap` event tells of them"},
    {:ring_bytes, :bytes, [:rings, :limit], nil, nil,
     "they are reserved at the start, and take memory as events wait in them"},
    {:lanes, :threads, [:rings, :lane_limit], [:rings, :lanes], nil,
     "a thread without a lane records nothing, and it is counted"},
    {:dictionary, :words, [:rings, :word_limit], [:rings, :words], nil,
     "words are looked up again"},
    {:atoms, :atoms, [:rings, :atom_limit], [:rings, :atoms], nil,
     "names from elsewhere stay text"},
    {:scopes, :scopes, 64, [:scopes], nil, "another one does not start"},
    {:extents, :processes, [:extents, :limit], [:extents, :used], [:extents, :refused],
     "the extent counts for its own process alone"},
    {:entries, :processes, [:extents, :entry_limit], [:extents, :entries],
     [:extents, :entries_refused], "the call begins no id"},
    {:blocks, :bytes, [:store, :limit], [:store, :bytes], [:store, :expired],
     "the oldest events go; `query/2` counts them"},
    {:open_block, :events, 16_384, [:store, :open_events], nil, "the block is closed"},
    {:conflict_bytes, :bytes, [:store, :conflict_limit], [:store, :conflict_bytes], nil,
     "the oldest conflicting blocks go"},
    {:unsaved, :bytes, [:store, :unsaved_limit], [:store, :unsaved_bytes], [:store, :lost],
     "blocks that cannot be saved are kept in memory alone"},
    {:origins, :origins, [:exchange, :origin_limit], [:exchange, :origins], nil,
     "another origin is not taken"},
    {:sync_bytes, :bytes_per_s, [:exchange, :bytes_per_s], [:sync_bytes_used], nil,
     "what is left waits for the next second"},
    {:in_flight, :bytes_per_peer, [:exchange, :window_bytes], [:exchange, :in_flight], nil,
     "no more is asked for until it has come"},
    {:sync_peers, :nodes, [:exchange, :peer_limit], [:exchange, :peers], nil,
     "the counters of one that is gone are forgotten"},
    {:frame, :bytes, [:exchange, :frame_bytes], nil, nil, "the rest goes in the next message"},
    {:links, :members, [:exchange, :link_limit], [:exchange, :links], nil,
     "other members get it from those"},
    {:outbox, :bytes_per_peer, [:exchange, :waiting, :limit], [:exchange, :waiting, :most],
     [:exchange, :waiting, :dropped], "it is asked for again"},
    {:early_batches, :nodes, [:exchange, :early_limit], [:exchange, :early],
     [:exchange, :early_refused], "it is asked for again"},
    {:sync_callers, :callers, [:exchange, :caller_limit], [:exchange, :callers],
     [:exchange, :callers_refused], "`{:error, :too_many_callers}`"},
    {:roster, :nodes, [:exchange, :left_limit], [:exchange, :left], nil,
     "who left longest ago is not waited for"},
    {:conflicts_told, :conflicts, [:exchange, :conflicts_told_limit],
     [:exchange, :conflicts_told], nil, "they are told again"},
    {:members, :nodes, [:membership, :node_limit], [:membership, :nodes], nil,
     "who is gone longest is forgotten; where none is, nobody is taken in"},
    {:decisions, :decisions, [:membership, :decision_limit], [:membership, :decisions], nil,
     "the latest are kept"},
    {:incoming, :nodes, [:incoming, :peer_limit], [:incoming_peers], nil,
     "others share one account of what they send"},
    {:returns, :nodes, [:membership, :return_limit], [:membership, :returns], nil,
     "who came back longest ago is forgotten"},
    {:offsets, :nodes, [:clocks, :offset_limit], [:clocks, :offsets], nil,
     "no other clock is compared"},
    {:quarantine, :nodes, [:clocks, :quarantine_limit], [:clocks, :quarantined], nil,
     "the first is forgotten, and told again"},
    {:change_subscribers, :processes, [:membership, :subscriber_limit],
     [:membership, :subscribers], nil, "`{:error, :too_many_subscribers}`"},
    {:change_queue, :messages, [:membership, :subscriber_waiting_limit],
     [:membership, :subscriber_waiting], [:membership, :changes_missed],
     "the process is told how many changes it missed"},
    {:traces, :traces, 64, [:traces_running], nil, "`{:error, :no_room}`"},
    {:ended_traces, :traces, 50, [:traces_ended], nil, "the first is forgotten"},
    {:traced_functions, :functions, [:traces, :tables, :function_limit],
     [:traces, :tables, :functions], nil, "`{:error, :too_many_functions}`"},
    {:traced_processes, :processes, [:traces, :tables, :process_limit],
     [:traces, :tables, :processes], [:traces, :tables, :untold],
     "of other processes nothing is recorded"},
    {:held_calls, :calls, [:traces, :tables, :held_call_limit], [:traces, :tables, :held_calls],
     nil, "calls that are open then are not judged"},
    {:held_bytes, :bytes, [:traces, :tables, :held_byte_limit], [:traces, :tables, :held_bytes],
     nil, "calls that are open then are not judged"},
    {:subscriptions, :processes, [:live, :limit], [:live, :used], nil,
     "`{:error, :too_many_subscriptions}`"},
    {:subscription_events, :events, [:live, :held_limit], [:live, :held], nil,
     "the oldest that wait are dropped; the subscriber is told how many"},
    {:subscription_bytes, :bytes, [:live, :byte_limit], [:live, :bytes], nil,
     "the oldest that wait are dropped; the subscriber is told how many"},
    {:subscription_queue, :messages, [:live, :queue_limit], [:live, :queue], [:live, :dropped],
     "events are dropped until it has looked at some; it is told how many"},
    {:query_workers, :workers, [:queries, :worker_limit], [:queries, :workers], nil,
     "a question of another member waits"},
    {:query_queue, :questions, [:queries, :waiting_limit], [:queries, :waiting], nil,
     "it is refused, and asked again"},
    {:query_held, :questions, [:queries, :held_limit], [:queries, :held], nil,
     "a question that waits for new events is refused, and asked again"},
    {:query_asked, :questions, [:queries, :asked_limit], [:queries, :asked], nil,
     "`:busy`, and asked again"},
    {:debug_workers, :workers, [:services, :limits, :workers], [:services, :workers], nil,
     "a request of debugging waits"},
    {:debug_waiting, :requests, [:services, :limits, :waiting], [:services, :waiting],
     [:services, :counts, :desk_busy], "it is refused with `:desk_busy`"},
    {:debug_mailbox, :messages, [:services, :mailbox_limit], [:services, :mailbox],
     [:services, :counts, :unread], "requests are refused unread with `:desk_busy`"},
    {:debug_memory, :bytes, [:services, :limits, :memory_bytes], nil, nil,
     "the worker of the request is ended"},
    {:debug_answer, :bytes, [:services, :limits, :answer_bytes], nil, nil,
     "`{:error, :answer_too_large}`"},
    {:debug_peers, :nodes, [:services, :limits, :peers], [:services, :peers], nil,
     "who was asked longest ago is greeted again"},
    {:debug_breakers, :nodes, [:services, :limits, :breakers], [:services, :breaker_count], nil,
     "the one whose last failure is longest ago is forgotten"},
    {:breakpoint_places, :places, [:services, :limits, :places], [:services, :places], nil,
     "`{:error, :too_many_breakpoints}`"},
    {:interpreted_modules, :modules, [:services, :limits, :interpreted],
     [:services, :interpreted], nil, "`{:error, :too_many}`"},
    {:condition_time, :ms, [:services, :limits, :condition_ms], nil, nil,
     "the condition does not count, and its owner is told"},
    {:condition_memory, :words, [:services, :limits, :condition_words], nil, nil,
     "the condition does not count, and its owner is told"},
    {:breakpoint_messages, :messages_per_s, [:services, :limits, :breakpoint_messages_per_s], nil,
     nil, "the next message says how many were left out"},
    {:pairing, :messages, [:pairing, :limit], nil, nil, "no pair is called exact"},
    {:picture, :events, [:pairing, :picture], nil, nil,
     "filters that want a larger one are refused; no pair of more messages is called exact"}
  ]

  @moduledoc """
  Everything that grows in a scope, and how far: the field `bounds` of
  `ElixirScope.Distributed.Status`.

  Each bound is a map of its `limit`, what is `used` of it now, the `unit` of both, what happens `beyond`
  it, and how often that has happened (`over`). `used` is `nil` where nothing outlasts a
  call, as within one question; `over` is `nil` where it cannot be more, or what is lost by it is nothing
  that anybody can miss.

      {:ok, %{bounds: %{blocks: %{limit: 67_108_864, used: used}}}} = ElixirScope.Distributed.status()

  | bound | in | beyond it |
  |---|---|---|
  #{Enum.map_join(@bounds, "\n", fn {name, unit, _limit, _used, _over, beyond} -> "| `#{name}` | #{unit} | #{beyond} |" end)}

  `ring_bytes` is the option of that name, `blocks` is `retention_bytes`, `sync_bytes` is `sync_bytes_per_s`;
  the others are fixed.
  """

  @type bound :: %{
          limit: non_neg_integer | nil,
          used: integer | nil,
          over: non_neg_integer | nil,
          unit: atom,
          beyond: String.t()
        }
  @type t :: %{atom => bound}

  @doc false
  # The bounds, from the other parts of a status.
  @spec of(map) :: t
  def of(parts) do
    for {name, unit, limit, used, over, beyond} <- @bounds, into: %{} do
      {limit, used, over} = {value(parts, limit), value(parts, used), value(parts, over)}
      {name, %{limit: limit, used: used, over: over, unit: unit, beyond: beyond}}
    end
  end

  @doc """
  How full a bound is, from 0.0 to 1.0 or more.

      iex> ElixirScope.Distributed.Status.Bounds.share(%{limit: 50, used: 10})
      0.2
  """
  @spec share(%{:limit => integer | nil, :used => integer | nil, optional(atom) => term}) :: float
  def share(%{limit: limit, used: used})
      when is_integer(limit) and limit > 0 and is_integer(used),
      do: used / limit

  def share(_bound), do: 0.0

  # A part of the scope that begins again has no values.
  defp value(_parts, nil), do: nil
  defp value(_parts, number) when is_integer(number), do: number
  defp value(part, []), do: part
  defp value(%{} = part, [key | rest]), do: value(Map.get(part, key), rest)
  defp value(_part, _path), do: nil
end
