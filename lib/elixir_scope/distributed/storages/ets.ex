defmodule ElixirScope.Distributed.Storages.Ets do
  @moduledoc """
  A storage in plain Elixir: the events of a scope in an ETS table.

      ElixirScope.Distributed.start_link(name: :shop, storage: {ElixirScope.Distributed.Storages.Ets, limit: 100_000})

  It takes many times the memory of the native store, and reads every event of the asked time. It
  is there to be read by who writes a storage, and to be compared with: tests ask it and the native store
  the same.

    * `limit` - how many events it keeps (#{100_000} unless told otherwise); the oldest go first, and
      `status/0` counts them as `expired`.
  """

  use GenServer

  alias ElixirScope.Distributed.{Storage, Storage.Filter}

  @behaviour Storage

  @limit 100_000

  # Events that are read from the table at once.
  @slice 500

  defstruct [:table, :limit, :progress, expired: 0]

  @doc """
  Starts an empty one.

      {:ok, _pid} = Ets.start_link(name: :archive, limit: 1_000)
  """
  @impl Storage
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options[:name])

  @doc """
  Keeps events.

      :ok = Ets.append(:archive, events, progress)
  """
  @impl Storage
  @spec append(Storage.t(), [ElixirScope.Distributed.Event.t()], term) :: :ok
  def append(store, events, progress), do: GenServer.call(store, {:append, events, progress})

  @doc """
  How far it was given everything.

      {:ok, progress} = Ets.progress(:archive)
  """
  @impl Storage
  @spec progress(Storage.t()) :: {:ok, term}
  def progress(store), do: GenServer.call(store, :progress)

  @doc """
  The events that match.

      {:ok, %{events: events}} = Ets.query(:archive, Filter.new(kinds: [:mark]))
  """
  @impl Storage
  @spec query(Storage.t(), Filter.t()) :: {:ok, Storage.matches()}
  def query(store, filter), do: events_since(store, nil, filter)

  @doc """
  Those behind a cursor.

      {:ok, %{events: [_first | _], more?: true}} = Ets.events_since(:archive, cursor, Filter.new(limit: 100))
  """
  @impl Storage
  @spec events_since(Storage.t(), Storage.cursor() | nil, Filter.t()) :: {:ok, Storage.matches()}
  def events_since(store, cursor, filter) do
    events = store |> table() |> slices(filter |> narrow(cursor) |> pattern(), filter.order)
    {:ok, Filter.answer(filter, events, cursor)}
  end

  @doc """
  Forgets what is older than a stamp.

      {:ok, 17} = Ets.retain(:archive, {0, an_hour_ago_ns})
  """
  @impl Storage
  @spec retain(Storage.t(), Filter.stamp()) :: {:ok, non_neg_integer}
  def retain(store, from), do: GenServer.call(store, {:retain, from})

  @doc """
  How many events it has, of which time.

      %{events: 17, limit: 1_000} = Ets.statistics(:archive)
  """
  @impl Storage
  @spec statistics(Storage.t()) :: map
  def statistics(store), do: GenServer.call(store, :statistics)

  @impl GenServer
  def init(options) do
    table = :ets.new(__MODULE__, [:ordered_set, :protected, read_concurrency: true])
    {:ok, %__MODULE__{table: table, limit: Keyword.get(options, :limit, @limit)}}
  end

  # An event's place is its own, so one that comes again changes nothing.
  @impl GenServer
  def handle_call({:append, events, progress}, _from, state) do
    true = :ets.insert(state.table, Enum.map(events, &{Filter.place(&1), &1}))
    {:reply, :ok, shrink(%{state | progress: progress})}
  end

  def handle_call({:retain, {logical, ns}}, _from, state) do
    older = [{{{:"$1", :"$2", :_, :_, :_}, :_}, [before({ns, logical})], [true]}]
    {:reply, {:ok, :ets.select_delete(state.table, older)}, state}
  end

  def handle_call(:progress, _from, state), do: {:reply, {:ok, state.progress}, state}
  def handle_call(:table, _from, state), do: {:reply, state.table, state}
  def handle_call(:statistics, _from, state), do: {:reply, describe(state), state}

  defp describe(%{table: table} = state) do
    %{
      events: :ets.info(table, :size),
      limit: state.limit,
      expired: state.expired,
      bytes: :ets.info(table, :memory) * :erlang.system_info(:wordsize),
      oldest: at(table, :ets.first(table)),
      newest: at(table, :ets.last(table))
    }
  end

  defp at(_table, :"$end_of_table"), do: nil
  defp at(table, place), do: :ets.lookup_element(table, place, 2).at

  defp shrink(state) do
    case :ets.info(state.table, :size) - state.limit do
      many when many > 0 -> %{state | expired: state.expired + drop(state.table, many)}
      _fits -> state
    end
  end

  defp drop(table, many) do
    for _ <- 1..many, do: :ets.delete(table, :ets.first(table))
    many
  end

  defp table(store), do: GenServer.call(store, :table)

  # By the first parts of the place, physical and logical.
  defp pattern(%{from: from, to: to}) do
    guards = for {moment, guard} <- [{from, &since/1}, {to, &until/1}], moment, do: guard.(moment)
    [{{{:"$1", :"$2", :_, :_, :_}, :"$3"}, guards, [:"$3"]}]
  end

  defp narrow(filter, nil), do: filter

  defp narrow(filter, {{logical, ns, _node}, _origin, _seq}),
    do: Filter.narrow(filter, {logical, ns})

  defp since({logical, ns}), do: {:not, before({ns, logical})}

  defp until({logical, ns}),
    do: {:orelse, {:<, :"$1", ns}, {:andalso, {:==, :"$1", ns}, {:"=<", :"$2", logical}}}

  defp before({ns, logical}),
    do: {:orelse, {:<, :"$1", ns}, {:andalso, {:==, :"$1", ns}, {:<, :"$2", logical}}}

  defp slices(table, pattern, order) do
    first = fn ->
      if order == :asc,
        do: :ets.select(table, pattern, @slice),
        else: :ets.select_reverse(table, pattern, @slice)
    end

    Stream.resource(first, &slice(&1, order), fn _end -> :ok end)
  end

  defp slice(:"$end_of_table", _order), do: {:halt, nil}
  defp slice({events, rest}, :asc), do: {events, :ets.select(rest)}
  defp slice({events, rest}, :desc), do: {events, :ets.select_reverse(rest)}
end
