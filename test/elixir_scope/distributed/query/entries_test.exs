defmodule ElixirScope.Distributed.Query.EntriesTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Correlation.Entry
  alias ElixirScope.Distributed.{Event, Query.Entries}

  @second 1_000_000_000

  # A process of this node, seen from another one.
  defp any(pid), do: Entry.key({node(), nil, pid, nil})
  defp key(k), do: Entry.key({node(), 7, self(), k})
  defp id(k), do: {node(), 7, self(), k}

  defp event(ns, correlation, fields \\ []) do
    at = {0, ns, fields[:node] || :b@there}

    struct!(
      %Event{
        id: {{:b@there, 1}, ns},
        at: at,
        node: :b@there,
        kind: :mark,
        correlation_id: correlation
      },
      fields
    )
  end

  defp call(ns, k, fields \\ []) do
    own = [id: {{node(), 7}, ns}, node: node(), pid: self(), kind: :call, meta: %{entry: true}]
    event(ns, key(k), Keyword.merge(own, fields))
  end

  # The store that these events are.
  defp store(events) do
    fn filter ->
      found = Enum.filter(events, &fits?(filter, &1)) |> Enum.sort_by(&elem(&1.at, 1))
      found = if filter[:order] == :desc, do: Enum.reverse(found), else: found
      Enum.take(found, filter[:limit])
    end
  end

  defp fits?(filter, event) do
    {_, ns, _} = event.at

    Enum.all?(filter, fn
      {:kinds, kinds} -> event.kind in kinds
      {:nodes, nodes} -> event.node in nodes
      {:pids, pids} -> event.pid in pids
      {:from, {_, from, _}} -> ns >= from
      {:to, {_, to, _}} -> ns <= to
      {:correlation_id, id} -> event.correlation_id in [id, Entry.key(id)]
      {_how, _much} -> true
    end)
  end

  defp shown(events, store),
    do: for(e <- Entries.show(events, store(store)), do: e.correlation_id)

  test "an event is of the call that had begun last, and of none before the first" do
    calls = [call(100, 1), call(200, 2), call(300, 3)]
    marks = for ns <- [50, 100, 199, 200, 250, 300, 10_000], do: event(ns, any(self()))
    ids = [{node(), nil, self(), nil}, id(1), id(1), id(2), id(2), id(3), id(3)]
    assert shown(marks, calls) == ids
    assert shown(Enum.reverse(marks), calls) == Enum.reverse(ids)
    assert shown(calls ++ marks, calls) == [id(1), id(2), id(3)] ++ ids
  end

  test "calls that begin no id change nothing, and neither do those of others" do
    nested = call(150, 1, meta: %{})
    other = call(160, 9, pid: spawn(fn -> :ok end))
    assert shown([event(170, any(self()))], [call(100, 1), nested, other]) == [id(1)]
  end

  test "a call means nothing any more when it was long quiet, but lasts while it is heard of" do
    late = event(100 + 31 * @second, any(self()))
    quiet = [call(100, 1)]
    assert shown([late], quiet) == [{node(), nil, self(), nil}]
    heard = quiet ++ [event(5 * @second, key(1), node: node(), pid: self(), kind: :return)]
    assert shown([late], heard) == [id(1)]
  end

  test "the user's own id of a call stays what it is" do
    calls = [call(100, 1, correlation_id: 17), call(200, 2)]
    assert shown([event(150, any(self())), event(250, any(self()))], calls) == [17, id(2)]
  end

  test "an event whose call is not there says what it knows" do
    assert shown([event(1, key(5))], []) == [{node(), 7, nil, 5}]
    assert shown([event(1, any(self()))], []) == [{node(), nil, self(), nil}]
    assert shown([event(1, <<5::128>>), event(1, 17), event(1, nil)], []) == [<<5::128>>, 17, nil]
    assert shown([event(1, key(5))], [call(1, 5)]) == [id(5)]
  end

  test "so many processes and calls are looked for, and no more" do
    counter = :counters.new(1, [])
    find = fn _filter -> :counters.add(counter, 1, 1) && [] end
    Entries.show(for(k <- 1..1_000, do: event(k, key(k))), find)
    assert :counters.get(counter, 1) == 100

    assert Entries.show([event(1, 17), event(1, nil)], fn _ -> flunk("asked") end) |> length() ==
             2
  end

  test "what an id stands for ends where the next call begins, or a while after the last of it" do
    calls = for {ns, k} <- [{100, 1}, {200, 2}], do: call(ns, k)
    assert Entries.spans(id(1), store(calls)) == [{any(self()), {0, 100}, {255, 199}}]
    expiry = {255, 200 + 30 * @second}
    assert Entries.spans(id(2), store(calls)) == [{any(self()), {0, 200}, expiry}]
    assert Entries.spans(id(3), store(calls)) == []
    assert Entries.spans(nil, fn _ -> flunk("asked") end) == []
  end

  test "the next call is found behind many that begin nothing" do
    between = for n <- 1..25_000, do: call(100 + n, 1, meta: %{})
    calls = [call(100, 1)] ++ between ++ [call(90_000, 2)]
    assert [{_key, {0, 100}, {255, 89_999}}] = Entries.spans(id(1), store(calls))
  end

  test "what is shown under an id is what a query for it asks for" do
    for seed <- 1..200 do
      :rand.seed(:exsss, {seed, 1, 2})

      calls =
        for {ns, k} <- Enum.with_index(Enum.sort(Enum.take_random(1..100, 6))),
            do: call(ns * @second, k)

      marks = for ns <- Enum.take_random(0..200, 60), do: event(ns * @second, any(self()))
      shown = Entries.show(marks, store(calls))

      for k <- 0..5 do
        of_k = for e <- shown, e.correlation_id == id(k), do: elem(e.at, 1)
        [{_key, {0, from}, {255, to}}] = Entries.spans(id(k), store(calls))
        asked = for %{at: {_, ns, _}} <- marks, ns in from..to, do: ns
        assert {seed, k, Enum.sort(of_k)} == {seed, k, Enum.sort(asked)}
      end
    end
  end
end
