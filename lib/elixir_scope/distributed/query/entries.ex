defmodule ElixirScope.Distributed.Query.Entries do
  @moduledoc false
  # The ids of calls that `trace(…, correlate: :each_call)` made, as their users know them. On
  # the node of a call its events have the call's key, and the call itself, `meta.entry`,
  # says whose it is. On other nodes they have a key that names the process alone: which of
  # its calls is meant, the stamps say. It is the one that had begun last, unless nothing was
  # heard of that one for as long as a label counts.

  alias ElixirScope.Distributed.Capture.Correlation.Entry
  alias ElixirScope.Distributed.Event

  # Processes, and calls, that are looked for, for one answer.
  @most 100

  # Calls that are read at once to find entries among them, at first and at most.
  @few 100
  @page 10_000

  # A label counts for so long after its call.
  @lifetime_ns 30_000_000_000

  # More than any stamp has.
  @last_logical 255

  @typedoc "Reads events from a store, by a filter, as they are."
  @type find :: (keyword -> [Event.t()])

  @typedoc "Events of a key between two stamps, which belong to an id that has another one."
  @type span :: {Entry.key(), from :: stamp, to :: stamp}
  @type stamp :: {logical :: non_neg_integer, physical_ns :: non_neg_integer}

  @doc "What else an id stands for: what its calls made other nodes do."
  @spec spans(term, find) :: [span]
  def spans(nil, _find), do: []

  def spans(id, find) do
    for entry <- find.(kinds: [:call], correlation_id: id, limit: @page),
        entry?(entry),
        do: {Entry.key(Entry.any(entry.pid)), stamp(entry), ending(entry, find)}
  end

  @doc "The events with the ids of calls in place of keys; calls may have been on any of `members`."
  @spec show([Event.t()], find, [node]) :: [Event.t()]
  def show(events, find, members \\ []) do
    if Enum.any?(events, &match?(<<_::128>>, &1.correlation_id)) do
      members = Enum.filter(members, &is_atom/1)
      names = Entry.names([node() | Node.list(:known)] ++ members ++ nodes(events))
      events |> resolve(names, find) |> name(names, find)
    else
      events
    end
  end

  # From the key of a process to that of one of its calls

  defp resolve(events, names, find) do
    meant = for event <- events, pid = any_call(event, names), do: {pid, event}
    latest = Map.new(Enum.sort_by(meant, &moment(elem(&1, 1))))

    calls =
      Map.new(Enum.take(latest, @most), fn {pid, event} -> {pid, calls(event, pid, find)} end)

    Enum.map(events, &resolved(&1, any_call(&1, names), calls, find))
  end

  defp any_call(%{correlation_id: key}, names) do
    case Entry.read(key, names) do
      {:any_call, {_node, nil, pid, nil}} -> pid
      _other -> nil
    end
  end

  # The newest first, up to an event.
  defp calls(%{at: {logical, ns, node}}, pid, find) do
    filter = [kinds: [:call], nodes: [node(pid)], pids: [pid], to: {logical, ns, node}]
    Enum.filter(find.(filter ++ [order: :desc, limit: @page]), &entry?/1)
  end

  defp resolved(event, nil, _calls, _find), do: event

  defp resolved(event, pid, calls, find) do
    case Enum.find(calls[pid] || [], &(moment(&1) <= moment(event))) do
      nil -> %{event | correlation_id: Entry.any(pid)}
      call -> %{event | correlation_id: meant(event, call, pid, find)}
    end
  end

  defp meant(event, call, pid, find) do
    if fresh?(event, call) or fresh?(event, last(call, find)),
      do: call.correlation_id,
      else: Entry.any(pid)
  end

  defp fresh?(%{at: {_, ns, _}}, %{at: {_, since, _}}), do: ns <= since + @lifetime_ns

  # Until when events may belong to a call

  defp ending(call, find) do
    {_logical, ns} = stamp(last(call, find))
    expiry = {@last_logical, ns + @lifetime_ns}
    next = next(call, call.at, @few, find)
    if next, do: Enum.min_by([expiry, before(stamp(next))], &number/1), else: expiry
  end

  defp next(call, from, limit, find) do
    filter = [kinds: [:call], nodes: [call.node], pids: [call.pid], from: from, limit: limit]
    found = find.(filter)

    case Enum.find(found, &(entry?(&1) and later?(&1, call))) do
      nil when length(found) == limit -> next(call, List.last(found).at, @page, find)
      next_or_none -> next_or_none
    end
  end

  defp later?(one, other), do: {moment(one), one.id} > {moment(other), other.id}

  defp last(call, find) do
    filter = [correlation_id: call.correlation_id, nodes: [call.node], pids: [call.pid]]
    List.first(find.(filter ++ [order: :desc, limit: 1]), call)
  end

  defp before({0, ns}), do: {@last_logical, ns - 1}
  defp before({logical, ns}), do: {logical - 1, ns}

  # From the key of a call to its id

  defp name(events, names, find) do
    known = for event <- events, entry?(event), into: %{}, do: {event.correlation_id, event.pid}
    keys = for %{correlation_id: <<_::128>> = key} <- events, uniq: true, do: key
    calls = for key <- keys, {:call, call} <- [Entry.read(key, names)], do: {key, call}
    {told, untold} = Enum.split_with(calls, fn {key, _call} -> is_map_key(known, key) end)
    {asked, left} = Enum.split(untold, @most)
    found = for {key, call} <- asked, pid = whose(key, call, find), into: known, do: {key, pid}
    ids = for {key, call} <- told ++ asked ++ left, into: %{}, do: {key, id(key, call, found)}
    Enum.map(events, &%{&1 | correlation_id: Map.get(ids, &1.correlation_id, &1.correlation_id)})
  end

  defp whose(key, {node, _incarnation, nil, _k}, find) do
    calls = find.(kinds: [:call], correlation_id: key, nodes: [node], limit: @few)
    Enum.find_value(calls, &(entry?(&1) && &1.pid))
  end

  # Without the call itself it is not known whose it was.
  defp id(key, call, known) do
    case known do
      %{^key => pid} -> Entry.of(key, pid)
      _unknown -> call
    end
  end

  defp entry?(%Event{meta: %{entry: true}, pid: pid}), do: is_pid(pid)
  defp entry?(_event), do: false

  defp nodes(events), do: for(event <- events, uniq: true, do: event.node)

  defp stamp(%Event{at: {logical, ns, _node}}), do: {logical, ns}
  defp moment(event), do: event |> stamp() |> number()

  # Stamps in the order of time.
  defp number({logical, ns}), do: ns * (@last_logical + 1) + logical
end
