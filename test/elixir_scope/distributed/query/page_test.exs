defmodule ElixirScope.Distributed.Query.PageTest do
  # The native half of a distributed question, on scopes of one VM.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Event, Export, Options}
  alias ElixirScope.Distributed.Query.Page
  alias ElixirScope.Distributed.Scope, as: Tree
  alias ElixirScope.Distributed.Storages.Native

  setup context do
    stores = for node <- [:a@test, :b@test, :c@test], do: start_scope(context.test, node)
    {:ok, stores: stores}
  end

  defp start_scope(test, node) do
    name = :"#{test} #{node}"
    start_supervised!({Scope, name: name, node: node}, id: name)
    {:ok, %{store: store}} = Tree.fetch(name)
    %{name: name, store: store, node: Atom.to_string(node)}
  end

  defp record(scope, numbers), do: for(n <- numbers, do: Scope.record(:n, n, scope: scope.name))

  defp filter(options \\ []), do: :filter |> Options.validate!(options) |> Native.native_filter()

  # All pages of a question, at most so many events each.
  defp pages(store, options, ranges \\ :all, cursor \\ nil, max_bytes \\ 100_000) do
    page = Page.read(store, filter(options), ranges, cursor, max_bytes)
    {:ok, events} = Page.events(page.page)
    assert length(events) == page.count

    if page.more,
      do: [events | pages(store, options, ranges, page.cursor, max_bytes)],
      else: [events]
  end

  defp data(events), do: for(%Event{kind: :mark, data: n} <- events, do: n)

  test "a page has what was recorded just before", %{stores: [a | _]} do
    record(a, 1..3)

    assert %{count: 3, more: false, dropped: 0, expired: nil} =
             page = Page.read(a.store, filter(), :all)

    assert {:ok, [%Event{id: {{:a@test, _}, 1}} | _] = events} = Page.events(page.page)
    assert data(events) == [1, 2, 3]
    assert {:ok, ^events} = Scope.events(scope: a.name)
  end

  test "pages follow each other in either order, and add up", %{stores: [a | _]} do
    record(a, 1..50)
    pages = pages(a.store, limit: 7)
    assert Enum.map(pages, &length/1) == [7, 7, 7, 7, 7, 7, 7, 1]
    assert pages |> Enum.concat() |> data() == Enum.to_list(1..50)

    assert a.store |> pages(limit: 9, order: :desc) |> Enum.concat() |> data() ==
             Enum.to_list(50..1//-1)
  end

  test "a page is no larger than it may be", %{stores: [a | _]} do
    for n <- 1..200, do: Scope.record(:n, {n, String.duplicate("x", 200)}, scope: a.name)
    pages = pages(a.store, [], :all, nil, 4_000)
    assert length(pages) > 10
    assert for(%{data: {n, _}} <- Enum.concat(pages), do: n) == Enum.to_list(1..200)
  end

  test "only the numbers that are asked for are read", %{stores: [a | _]} do
    record(a, 1..20)
    {node, incarnation, 20, _complete_to} = Page.head(a.store)
    ranges = [{node, incarnation, 3, 5}, {node, incarnation, 18, :infinity}, {"z@test", 1, 1, 9}]
    assert a.store |> pages([], ranges) |> Enum.concat() |> data() == [3, 4, 5, 18, 19, 20]
    assert a.store |> pages([], []) |> Enum.concat() == []
  end

  test "what is held, and how far it goes", %{stores: [a | _]} do
    assert Page.holdings(a.store) == []
    assert {"a@test", incarnation, 0, _} = Page.head(a.store)
    record(a, 1..4)
    assert Page.holdings(a.store) == [{"a@test", incarnation, 1, 4}]
    assert {"a@test", ^incarnation, 4, {_logical, ns}} = Page.head(a.store)
    {:ok, events} = Scope.events(scope: a.name)
    assert Enum.all?(events, fn %{at: {_, at_ns, _}} -> at_ns <= ns end)
  end

  test "a correlation is found in every form", %{stores: [a | _]} do
    Scope.with_correlation("r-1", fn -> record(a, [1]) end)
    Scope.record(:n, 2, scope: a.name, correlation_id: "r-1")

    assert a.store |> pages(correlation_id: "r-1", kinds: [:mark]) |> Enum.concat() |> length() >=
             1
  end

  test "what is no page is said to be none, whatever it is", %{stores: [a | _]} do
    record(a, 1..5)
    %{page: page} = Page.read(a.store, filter(), :all)
    assert {:error, "not a page"} = Page.events("something else")
    assert {:error, _} = Page.events("")

    for at <- 0..(byte_size(page) - 1) do
      <<before::binary-size(at), byte, rest::binary>> = page
      assert {:error, text} = Page.events(<<before::binary, Bitwise.bxor(byte, 1), rest::binary>>)
      assert is_binary(text)
      assert {:error, _} = Page.events(before)
    end
  end

  test "a question in another shape is refused", %{stores: [a | _]} do
    for {ranges, cursor} <- [
          {:some, nil},
          {[{:a@test, 1, 1, 2}], nil},
          {[{"a@test", 1, -1, 2}], nil},
          {:all, {0, 0}},
          {:all, {0, 0, :a@test, 1, 1}}
        ] do
      assert_raise ArgumentError, fn -> Page.read(a.store, filter(), ranges, cursor) end
    end
  end

  describe "what several have, as one" do
    # Reads all of it, a few events at a time, and feeds whoever is waited for.
    defp union(here, others, options, most \\ 7) do
      union = Page.open(here.store, filter(options), :all, nil, length(others))
      cursors = for {_, member} <- Enum.with_index(others), into: %{}, do: {member, nil}
      steps(union, others, options, most, cursors)
    end

    defp steps(union, others, options, most, cursors) do
      step = Page.next(union, most)
      assert step.count == length(step.events) and step.count <= most

      if step.done?,
        do: step.events,
        else: step.events ++ fed(union, others, options, most, cursors, step)
    end

    defp fed(union, others, options, most, cursors, step) do
      cursors =
        for member <- step.need, reduce: cursors do
          cursors ->
            page =
              Page.read(
                Enum.at(others, member).store,
                filter(options),
                :all,
                cursors[member],
                900
              )

            :ok = Page.feed(union, member, page)
            %{cursors | member => page.cursor}
        end

      steps(union, others, options, most, cursors)
    end

    test "comes in the order of stamps, whoever has it", %{stores: [a, b, c]} do
      for n <- 1..40,
          scope = Enum.at([a, b, c], rem(n, 3)),
          do: Scope.record(:n, n, scope: scope.name)

      assert a |> union([b, c], limit: 5) |> data() == Enum.to_list(1..40)

      assert b |> union([c, a], [limit: 5, order: :desc], 100) |> data() ==
               Enum.to_list(40..1//-1)
    end

    test "waits for who was not heard, until he is given up", %{stores: [a, b, _]} do
      record(a, 1..3)
      record(b, 4..5)
      union = Page.open(a.store, filter(), :all, nil, 2)
      assert %{events: [], need: [0, 1], done?: false, cursor: nil} = Page.next(union, 10)
      assert :ok = Page.feed(union, 1, Page.read(b.store, filter(), :all))
      assert %{events: [], need: [0], done?: false} = Page.next(union, 10)
      assert :ok = Page.close(union, 0)
      step = Page.next(union, 10)
      assert {data(step.events), step.need, step.done?} == {[1, 2, 3, 4, 5], [], true}
      %{at: {logical, ns, :b@test}, id: {{:b@test, incarnation}, seq}} = List.last(step.events)
      assert step.cursor == {logical, ns, "b@test", incarnation, seq}

      assert {:error, "a page of a member that has no more"} =
               Page.feed(union, 0, Page.read(a.store, filter(), :all))
    end

    test "is of one moment, and each event comes once", %{stores: [a, b, _]} do
      record(a, 1..3)
      union = Page.open(a.store, filter(), :all, nil, 1)
      record(a, [4])
      page = Page.read(a.store, filter(), :all)
      assert :ok = Page.feed(union, 0, %{page | more: false})
      assert data(Page.next(union, 10).events) == [1, 2, 3, 4]
      union = Page.open(a.store, filter(), :all, nil, 1)
      :ok = Page.feed(union, 0, Page.read(b.store, filter(), :all))
      record(a, [5])
      assert %{done?: true} = step = Page.next(union, 10)
      assert data(step.events) == [1, 2, 3, 4]
    end

    test "goes on behind a cursor", %{stores: [a, _, _]} do
      record(a, 1..9)
      step = Page.next(Page.open(a.store, filter(), :all, nil, 0), 4)
      assert {data(step.events), step.done?} == {[1, 2, 3, 4], false}
      rest = Page.next(Page.open(a.store, filter(), :all, step.cursor, 0), 10)
      assert {data(rest.events), rest.done?} == {[5, 6, 7, 8, 9], true}
    end

    test "refuses pages that nobody could have made", %{stores: [a, b, _]} do
      record(b, 1..9)
      union = Page.open(a.store, filter(), :all, nil, 1)
      page = Page.read(b.store, filter(limit: 2), :all)
      assert {:error, "not a page"} = Page.feed(union, 0, %{page | page: "something"})
      assert {:error, "there is no member of that number"} = Page.feed(union, 1, page)
      turned = Page.read(b.store, filter(order: :desc), :all)
      assert {:error, "a page out of order"} = Page.feed(union, 0, turned)
      assert :ok = Page.feed(union, 0, page)
      assert {:error, "a page out of order"} = Page.feed(union, 0, page)
      assert {:error, "not what was asked for"} = Page.feed(union, 0, %{page: "", more: 1})
    end

    test "can be taken without making terms of it", %{stores: [a, _, _]} do
      record(a, 1..3)
      step = Page.take(Page.open(a.store, filter(), :all, nil, 0), 10)
      assert %{count: 3, done?: true, messages: nil} = step
      {:ok, table} = Export.table(:json_lines)
      assert Export.keyed(step.events, a.node) == []
      shown = %{names: [], ahead: [], now: {0, 0}, here: a.node}
      assert %{count: 3, damaged: 0, text: text} = Export.rows(table, step.events, nil, shown)
      assert text |> String.split("\n", trim: true) |> length() == 3
      assert {:ok, lines} = Export.json_lines(scope: a.name)
      assert IO.iodata_to_binary(lines) == text
    end
  end
end
