defmodule ElixirScope.Distributed.Query.Page do
  @moduledoc false
  # Answers in pages, which are what members send each other.
  #
  # A page is the next matching events behind a cursor, in the order of the filter, in the
  # core's encoded form. Who is asked remembers nothing: filter, ranges and cursor are in
  # every question, so a page that was lost is asked for again, and who asks no more has
  # cancelled. Pages of one question add up to its answer, each event once, and their
  # `dropped` to what was lost in its ranges.
  #
  # What has a number stays what it is. So a question whose ranges end at numbers that are
  # held is about the same events however long it takes, and none of them can come late;
  # `holdings/1` and `head/1` tell these numbers, of all that was recorded before the call.
  # With an open end, events may come while pages are read: those with a stamp before the
  # cursor are late, and not in any page that follows. Who wants them asks by number, for
  # what lies behind the last number that he has, and knows by `complete_to` how old it
  # can be.

  alias ElixirScope.Distributed.{Event, Native}
  alias ElixirScope.Distributed.Query.Pairs
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # Bytes of a page before compression, unless said otherwise. One event more than fits may
  # be as large as a capture allows.
  @bytes 192 * 1024

  # Events that are read at once, where nobody says how many.
  @part 2_048

  @typedoc "A filter as `Storages.Native.native_filter/1` makes it of a checked one."
  @type filter :: map

  @typedoc "A run of numbers of an origin, both ends included. Nodes are in text: they may be unknown here."
  @type run ::
          {node :: String.t(), incarnation :: non_neg_integer, first :: pos_integer,
           last :: pos_integer | :infinity}

  @typedoc "Which events a question is about; runs may overlap, and several may be of one origin."
  @type ranges :: :all | [run]

  @typedoc """
  A place in the order, to go on behind; `nil` is the beginning. It need not be the place of an event:
  then the node is empty.
  """
  @type cursor ::
          {logical :: 0..255, physical_ns :: non_neg_integer, node :: String.t(),
           incarnation :: non_neg_integer, seq :: non_neg_integer}
          | nil

  @type stamp :: {logical :: 0..255, physical_ns :: non_neg_integer}

  @typedoc "Behind the cursor so many events at most are gone, the newest with that stamp."
  @type expired :: %{newest: stamp, events: pos_integer} | nil

  @typedoc """
  One page. It can be without events and yet have `more`, when many blocks had to be looked into;
  its cursor is further on then. `dropped` are events that were lost within the given ranges and the
  page's stretch of time: what gaps say there, and what cannot be read.
  """
  @type t :: %{
          page: binary,
          count: non_neg_integer,
          more: boolean,
          cursor: cursor,
          dropped: non_neg_integer,
          expired: expired
        }

  @doc """
  The next page, of everything that was recorded before the call. The filter's `limit` counts for the
  page, and 8,192 events are the most in any case; `max_bytes` is before compression.
  """
  @spec read(Storage.t(), filter, ranges, cursor, max_bytes :: pos_integer) :: t
  def read(store, filter, ranges, cursor \\ nil, max_bytes \\ @bytes),
    do: Native.page_read(store, filter, ranges, cursor, max_bytes)

  @doc """
  The events of a page, which nobody vouches for; those whose terms are damaged are left out. It takes
  memory by the size of the page, and makes no atom that is not counted.
  """
  @spec events(binary) :: {:ok, [Event.t()]} | {:error, String.t()}
  def events(page), do: Native.page_events(page)

  @doc """
  What is held of every origin: ascending runs, several where numbers between are missing. What is
  below the first of them is gone here or never came.
  """
  @spec holdings(Storage.t()) :: [
          {node :: String.t(), incarnation :: non_neg_integer, first :: pos_integer,
           last :: pos_integer}
        ]
  def holdings(store), do: Native.page_holdings(store)

  @doc """
  The own origin, the last number it gave, 0 for none, and a stamp: what is recorded from now on has no
  older one.
  """
  @spec head(Storage.t()) ::
          {node :: String.t(), incarnation :: non_neg_integer, seq :: non_neg_integer,
           complete_to :: stamp}
  def head(store), do: Native.page_head(store)

  # Pages of others and what is here, as one

  @typedoc "What is here and what members answer, read in one order."
  @type union :: reference

  @typedoc """
  The next events, as structs or as what the core holds of them (`t:found/0`), and how it stands. `need`
  are the members of which no page is at hand: nothing more comes before each of them is fed or closed.
  `dropped` and `expired` are of everything that was read so far; `cursor` is the place of the last event, at
  first the one that was given. `messages` is the stretch of time in which the sends and receives among the
  events lie.
  """
  @type step(events) :: %{
          events: events,
          count: non_neg_integer,
          need: [member :: non_neg_integer],
          done?: boolean,
          dropped: non_neg_integer,
          expired: expired,
          cursor: cursor,
          messages: Pairs.stretch() | nil
        }

  @typedoc "Events that stay in the core: for exports, and for pairing."
  @type found :: reference

  @doc """
  Begins to read what matches: `ranges` here, and the pages that so many members will give, counted from
  0. An open end here is closed by what is held now, and `:all` is what is held now: what is recorded
  later is not of this question, so nothing of it can come late.
  """
  @spec open(Storage.t(), filter, ranges, cursor, members :: non_neg_integer) :: union
  def open(store, filter, ranges, cursor, members),
    do: Native.page_open(store, filter, ranges, cursor, members)

  @doc """
  Takes the next page of a member, as `read/5` answered it there. A page is refused whose events are not
  behind those of the pages before it, or when four of that member are at hand; the union is as it was.
  """
  @spec feed(union, member :: non_neg_integer, t) :: :ok | {:error, String.t()}
  def feed(union, member, page), do: Native.page_feed(union, member, page)

  @doc "Nothing more is to be had of a member; what is at hand of it comes in its turn."
  @spec close(union, member :: non_neg_integer) :: :ok
  def close(union, member), do: Native.page_close(union, member)

  @doc "The next events, at most so many, as far as it can be told that they are next."
  @spec next(union, most :: pos_integer) :: step([Event.t()])
  def next(union, most), do: Native.page_next(union, most)

  @doc "The same without making terms of them."
  @spec take(union, most :: pos_integer) :: step(found)
  def take(union, most), do: Native.page_take(union, most)

  @doc """
  The last state of the filter's one process that is held here, at or before the filter's end; what else
  the filter says does not matter.
  """
  @spec state(Storage.t(), filter) :: Event.t() | nil
  def state(store, filter), do: Native.page_state(store, filter)

  @doc """
  Gives what matches here to `take`, a part at a time, until that has enough. It is a source of messages
  for `ElixirScope.Distributed.Query.Pairs`, for who has no others.
  """
  @spec each(Storage.t(), filter, (found -> :more | :done)) :: []
  def each(store, filter, take), do: store |> open(filter, :all, nil, 0) |> each_of(take)

  defp each_of(union, take) do
    step = take(union, @part)
    if take.(step.events) == :done or step.done?, do: [], else: each_of(union, take)
  end
end
