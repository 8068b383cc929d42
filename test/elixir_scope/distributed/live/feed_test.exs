defmodule ElixirScope.Distributed.Live.FeedTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Correlation
  alias ElixirScope.Distributed.{Event, Options}
  alias ElixirScope.Distributed.Live.Feed
  alias ElixirScope.Distributed.Query.Page
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  setup context do
    start_supervised!({Scope, name: context.test, node: :me@test})
    {:ok, scope} = ElixirScope.Distributed.Scope.fetch(context.test)
    [scope: scope]
  end

  # What a member says that has recorded these.
  defp page(scope, data) do
    for one <- data, do: Scope.record(:n, one, scope: scope.name)
    filter = Storage.native_filter(Options.validate!(:filter, kinds: [:mark]))
    page = Page.read(scope.store, filter, :all)
    assert page.count == length(data)
    page
  end

  test "the events of a page, as far as they were asked for", %{scope: scope} do
    page = page(scope, [1, 2, 3])
    mine = {"me@test", scope.incarnation}
    assert {events, 0} = Feed.events(page, range(mine, 1, :infinity))
    assert for(event <- events, do: event.data) == [1, 2, 3]
    [%{id: {_origin, second}}] = for %{data: 2} = event <- events, do: event
    assert {[%{data: 2}], 0} = Feed.events(page, range(mine, second, second))
    assert {[], 0} = Feed.events(page, range({"me@test", 1}, 1, :infinity))
    assert {[], 0} = Feed.events(page, range({"you@test", scope.incarnation}, 1, :infinity))
  end

  defp range({node, incarnation}, first, last), do: {node, incarnation, first, last}

  test "a page that cannot be read is counted, and no number is believed", %{scope: scope} do
    range = {"me@test", scope.incarnation, 1, :infinity}
    page = page(scope, [1, 2, 3])

    for size <- 0..(byte_size(page.page) - 1) do
      cut = %{page | page: binary_part(page.page, 0, size)}
      assert {[], 3} = Feed.events(cut, range)
    end

    assert {[], 8_192} = Feed.events(%{page: "nonsense", count: 0xFFFFFFFFFFFFFFFF}, range)
    assert {[_, _, _], 0} = Feed.events(%{page | count: 0}, range)
  end

  test "what cannot come any more is a gap", %{scope: scope} do
    about = %{expired: 7, from: 3, at: {1, 2}}
    assert %Event{kind: :gap, id: nil, at: {1, 2, :b@h}, data: data} = Feed.gap(:b@h, about)
    assert data == %{expired: 7, from: 3}
    assert scope.node == :me@test
  end

  test "of whose clock is too far ahead it is told when it came" do
    [now, ahead] = for ns <- [5, 500_000_006], do: %Event{at: {0, ns, :b@h}, node: :b@h}
    received = {3, 5, :a@h}

    assert Feed.received([now, ahead], received, 500) == [
             now,
             %{ahead | meta: %{received_at: received}}
           ]
  end

  test "ids are what their users call them, as soon as that is known", %{scope: scope} do
    key = Correlation.key({:order, 17})
    event = %Event{kind: :call, correlation_id: key, node: :b@h, at: {0, 1, :b@h}, data: 1}
    assert {[%{correlation_id: ^key}], feed} = Feed.named(Feed.new(), [event], scope.store, 0)

    mark = %Event{event | kind: :mark, subject: :correlation, data: %{id: {:order, 17}}}
    assert {[_mark, named], feed} = Feed.named(feed, [mark, event], scope.store, 1)
    assert named.correlation_id == {:order, 17}
    assert {[%{correlation_id: {:order, 17}}], _feed} = Feed.named(feed, [event], scope.store, 2)
  end

  test "a mark of another term under that key is not believed", %{scope: scope} do
    key = Correlation.key({:order, 17})
    mark = %Event{kind: :mark, subject: :correlation, correlation_id: key, data: %{id: :other}}
    mark = %{mark | node: :b@h, at: {0, 1, :b@h}}
    assert {[%{correlation_id: ^key}], _feed} = Feed.named(Feed.new(), [mark], scope.store, 0)
  end

  test "what is remembered of ids is bounded", %{scope: scope} do
    events =
      for n <- 1..2_500 do
        key = Correlation.key({:order, n})
        data = %{id: {:order, n}}
        %Event{kind: :mark, subject: :correlation, correlation_id: key, data: data}
      end

    events = Enum.map(events, &%{&1 | node: :b@h, at: {0, 1, :b@h}})

    feed =
      Enum.reduce(Enum.chunk_every(events, 500), Feed.new(), fn some, feed ->
        {named, feed} = Feed.named(feed, some, scope.store, 0)
        assert Enum.all?(named, &match?({:order, _}, &1.correlation_id))
        feed
      end)

    assert map_size(feed.marks) <= 1_000
  end
end
