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
  alias ElixirScope.Distributed.Storages.Native, as: Storage

  # Bytes of a page before compression, unless said otherwise. One event more than fits may
  # be as large as a capture allows.
  @bytes 192 * 1024

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
end
