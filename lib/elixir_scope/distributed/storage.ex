defmodule ElixirScope.Distributed.Storage do
  @moduledoc """
  Where a scope keeps its events.

  The default is the native store, `ElixirScope.Distributed.Storages.Native`. Another one is plugged in
  beside it:

      ElixirScope.Distributed.start_link(name: :shop, storage: {MyApp.EventStore, repo: MyApp.Repo})

  The native store then is the spool: events are recorded into it and synchronised from it as ever, and
  a process of the scope reads everything out of it, in order, and appends it to the storage. What the
  storage was given it answers for, on its node; for what is not with it yet, the native store does. So a
  process sees its own events at once, and a storage that is slow, or gone for a while, costs no event,
  as long as the spool holds them (`retention_bytes`).

  ## What a storage does

  It is one process, started with

    * `:name` - under which it is reached, and which the other callbacks are given,
    * `:scope`, `:node` - the scope it belongs to, and what this member is called,

  and the options it was plugged in with. A storage that has a process elsewhere starts one that only
  knows where.

    * Events come in batches of at most 1,000, each at least once, those of one origin nearly in order. One
      that is there already (`id`) is not kept twice.
    * Each batch comes with a `progress`, a small term. It is kept beside the events, in one transaction
      with them where there are any, and is `progress/1` after a restart: from there on events come
      again. A storage that forgets its events forgets it with them.
    * An append that fails, or whose process dies, is tried again, ever more rarely. Nothing else waits
      for it.
    * Questions are answered in stamp order, exactly: `ElixirScope.Distributed.Storage.Filter` says what
      each filter means, and does the work for a storage that reads events and looks at them.

  ## Example

  A storage that keeps what fits into an agent:

      defmodule MyApp.SmallStore do
        use Agent

        alias ElixirScope.Distributed.{GlobalClock, Storage, Storage.Filter}

        @behaviour Storage

        @impl Storage
        def start_link(options),
          do: Agent.start_link(fn -> %{events: %{}, progress: nil} end, name: options[:name])

        @impl Storage
        def append(store, events, progress) do
          new = Map.new(events, &{&1.id, &1})
          Agent.update(store, &%{events: Map.merge(&1.events, new), progress: progress})
        end

        @impl Storage
        def progress(store), do: {:ok, Agent.get(store, & &1.progress)}

        @impl Storage
        def query(store, filter), do: events_since(store, nil, filter)

        @impl Storage
        def events_since(store, cursor, filter) do
          events = store |> Agent.get(&Map.values(&1.events)) |> Filter.sort(filter.order)
          {:ok, Filter.answer(filter, events, cursor)}
        end

        @impl Storage
        def retain(store, from) do
          Agent.get_and_update(store, fn state ->
            kept = Map.filter(state.events, fn {_id, event} -> not Filter.before?(event, from) end)
            {{:ok, map_size(state.events) - map_size(kept)}, %{state | events: kept}}
          end)
        end

        @impl Storage
        def statistics(store) do
          stamps = for {_id, event} <- Agent.get(store, & &1.events), do: event.at
          sorted = Enum.sort(stamps, GlobalClock)
          %{events: length(sorted), oldest: List.first(sorted), newest: List.last(sorted)}
        end
      end

  `ElixirScope.Distributed.Case.StorageContract` tests any storage for all of this, and
  `ElixirScope.Distributed.Storages.Ets` is one that is small enough to begin with.
  """

  alias ElixirScope.Distributed.{Event, Storage.Filter, Types.GlobalTimestamp}

  @typedoc "What `start_link/1` was given as `:name`."
  @type t :: term

  @type matches :: matches([Event.t()])

  @typedoc "What was found, in one form or another: how many events it is, and what is missing."
  @type matches(found) :: %{
          events: found,
          count: non_neg_integer,
          dropped: non_neg_integer,
          more?: boolean
        }

  @typedoc "The place of an event in stamp order."
  @type cursor :: {GlobalTimestamp.t(), Event.origin(), seq :: pos_integer}

  @doc "Starts the storage's process, linked to the caller."
  @callback start_link(keyword) :: GenServer.on_start()

  @doc "Keeps events, those that are not there yet, and how far it was given everything."
  @callback append(t, [Event.t()], progress :: term) :: :ok | {:error, term}

  @doc "The last progress that was kept; `nil` if there is none."
  @callback progress(t) :: {:ok, term} | {:error, term}

  @doc """
  The events that match, in stamp order, and how many were lost in the stretch that is answered:
  by what its `:gap` events say, whatever the other filters.
  """
  @callback query(t, Filter.t()) :: {:ok, matches} | {:error, term}

  @doc """
  The same behind a cursor, in the filter's order: the pages of one question add up to its answer,
  also in what they say was lost.
  """
  @callback events_since(t, cursor | nil, Filter.t()) :: {:ok, matches} | {:error, term}

  @doc "Forgets what is older than `from`, and says how many events that were."
  @callback retain(t, from :: Filter.stamp()) :: {:ok, non_neg_integer} | {:error, term}

  @doc "How many events it has, the stamps of the first and the last one, and its own bounds."
  @callback statistics(t) :: %{
              required(:events) => non_neg_integer,
              required(:oldest) => GlobalTimestamp.t() | nil,
              required(:newest) => GlobalTimestamp.t() | nil,
              optional(atom) => term
            }
end
