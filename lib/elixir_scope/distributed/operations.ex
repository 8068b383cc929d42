defmodule ElixirScope.Distributed.Operations do
  @greeting [
    protocol: :protocol,
    incarnation: :incarnation,
    capabilities: :capabilities,
    digest: :digest,
    register: :register
  ]
  @batch [events_batch: :batch, since_global_clock: :floor]
  @batches {2_000, 4_000}
  @answers {200, 400}
  # Each of these may be an event, a line in the log, and work for every member.
  @comings {2, 40}

  # Name, kind, needs, rate, what it takes, and what it is.
  @cluster [
    {:hello, :hello, nil, @comings, @greeting, "introduces a node and asks for the same"},
    {:welcome, :welcome, nil, @comings, @greeting, "answers that"},
    {:refused, :refused, nil, @comings, [protocol: :protocol, reason: :reason],
     "says no to an introduction, and why"},
    {:register, :register, nil, {20, 60}, [register: :register],
     "tells who was decided to be in or out"},
    {:view, :view, nil, {250, 500}, [view: :view], "tells whom it hears"},
    {:apps, :apps, nil, {5, 20}, [digest: :digest, code: :apps],
     "tells which applications it has loaded"},
    {:modules, :modules, nil, {5, 20}, [code: :modules], "tells their modules"},
    {:bye, :bye, nil, @comings, [], "takes leave"}
  ]

  @clock [
    {:ping, :ping, nil, {500, 1_000}, [sent_at: :stamp], "asks for the time"},
    {:pong, :pong, nil, {500, 1_000}, [sent_at: :stamp, echo: :stamp, received_at: :stamp],
     "answers that"}
  ]

  @sync [
    {:sync_ack, :ack, nil, @batches, @batch, "has heard"},
    {:sync_digest, :digest, nil, @batches, @batch, "tells what it has, by numbers"},
    {:sync_pull, :pull, :record, @batches, @batch, "asks for events that this node has"},
    {:sync_more, :more, :record, @batches, @batch, "goes on with that"},
    {:sync_data, :data, nil, @batches, @batch,
     "brings events, which are refused if this node did not ask for them"},
    {:sync_now, :sync, nil, @batches, @batch, "asks to be told when both have the same"},
    {:sync_settled, :settled, nil, @batches, @batch, "answers that"},
    {:sync_audit, :audit, :record, @batches, @batch,
     "asks whether the same is held under some numbers"},
    {:sync_differs, :differs, nil, @batches, @batch, "answers that it is not"},
    {:sync_unknown, :unknown, nil, {5, 20}, @batch, "is refused and counted by the core"}
  ]

  @trace [
    {:trace_arm, :arm, :trace, {20, 100}, [ref: :ref, order: :order, lease_ms: :lease_ms],
     "orders a trace"},
    {:trace_renew, :renew, :trace, @answers, [trace: :id], "still wants it"},
    {:trace_disarm, :disarm, :trace, {20, 100}, [ref: :ref, trace: :which, reason: :end],
     "ends traces, its own or others'"},
    {:trace_armed, :armed, nil, @answers, [ref: :ref, result: :summary], "has begun it"},
    {:trace_refused, :refused, nil, @answers, [ref: :ref, result: :error], "has not, and why"},
    {:trace_running, :running, nil, @answers, [trace: :id, result: :summary], "still traces"},
    {:trace_disarmed, :disarmed, nil, @answers, [ref: :ref, result: :summaries],
     "has ended them"},
    {:trace_ended, :ended, nil, @answers, [trace: :id, result: :summary], "ended it by itself"}
  ]

  @query [
    {:query_holdings, :holdings?, :query, @answers, [ref: :asked, body: :holdings?],
     "asks which events this node has, by numbers"},
    {:query_page, :ask, :query, @batches, [ref: :asked, body: :ask],
     "asks for the next page of those that match a filter"},
    {:query_has, :holdings, nil, @answers, [ref: :asked, body: :holdings], "answers the first"},
    {:query_gives, :page, nil, @batches, [ref: :asked, body: :page], "answers the second"},
    {:query_refused, :refused, nil, @batches, [ref: :asked, body: :refused],
     "does not answer, and says why"}
  ]

  @moduledoc """
  What a member can ask of another one, or tell it: this table, and nothing else. A message that is
  none of these, or whose parts are not of the types that stand here, is refused, counted, and
  noted in the log once. None takes a function, or a module with a function and arguments, to be
  called.

  What an operation *needs* is a capability that a node grants by its options `allow:` and `serve:`.
  Whoever asks without it gets nothing done; an operation that waits for an answer is told so.
  Every message also says when it was sent (`sent_at`), which the clock hears.
  The *rate* is how many messages of the kind a node takes from each member: so many in a second,
  and so many at once. What comes beyond that is dropped and counted; all that travels may be lost
  anyway, and is asked for again.

  | operation | needs | rate | takes | what the sender does |
  |---|---|---|---|---|
  #{for {name, _kind, needs, {per_s, burst}, takes, what} <- @cluster ++ @clock ++ @sync ++ @trace ++ @query do
    takes = Enum.map_join(takes, ", ", fn {field, type} -> if field == type, do: "`#{type}`", else: "`#{field}` (#{type})" end)
    "| `#{name}` | #{if needs, do: inspect(needs)} | #{per_s}/s, #{burst} | #{takes} | #{what} |\n"
  end}

  ## Capabilities

  | capability | without it |
  |---|---|
  | `:record` | no copies: nobody is told which events the node has, or gets them in the background, and it keeps none of others' but for what its own questions bring |
  | `:query` | no question of others is answered |
  | `:trace` | nothing is traced here, whoever asks |
  | `:replay` | nothing is replayed here (`ElixirScope.Distributed.Replay`): nobody can ask that of another node |
  | `:debug` | nothing here is interpreted, stopped or evaluated, whoever asks: see `ElixirScope.Distributed.Debug.Operations` |
  | `:inject` | nothing is traced from here in nodes without the library |

  `:debug`, `:replay` and `:inject` are not granted unless they are named.

  `serve: :queries` grants others no more than `:record` and `:query`, `serve: :none` nothing. What
  members decide about who belongs to the cluster (`register`) is heard in any case: it is no order to
  a node, but what all of them have to agree on.

      iex> ElixirScope.Distributed.Operations.grants(allow: [:query, :trace], serve: :queries)
      [:query]
      iex> ElixirScope.Distributed.Operations.named(:trace_arm).needs
      :trace
  """

  alias ElixirScope.Distributed.Capture.{Conductor, Wire}
  alias ElixirScope.Distributed.{Cluster, EventSynchronizer, GlobalClock, NodeCoordinator, Query}
  alias ElixirScope.Distributed.Sync
  alias ElixirScope.Distributed.Operations.Shape

  alias ElixirScope.Distributed.Types.{
    ClusterMessage,
    EventSyncMessage,
    GlobalClockUpdate,
    QueryMessage,
    TraceMessage
  }

  @capabilities [:record, :query, :trace, :debug, :replay, :inject]
  @served %{all: @capabilities, queries: [:record, :query], none: []}

  @typedoc """
  One operation: the `message` and its `kind`, which process takes it (`role`), what it `needs`, its
  `rate` (per second, at once), and the fields it `takes` with their types, which `reader` checks.
  """
  @type t :: %{
          name: atom,
          message: module,
          kind: atom,
          role: module,
          reader: module,
          needs: capability | nil,
          rate: {per_s :: pos_integer, burst :: pos_integer},
          takes: keyword(atom)
        }
  @type capability :: :record | :query | :trace | :debug | :replay | :inject

  @table for {message, role, reader, rows} <- [
               {ClusterMessage, NodeCoordinator, Cluster.Wire, @cluster},
               {GlobalClockUpdate, GlobalClock, Shape, @clock},
               {EventSyncMessage, EventSynchronizer, Sync.Wire, @sync},
               {TraceMessage, Conductor, Wire, @trace},
               {QueryMessage, Query.Host, Query.Wire, @query}
             ],
             {name, kind, needs, rate, takes, _what} <- rows,
             do: %{
               name: name,
               message: message,
               kind: kind,
               role: role,
               reader: reader,
               needs: needs,
               rate: rate,
               takes: takes
             }

  @by_kind Map.new(@table, &{{&1.message, &1.kind}, &1})
  @by_name Map.new(@table, &{&1.name, &1})
  @messages Enum.uniq(Enum.map(@table, & &1.message))

  @doc """
  Every operation.

      iex> length(ElixirScope.Distributed.Operations.all()) > 20
      true
  """
  @spec all() :: [t]
  def all, do: @table

  @doc """
  The operation of that name.

      iex> ElixirScope.Distributed.Operations.named(:hello).rate
      {2, 40}
  """
  @spec named(atom) :: t
  def named(name), do: Map.fetch!(@by_name, name)

  @doc """
  Every capability that `allow:` can name.

      iex> :debug in ElixirScope.Distributed.Operations.capabilities()
      true
  """
  @spec capabilities() :: [capability]
  def capabilities, do: @capabilities

  @doc """
  What the checked options of a scope grant others.

      iex> ElixirScope.Distributed.Operations.grants(allow: [:query], serve: :none)
      []
  """
  @spec grants(keyword) :: [capability]
  def grants(options),
    do: Enum.filter(options[:allow], &(&1 in Map.fetch!(@served, options[:serve])))

  @doc false
  # Which process would have taken it, had it been an operation.
  @spec role(term) :: module | nil
  def role(%{__struct__: message}),
    do: Enum.find_value(@table, &(&1.message == message and &1.role)) || nil

  def role(_other), do: nil

  @doc false
  # Which operation a term from elsewhere is; what it takes is not looked at.
  @spec find(term) :: {:ok, t} | {:error, :form | :kind}
  def find(%{__struct__: message} = term) when message in @messages do
    case Map.fetch(@by_kind, {message, kind(term)}) do
      {:ok, operation} -> {:ok, operation}
      :error -> {:error, :kind}
    end
  end

  def find(_other), do: {:error, :form}

  @doc false
  # Both in one.
  @spec read(node, term) :: {:ok, struct} | {:error, atom}
  def read(from, term),
    do: with({:ok, operation} <- find(term), do: read(operation, from, term))

  @doc false
  # The message of `from`, made anew of what the operation takes and when it was sent, or what is
  # wrong with it.
  @spec read(t, node, term) :: {:ok, struct} | {:error, atom}
  def read(operation, from, %{source_node: from} = term) do
    with {:ok, sent_at} <- sent_at(Map.get(term, :sent_at)) do
      known = [source_node: from, kind: operation.kind, sent_at: sent_at]
      message = struct(operation.message, known)
      Enum.reduce_while(operation.takes, {:ok, message}, &field(&1, &2, operation.reader, term))
    end
  end

  def read(_operation, _from, _term), do: {:error, :source_node}

  defp sent_at(stamp),
    do: with(:error <- Shape.check(:sent_at, stamp), do: {:error, :sent_at})

  defp field({field, type}, {:ok, message}, reader, term) do
    case reader.check(type, Map.get(term, field)) do
      {:ok, value} -> {:cont, {:ok, Map.put(message, field, value)}}
      {:error, part} -> {:halt, {:error, part}}
      :error -> {:halt, {:error, type}}
    end
  end

  defp kind(%{__struct__: EventSyncMessage, events_batch: batch}), do: Sync.Frame.kind(batch)
  defp kind(%{__struct__: EventSyncMessage}), do: nil
  defp kind(term), do: Map.get(term, :kind)
end
