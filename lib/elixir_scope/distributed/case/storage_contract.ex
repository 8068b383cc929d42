defmodule ElixirScope.Distributed.Case.StorageContract do
  @moduledoc """
  What every `ElixirScope.Distributed.Storage` promises, as tests for each of them:

      defmodule MyApp.EventStoreTest do
        use ExUnit.Case, async: true
        use ElixirScope.Distributed.Case.StorageContract, storage: {MyApp.EventStore, repo: MyApp.TestRepo}
      end

  Each test starts one of its own, which begins without events; what it needs for that is a `setup` of
  your test module. Events and questions are random; a failure prints the seed that makes them
  again.

  One that nothing can be appended to says `appends?: false`, and defines how it comes by events:

      def filled(context), do: {{MyApp.Archive, archive}, events_that_are_in_it}
  """

  import ExUnit.Assertions

  alias ElixirScope.Distributed.Case.{Gen, StorageContract.Events}
  alias ElixirScope.Distributed.{Part, Scope, Storage}
  alias ElixirScope.Distributed.Storage.Filter

  @compile {:no_warn_undefined, [ExUnit.Assertions, ExUnit.Callbacks]}

  @doc false
  defmacro __using__(options) do
    quote location: :keep do
      alias ElixirScope.Distributed.Case.StorageContract

      @storage_option Keyword.get(unquote(options), :storage)
      @storage_appends Keyword.get(unquote(options), :appends?, true)

      @doc false
      def filled(_context), do: StorageContract.fill(@storage_option)
      defoverridable filled: 1

      describe "the storage's contract:" do
        test "a question has the answer that its events have", context do
          {storage, events} = filled(context)
          StorageContract.answers(storage, events)
        end

        test "the events since a cursor are all of them, once, however many at a time", context do
          {storage, events} = filled(context)
          StorageContract.goes_on(storage, events)
        end

        test "it says how many events it has, from when to when", context do
          {storage, events} = filled(context)
          StorageContract.counts(storage, events)
        end

        if @storage_appends do
          test "what comes again is there once, and in its place",
            do: StorageContract.takes_twice(@storage_option)

          test "the last progress is kept", do: StorageContract.keeps_progress(@storage_option)

          test "what is older than a stamp is forgotten, and nothing else",
            do: StorageContract.forgets(@storage_option)

          test "without events it has answers", do: StorageContract.is_empty(@storage_option)
        end
      end
    end
  end

  @typep storage :: {module, Storage.t()}

  @doc false
  # One that runs until the test ends.
  @spec start(module | {module, keyword}) :: storage
  def start(option) do
    {module, name} = Part.address(option, make_ref(), Storage)
    options = if is_tuple(option), do: elem(option, 1), else: []
    given = [name: name, scope: :contract, node: Scope]
    start = {module, :start_link, [Keyword.merge(options, given)]}
    ExUnit.Callbacks.start_supervised!(%{id: name, start: start})
    {module, name}
  end

  @doc false
  def fill(option) do
    storage = start(option)
    events = Events.some(300)

    for batch <- Enum.chunk_every(Enum.shuffle(events), 40),
        do: :ok = append(storage, batch, :some)

    {storage, events}
  end

  @doc false
  def answers({module, storage}, events) do
    Gen.property(Events.filters(events), [runs: 300], fn options ->
      filter = Filter.new(options)
      {:ok, answer} = module.query(storage, filter)
      assert answer == Filter.answer(filter, Filter.sort(events, filter.order))
    end)
  end

  @doc false
  def goes_on(storage, events) do
    for size <- [1, 7, 100, length(events) + 1],
        do: assert(elem(pages(storage, Filter.new(limit: size), nil), 0) == Filter.sort(events))

    Gen.property(Events.filters(events), [runs: 60], fn options ->
      filter = %{Filter.new(options) | limit: 9}
      all = Filter.answer(%{filter | limit: 10_000}, Filter.sort(events, filter.order))
      assert pages(storage, filter, nil) == {all.events, all.dropped}
    end)
  end

  # The events of all pages behind a cursor, and how many were lost by what they say.
  defp pages({module, name} = storage, filter, cursor) do
    {:ok, page} = module.events_since(name, cursor, filter)
    assert page.count == length(page.events) and (page.count == filter.limit or not page.more?)
    last = List.last(page.events)
    {events, lost} = if page.more?, do: pages(storage, filter, Filter.cursor(last)), else: {[], 0}
    {page.events ++ events, page.dropped + lost}
  end

  @doc false
  def counts({module, storage}, events) do
    sorted = Filter.sort(events)
    statistics = module.statistics(storage)
    assert statistics.events == length(events)
    assert {statistics.oldest, statistics.newest} == {hd(sorted).at, List.last(sorted).at}
  end

  @doc false
  def takes_twice(option) do
    storage = start(option)
    events = Events.some(60)
    {some, others} = events |> Enum.shuffle() |> Enum.split(20)
    for batch <- [some, some, others, events], do: :ok = append(storage, batch, 1)
    assert elem(pages(storage, Filter.new([]), nil), 0) == Filter.sort(events)
    counts(storage, events)
  end

  @doc false
  def keeps_progress(option) do
    {module, name} = storage = start(option)
    assert module.progress(name) == {:ok, nil}

    for progress <- [%{"a@h" => 3}, {:any, "term", [1.5]}],
        do: :ok = append(storage, [], progress)

    assert module.progress(name) == {:ok, {:any, "term", [1.5]}}
  end

  @doc false
  def forgets(option) do
    {{module, name} = storage, events} = fill(option)
    {logical, ns, _node} = events |> Filter.sort() |> Enum.at(100) |> Map.fetch!(:at)
    {older, kept} = Enum.split_with(events, &Filter.before?(&1, {logical, ns}))
    assert module.retain(name, {logical, ns}) == {:ok, length(older)}
    assert module.retain(name, {logical, ns}) == {:ok, 0}
    assert elem(pages(storage, Filter.new(limit: 50), nil), 0) == Filter.sort(kept)
    counts(storage, kept)
  end

  @doc false
  def is_empty(option) do
    {module, name} = start(option)
    nothing = %{events: [], count: 0, dropped: 0, more?: false}
    assert module.query(name, Filter.new([])) == {:ok, nothing}
    assert module.events_since(name, nil, Filter.new(order: :desc)) == {:ok, nothing}
    assert %{events: 0, oldest: nil, newest: nil} = module.statistics(name)
    assert module.retain(name, {0, 1}) == {:ok, 0}
  end

  defp append({module, name}, events, progress), do: module.append(name, events, progress)
end
