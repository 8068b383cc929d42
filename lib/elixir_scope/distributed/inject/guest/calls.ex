defmodule ElixirScope.Distributed.Inject.Guest.Calls do
  @moduledoc false
  # Calls that have not ended yet, newest first in each process: they say which are slow, and that
  # a loop is traced whose returns never come.
  #
  # Invariant: an end that is told has its call told before it.

  @type t :: %{slow_ns: non_neg_integer, most: pos_integer, open: %{pid => list}, depth: map}

  @doc "No call is open. With 0 every call is told, and they are only counted."
  @spec new(non_neg_integer, pos_integer) :: t
  def new(slow_ms, most), do: %{slow_ns: slow_ms * 1_000_000, most: most, open: %{}, depth: %{}}

  @doc "What is to be told because of an event, `{raw, cut?}`."
  @spec seen(t, {tuple, boolean}) :: {[{tuple, boolean}], t}
  def seen(calls, {{_ns, pid, :call, _mfa, _data, true}, _cut?} = call) do
    calls = %{calls | depth: :maps.put(pid, depth(calls, pid) + 1, calls.depth)}
    if calls.slow_ns == 0, do: {[call], calls}, else: {[], opened(calls, pid, call)}
  end

  def seen(calls, {{_ns, pid, kind, _mfa, _data, _ends?}, _cut?} = ended)
      when kind in [:return, :exception] do
    calls = %{calls | depth: less(calls.depth, pid, depth(calls, pid) - 1)}
    if calls.slow_ns == 0, do: {[ended], calls}, else: closed(calls, pid, ended)
  end

  def seen(calls, {{_ns, pid, :exit, _subject, _data, _ends?}, _cut?} = event),
    do: {[event], forget(calls, pid)}

  def seen(calls, event), do: {[event], calls}

  @doc "The calls that have become slow by now, each told once."
  @spec due(t, integer) :: {[{tuple, boolean}], t}
  def due(%{slow_ns: 0} = calls, _now_ns), do: {[], calls}

  def due(calls, now_ns) do
    before = now_ns - calls.slow_ns
    {told, open} = told(:maps.to_list(calls.open), before, [], [])
    {:lists.keysort(1, told), %{calls | open: :maps.from_list(open)}}
  end

  @doc "Forgets processes that are gone."
  @spec living(t) :: t
  def living(calls) do
    alive? = fn pid, _ -> :erlang.is_process_alive(pid) end
    %{calls | open: :maps.filter(alive?, calls.open), depth: :maps.filter(alive?, calls.depth)}
  end

  @doc "The open calls of a process, if they are too many."
  @spec runaway(t, pid) :: pos_integer | nil
  def runaway(calls, pid) do
    depth = depth(calls, pid)
    if depth > calls.most, do: depth
  end

  defp depth(%{depth: depth}, pid), do: :maps.get(pid, depth, 0)

  defp less(depth, pid, count) when count > 0, do: :maps.put(pid, count, depth)
  defp less(depth, pid, _none), do: :maps.remove(pid, depth)

  defp forget(calls, pid),
    do: %{calls | open: :maps.remove(pid, calls.open), depth: :maps.remove(pid, calls.depth)}

  defp opened(calls, pid, call) do
    stack = [{call, false} | :maps.get(pid, calls.open, [])]
    %{calls | open: :maps.put(pid, stack, calls.open)}
  end

  defp closed(calls, pid, {{ns, _pid, _kind, mfa, _data, _ends?}, _cut?} = ended) do
    case until(:maps.get(pid, calls.open, []), mfa) do
      nil -> {[], calls}
      {{call, told?}, rest} -> {tell(call, told?, ended, ns, calls), put(calls, pid, rest)}
    end
  end

  # What stands above it ended without telling, as by a last call.
  defp until([], _mfa), do: nil
  defp until([{{{_, _, :call, mfa, _, _}, _}, _told?} = open | rest], mfa), do: {open, rest}
  defp until([_other | rest], mfa), do: until(rest, mfa)

  defp put(calls, pid, []), do: %{calls | open: :maps.remove(pid, calls.open)}
  defp put(calls, pid, stack), do: %{calls | open: :maps.put(pid, stack, calls.open)}

  defp tell(_call, true, ended, _ns, _calls), do: [ended]

  defp tell({{began, _, _, _, _, _}, _cut?} = call, false, ended, ns, calls),
    do: if(ns - began >= calls.slow_ns, do: [call, ended], else: [])

  defp told([], _before, told, open), do: {told, open}

  defp told([{pid, stack} | more], before, told, open) do
    {told, stack} = stack(stack, before, told, [])
    told(more, before, told, [{pid, stack} | open])
  end

  defp stack([], _before, told, seen), do: {told, :lists.reverse(seen)}

  defp stack([{{{began, _, _, _, _, _}, _} = call, false} | rest], before, told, seen)
       when began <= before,
       do: stack(rest, before, [call | told], [{call, true} | seen])

  defp stack([open | rest], before, told, seen), do: stack(rest, before, told, [open | seen])
end
