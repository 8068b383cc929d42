defmodule ElixirScope.Distributed.Types do
  @moduledoc """
  The shapes that cross module and node boundaries.
  """

  defmodule GlobalTimestamp do
    @moduledoc """
    A moment as the whole cluster orders it: `{logical, physical_ns, node}`.

    The logical part comes first, so the tuple's own term order is **not** the
    clock's order. Sort with `ElixirScope.Distributed.GlobalClock.compare/2`.
    """

    @type t :: {logical :: non_neg_integer, physical_ns :: non_neg_integer, node}
  end

  defmodule ClusterNodeInfo do
    @moduledoc """
    What a node knows of one member of the cluster.

    `reason` says why a member is in its state, from the closed list in
    `ElixirScope.Distributed.Cluster.Reason`; `message` and `remedy` put it into words, where
    somebody asks. `nodedown_reason` is what the VM said when it lost the connection, `joined_at`
    when the node was first a member, and `down_since` since when it is gone.
    """

    alias ElixirScope.Distributed.Cluster.Reason
    alias ElixirScope.Distributed.Types.GlobalTimestamp

    @enforce_keys [:node, :status]
    defstruct [
      :node,
      :status,
      :last_seen,
      :reason,
      :message,
      :remedy,
      :nodedown_reason,
      :protocol,
      :incarnation,
      :offset,
      :digest,
      :joined_at,
      :down_since,
      capabilities: []
    ]

    @type status :: :up | :down | :joining | :unregistered
    @type reason :: Reason.t()
    @type t :: %__MODULE__{
            node: node,
            status: status,
            last_seen: GlobalTimestamp.t() | nil,
            capabilities: [atom],
            reason: reason,
            message: String.t() | nil,
            remedy: String.t() | nil,
            nodedown_reason: term,
            protocol: pos_integer | nil,
            incarnation: non_neg_integer | nil,
            offset: {offset_ns :: integer, uncertainty_ns :: non_neg_integer} | nil,
            digest: binary | nil,
            joined_at: GlobalTimestamp.t() | nil,
            down_since: GlobalTimestamp.t() | nil
          }
  end

  defmodule EventSyncMessage do
    @moduledoc """
    One step of the synchronisation between two nodes.

    `events_batch` is the framed blocks and control of the protocol, exactly as
    the native core made them; `since_global_clock` is the sender's floor: what
    is older it neither wants nor serves.
    """

    alias ElixirScope.Distributed.Types.GlobalTimestamp

    @enforce_keys [:source_node, :events_batch, :since_global_clock]
    defstruct [:source_node, :events_batch, :since_global_clock, :sent_at]

    @type t :: %__MODULE__{
            source_node: node,
            events_batch: binary,
            since_global_clock: GlobalTimestamp.t() | nil,
            sent_at: GlobalTimestamp.t() | nil
          }
  end

  defmodule GlobalClockUpdate do
    @moduledoc """
    One leg of the exchange by which two nodes learn how far apart their clocks are.

    A `:ping` carries the sender's stamp; the `:pong` answers with the ping's stamp
    in `echo` and the stamp at which it was received in `received_at`.
    """

    alias ElixirScope.Distributed.Types.GlobalTimestamp

    @enforce_keys [:source_node, :kind, :sent_at]
    defstruct [:source_node, :kind, :sent_at, :echo, :received_at]

    @type t :: %__MODULE__{
            source_node: node,
            kind: :ping | :pong,
            sent_at: GlobalTimestamp.t(),
            echo: GlobalTimestamp.t() | nil,
            received_at: GlobalTimestamp.t() | nil
          }
  end

  defmodule ClusterMessage do
    @moduledoc """
    One step of membership: who is there, in which incarnation, speaking what.

    `:hello` introduces a node and asks for the same, `:welcome` answers it: both carry the
    `protocol` versions the sender speaks as `{first, last}`, its `incarnation`, the
    `capabilities` it grants, its clock in `sent_at`, a `digest` of the code it has loaded, and
    what it knows of decisions in `register`. `:refused` says no with a reason, `:register` tells of
    decisions, `:view` says whom the sender hears, `:apps` and `:modules` tell in `code` which code it
    has loaded, and `:bye` says that it stops.
    """

    alias ElixirScope.Distributed.Cluster.{Hearing, Inventory, Protocol, Register}
    alias ElixirScope.Distributed.Types.{ClusterNodeInfo, GlobalTimestamp}

    @enforce_keys [:source_node, :kind]
    defstruct [
      :source_node,
      :kind,
      :protocol,
      :incarnation,
      :reason,
      :sent_at,
      :digest,
      :view,
      :code,
      capabilities: [],
      register: []
    ]

    @type t :: %__MODULE__{
            source_node: node,
            kind: :hello | :welcome | :refused | :register | :view | :apps | :modules | :bye,
            protocol: Protocol.range() | nil,
            incarnation: non_neg_integer | nil,
            reason: ClusterNodeInfo.reason(),
            sent_at: GlobalTimestamp.t() | nil,
            digest: binary | nil,
            view: Hearing.view() | nil,
            code: [Inventory.brief()] | [Inventory.full()] | nil,
            capabilities: [atom],
            register: [{node, Register.decision()}]
          }
  end

  defmodule TraceMessage do
    @moduledoc """
    One step of tracing several nodes as one.

    `:arm` carries an order and for how long it holds without being renewed, `:armed` and
    `:refused` answer it, `:renew` says that it is still wanted, which `:running` answers with
    what was recorded by then, `:disarm` ends traces (`trace` is a number or `:all`) and
    `:ended` tells what was recorded, or why a node ended a trace by itself. `ref` ties an
    answer to what was asked.
    """

    @enforce_keys [:source_node, :kind]
    defstruct [:source_node, :kind, :ref, :trace, :order, :lease_ms, :reason, :result, :sent_at]

    @type t :: %__MODULE__{
            source_node: node,
            kind: :arm | :armed | :refused | :renew | :running | :disarm | :ended,
            ref: reference | nil,
            trace: pos_integer | :all | nil,
            order: struct | nil,
            lease_ms: pos_integer | nil,
            reason: atom,
            result: term,
            sent_at: ElixirScope.Distributed.Types.GlobalTimestamp.t() | nil
          }
  end

  defmodule QueryMessage do
    @moduledoc """
    One step of a question about events, or of its answer. Nothing of a question is remembered
    where it is asked: what was lost is asked again, and who dies asks no more.

    `:holdings?` asks which events a member has, by origin and number, and `:holdings` tells; `:ask`
    asks for the next page of those that match a filter, within ranges of numbers and behind a
    cursor, and `:page` is that page; `:refused` says no, with a reason of a closed list. `ref` ties
    an answer to what was asked; `body` is a map, whose shape the kind says and
    `ElixirScope.Distributed.Query.Wire` checks.
    """

    @enforce_keys [:source_node, :kind, :ref]
    defstruct [:source_node, :kind, :ref, :sent_at, body: %{}]

    @type t :: %__MODULE__{
            source_node: node,
            kind: :holdings? | :holdings | :ask | :page | :refused,
            ref: reference,
            body: map,
            sent_at: ElixirScope.Distributed.Types.GlobalTimestamp.t() | nil
          }
  end
end
