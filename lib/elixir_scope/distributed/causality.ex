defmodule ElixirScope.Distributed.Causality do
  @moduledoc """
  One picture of an answer: what happened on all nodes, and what led to what.

      {:ok, picture} = ElixirScope.Distributed.Causality.build(correlation_id: "r-17")
      ElixirScope.Distributed.Causality.rows(picture, 0, 20)

  Every view and export is made from one. It is a value: it can be kept, given to others on this node, and
  asked as often as one likes; what is recorded later is not in it. The events stay encoded in the
  native core, a few dozen bytes each, and only those that are shown become terms.

  ## The order

  Events of different nodes are stamped by different clocks, and a message can seem to arrive before it
  was sent. In a picture every event stands behind its causes: its *place* is its position in causal
  order, from 0. Where no cause is stamped behind its effect, that is the order of the stamps. An event
  that had to be moved says by how much its clock was behind at least (`behind_ns` of `rows/3`).

  Causes are

    * what the same process did before;
    * the send of a message, for its receive, where the two are a pair that is `:exact` or `:likely` (see
      `ElixirScope.Distributed.Event`); an `:ambiguous` one orders nothing;
    * the `:spawn` of a process, for what it did first;
    * the `:exit` of a process, for what others saw of it: the exit signal or `:DOWN` that they received,
      or their own end for the same reason where they were linked with it;
    * the `:link` to a process, for its `:exit`, where the one that made the link saw that.

  What happened cannot lead back to itself. Where pairs say so, one that was only likely is wrong: the
  least sure of them is left out, and counted in `about.left_out`.

  ## What is not known

  What was lost is shown by `:gap` events, which are in the picture like others, and orders nothing.
  Where no known cause orders two events, but one that is not known could, their relation is `:unknown`;
  see `relation/3`.
  """

  alias ElixirScope.Distributed.{Error, Event}
  alias ElixirScope.Distributed.Causality.{Core, Named, Shown, Source}
  alias ElixirScope.Distributed.Event.Id
  alias ElixirScope.Distributed.Query.{Result, Survey}

  @enforce_keys [:picture, :about]
  defstruct [:picture, :about, :events, :survey]

  @typedoc """
  A picture. `about` says what it is of: the `nodes` that were asked, and of `missing`, `dropped`,
  `expired` and `more?` what a `ElixirScope.Distributed.Query.Result` says; how many `events`, `edges`
  between processes, `corrections` and `gaps` there are, and how many pairs were `left_out`.
  """
  @type t :: %__MODULE__{
          picture: reference,
          about: %{
            nodes: [node],
            missing: %{node => term},
            dropped: non_neg_integer,
            expired: non_neg_integer,
            more?: boolean,
            events: non_neg_integer,
            edges: non_neg_integer,
            corrections: non_neg_integer,
            left_out: non_neg_integer,
            gaps: non_neg_integer
          },
          events: tuple | nil,
          survey: Survey.t() | nil
        }

  @typedoc "What a picture is made of: filters, an answer, a list of events, or a picture."
  @type source :: keyword | map | Result.t() | [Event.t()] | t

  @typedoc "A position in causal order, from 0."
  @type place :: non_neg_integer

  @type id :: {Event.origin(), seq :: pos_integer}

  @typedoc "An edge into an event, and how sure it is."
  @type cause :: %{
          place: place,
          kind: :message | :spawn | :link | :exit,
          sure: :exact | :likely | :ambiguous
        }

  @typedoc """
  An event with what is known of it: its place, the index of its process among `processes/1`, by how many
  nanoseconds its clock was behind at least, and its causes besides what the same process did before.
  `possible` are what may be causes and order nothing: candidates of an ambiguous message, and pairs that
  were left out.
  """
  @type row :: %{
          place: place,
          event: Event.t(),
          process: non_neg_integer | nil,
          behind_ns: non_neg_integer,
          causes: [cause],
          possible: [cause]
        }

  @type process :: %{
          index: non_neg_integer,
          node: node,
          pid: pid | String.t(),
          events: non_neg_integer,
          first: place | nil,
          last: place | nil
        }

  @typedoc """
  One step of a critical path: between which places, what it was, how sure, and how long it took. `what` is
  `:process` (it went on), `:waiting` (it waited for a message of which nothing later is known), or how it
  went from process to process. Within a node `ns` is by its own clock; between nodes it may be wrong by
  `uncertain_ns`, which their clocks may differ.
  """
  @type step :: %{
          from: place,
          to: place,
          what: :process | :waiting | :message | :spawn | :link | :exit,
          sure: :exact | :likely,
          ns: non_neg_integer,
          uncertain_ns: non_neg_integer
        }

  @doc """
  The picture of a source.

  Filters are those of `ElixirScope.Distributed.query/2`, with `limit: 10_000` by default and up to
  1,000,000. What the limit cut is said in `about.more?`. A result or a list of events takes no scope, and
  may hold the events in any order; of events with one id the first counts.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   id: {{:web@host, 1}, 1}, at: {0, 1_000, :web@host}, node: :web@host, kind: :mark, subject: :paid
      ...> }
      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([event])
      iex> {picture.about.events, picture.about.nodes}
      {1, [:web@host]}

      iex> {:error, error} = ElixirScope.Distributed.Causality.build([:not_an_event])
      iex> error.reason
      :not_an_event
  """
  @spec build(source) :: {:ok, t} | {:error, Error.t()} | {:error, atom, String.t()}
  defdelegate build(source), to: Source

  @doc """
  How many events are in it.

      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([])
      iex> ElixirScope.Distributed.Causality.size(picture)
      0
  """
  @spec size(t) :: non_neg_integer
  def size(%__MODULE__{about: %{events: events}}), do: events

  @doc """
  The place of an event, `nil` where it is not in the picture.

      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([])
      iex> ElixirScope.Distributed.Causality.place(picture, {{:web@host, 1}, 1})
      nil
  """
  @spec place(t, Id.given()) :: place | nil
  def place(%__MODULE__{picture: picture} = of, given) do
    case id(of, given) do
      {:ok, id} -> Core.place(picture, id)
      {:error, _unknown} -> nil
    end
  end

  @doc """
  The id that is meant by an id, an event, or an id as text (`ElixirScope.Distributed.Event.Id`), which may
  leave out which start of its node it was, where this picture has one of it. Every function here takes
  any of these for an id.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   id: {{:web@host, 1763}, 1}, at: {0, 1_000, :web@host}, node: :web@host, kind: :mark, subject: :paid
      ...> }
      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([event])
      iex> ElixirScope.Distributed.Causality.id(picture, "web@host#1")
      {:ok, {{:web@host, 1763}, 1}}
      iex> ElixirScope.Distributed.Causality.place(picture, "web@host/1763#1")
      0
  """
  @spec id(t, Id.given()) :: {:ok, id} | {:error, Error.t()}
  def id(%__MODULE__{} = picture, given), do: Named.id(given, fn -> seen(picture) end)

  defp seen(picture) do
    processes = for %{events: n} = process when n > 0 <- processes(picture), do: process
    %{processes: processes, size: size(picture), rows: &rows(picture, &1, &2)}
  end

  @doc """
  Every process that did something, or that an event is about: those have no events of their own.

      ElixirScope.Distributed.Causality.processes(picture)
  """
  @spec processes(t) :: [process]
  def processes(%__MODULE__{picture: picture}), do: Core.processes(picture)

  @doc """
  Some events in causal order with what is known of each, from a place on. Only these become terms.

      ElixirScope.Distributed.Causality.rows(picture, 0, 20)
  """
  @spec rows(t, place, non_neg_integer) :: [row]
  def rows(%__MODULE__{} = picture, from, count), do: Shown.rows(picture, from, count)

  @doc """
  The events at some places, in their order, as `ElixirScope.Distributed.events/1` shows them.

      ElixirScope.Distributed.Causality.events(picture, [0, 7])
  """
  @spec events(t, [place]) :: [Event.t()]
  def events(%__MODULE__{} = picture, places), do: Shown.events(picture, places)

  @doc """
  How one event stands to another.

    * `:before`, `:after` - known causes lead from the one to the other;
    * `:equal` - they are the same;
    * `:unknown` - no known cause orders them, but one that is not known could, or one of them is not in
      the picture;
    * `:concurrent` - neither.

  What could order them is: a candidate of an ambiguous message; a pair that was left out; and what was
  lost. Of a node that lost events any event up to its last `:gap` may have led to a lost one, and a lost
  one to any event of that node; a message without its other half may have gone into what was lost, or
  come from there, if its other side is that node or is not known. A node that did not answer lost events
  at any time.

  It is about the events of this picture: what a filter or the limit left out orders nothing.

      ElixirScope.Distributed.Causality.relation(picture, one.id, other.id)
  """
  @spec relation(t, Id.given(), Id.given()) :: :before | :after | :concurrent | :equal | :unknown
  def relation(%__MODULE__{picture: picture} = of, one, other) do
    with {:ok, one} <- id(of, one), {:ok, other} <- id(of, other) do
      Core.relation(picture, one, other)
    else
      {:error, _unknown} -> :unknown
    end
  end

  @doc """
  The places of everything that can have influenced an event, ascending: what led to it.

      {:ok, places} = ElixirScope.Distributed.Causality.led_to(picture, crash.id)
      ElixirScope.Distributed.Causality.events(picture, places)
  """
  @spec led_to(t, Id.given()) :: {:ok, [place]} | {:error, :unknown_event}
  def led_to(%__MODULE__{picture: picture} = of, id),
    do: with({:ok, id} <- id(of, id), do: Core.led_to(picture, id)) |> known()

  @doc """
  The places of everything that an event can have influenced, ascending.

      {:ok, places} = ElixirScope.Distributed.Causality.influenced(picture, call.id)
  """
  @spec influenced(t, Id.given()) :: {:ok, [place]} | {:error, :unknown_event}
  def influenced(%__MODULE__{picture: picture} = of, id),
    do: with({:ok, id} <- id(of, id), do: Core.influenced(picture, id)) |> known()

  @doc """
  What took the time from one event to another: back from the last one, at each step to the cause that
  came latest of those that come from the first. Without steps where none leads from one to the other.

      {:ok, steps} = ElixirScope.Distributed.Causality.critical_path(picture, call.id, return.id)
  """
  @spec critical_path(t, Id.given(), Id.given()) :: {:ok, [step]} | {:error, :unknown_event}
  def critical_path(%__MODULE__{picture: picture} = of, from, to) do
    with {:ok, from} <- id(of, from), {:ok, to} <- id(of, to) do
      picture |> Core.path(from, to) |> known()
    else
      {:error, _unknown} -> known(nil)
    end
  end

  @doc """
  The critical path of a correlation: from its first event to its last one, by place.

      {:ok, steps} = ElixirScope.Distributed.Causality.critical_path(picture, "r-17")
  """
  @spec critical_path(t, correlation_id :: term) ::
          {:ok, [step]} | {:error, :unknown_correlation}
  def critical_path(%__MODULE__{picture: picture} = of, correlation_id) do
    case Core.correlated(picture, correlation_id) do
      nil -> {:error, :unknown_correlation}
      {from, to} -> critical_path(of, from, to)
    end
  end

  defp known(nil), do: {:error, :unknown_event}
  defp known({:error, %Error{}}), do: {:error, :unknown_event}
  defp known(known), do: {:ok, known}
end
