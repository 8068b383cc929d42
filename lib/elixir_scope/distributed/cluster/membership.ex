defmodule ElixirScope.Distributed.Cluster.Membership do
  @moduledoc false
  # Who belongs to the scope, as a pure function of what was decided and what was heard.
  #
  # A node is wanted when a `Register` says so, or simply there; it is a member (`:up`)
  # once a handshake found a common protocol version. Who was put out stays out, also
  # through reconnects, until somebody wants it in again; members tell each other.
  #
  # Every function returns `{actions, membership}`; the actions are
  # `{:send, node, message}`, `{:connect, node}`, `{:diagnose, node}` and `{:changed, node, status}`.
  #
  # Invariant: at most `Roll.limit/0` nodes are known, and those that decisions name.

  import ElixirScope.Distributed.Cluster.Roll,
    only: [room: 2, lose: 3, note: 3, put: 4, put: 5, up?: 2]

  alias ElixirScope.Distributed.Cluster.{Decisions, Letter, Protocol, Register, Roll}
  alias ElixirScope.Distributed.Types.{ClusterMessage, ClusterNodeInfo, GlobalTimestamp}

  @refusals [:no_common_version, :unregistered, :refused, :malformed]

  defstruct [
    :node,
    :incarnation,
    :digest,
    capabilities: [],
    nodes: %{},
    register: %Register{}
  ]

  @type t :: %__MODULE__{
          node: node,
          incarnation: non_neg_integer,
          digest: binary | nil,
          capabilities: [atom],
          nodes: %{node => ClusterNodeInfo.t()},
          register: Register.t()
        }
  @type action ::
          {:send, node, ClusterMessage.t()}
          | {:connect, node}
          | {:diagnose, node}
          | {:changed, node, atom}
  @type step :: {[action], t}
  @type stamp :: GlobalTimestamp.t()

  defdelegate peers(membership), to: Roll
  defdelegate members(membership), to: Roll
  defdelegate missing(membership), to: Roll

  defdelegate register(membership, node, now), to: Decisions
  defdelegate set_up(membership, nodes, now), to: Decisions
  defdelegate propose(membership, nodes), to: Decisions
  defdelegate unregister(membership, node, now), to: Decisions

  @doc "The membership of a node that knows nobody yet, and what others may ask of it."
  @spec new(node, non_neg_integer, [atom]) :: t
  def new(node, incarnation, capabilities \\ [:record, :query]),
    do: %__MODULE__{node: node, incarnation: incarnation, capabilities: capabilities}

  @doc """
  The same membership after whoever kept it began again, perhaps as another incarnation or under
  another name: decisions hold, and who is there is found out anew.
  """
  @spec resume(t, t) :: t
  def resume(fresh, old) do
    nodes = for {node, info} <- old.nodes, node != fresh.node, into: %{}, do: {node, again(info)}
    %{fresh | nodes: nodes, register: old.register, digest: old.digest}
  end

  @doc "The transport can reach `node`: introduce ourselves, unless it is to stay out."
  @spec up(t, node) :: step
  def up(membership, node) do
    if Register.out?(membership.register, node),
      do: {[], membership},
      else: with_room(membership, node, &greet(&1, node))
  end

  @doc "The transport can no longer reach `node`, and says why."
  @spec down(t, node, term, stamp) :: step
  def down(membership, node, why, now) do
    membership = note(membership, node, nodedown_reason: why)

    case membership.nodes[node] do
      %{status: :up} ->
        {[{:changed, node, :down}, {:diagnose, node}], lose(membership, node, now)}

      %{status: :joining} ->
        {[{:diagnose, node}], lose(membership, node, now)}

      _out ->
        {[], membership}
    end
  end

  @doc "What `from` says about membership; `seen` is the present stamp."
  @spec heard(t, node, ClusterMessage.t(), stamp) :: step
  def heard(%{node: node} = membership, node, _message, _seen), do: {[], membership}

  def heard(membership, from, message, seen) do
    {actions, membership} = hear(membership, from, message, seen)
    {actions, note(membership, from, last_seen: seen)}
  end

  @doc "What `from` says cannot be read."
  @spec malformed(t, node) :: step
  def malformed(membership, from) do
    refusal = Letter.refuse(membership, from, :malformed)

    case membership.nodes[from] do
      %{status: :joining} -> {[refusal], put(membership, from, :down, :malformed)}
      _member_or_stranger -> {[refusal], membership}
    end
  end

  @doc "The message by which this node takes its leave."
  @spec farewell(t) :: ClusterMessage.t()
  def farewell(membership), do: Letter.bye(membership)

  defp left(membership, from, seen) do
    changed = if up?(membership, from), do: [{:changed, from, :down}], else: []
    membership = if changed == [], do: membership, else: lose(membership, from, seen)
    {changed, note(membership, from, joined_at: nil, reason: :left)}
  end

  # What is heard

  defp hear(membership, from, %{kind: :bye}, seen) do
    case membership.nodes do
      %{^from => %{status: :unregistered}} -> {[], membership}
      %{^from => _known} -> left(membership, from, seen)
      _strangers -> {[], membership}
    end
  end

  defp hear(membership, from, %{kind: :refused, reason: reason}, seen) do
    cond do
      not is_map_key(membership.nodes, from) -> {[], membership}
      Register.out?(membership.register, from) -> {[], membership}
      true -> refused(membership, from, reason, seen)
    end
  end

  # Who tells us what it sees believes to be a member.
  defp hear(membership, from, %{kind: kind} = message, seen)
       when kind in [:view, :apps, :modules, :register] do
    cond do
      Register.out?(membership.register, from) ->
        {[Letter.refuse(membership, from, :unregistered)], membership}

      not up?(membership, from) ->
        up(membership, from)

      kind == :register ->
        learn(membership, message, seen)

      true ->
        {[], membership}
    end
  end

  defp hear(membership, from, message, seen) do
    if Register.out?(membership.register, from),
      do: {[Letter.refuse(membership, from, :unregistered)], membership},
      else: with_room(membership, from, &meet(&1, from, message, seen))
  end

  defp meet(membership, from, message, seen) do
    case Protocol.common(Protocol.ours(), message.protocol) do
      nil -> no_common_version(membership, from)
      version -> admit(membership, from, version, message, seen)
    end
  end

  defp greet(membership, node) do
    hello = Letter.hello(membership, node)

    if up?(membership, node) or refused?(membership, node),
      do: {[hello], membership},
      else: {[hello], put(membership, node, :joining, :no_library)}
  end

  defp with_room(membership, node, fun) do
    case room(membership, node) do
      {:ok, membership} -> fun.(membership)
      :full -> {[], membership}
    end
  end

  defp refused(membership, from, reason, seen) do
    changed = if up?(membership, from), do: [{:changed, from, :down}], else: []
    {changed, membership |> lose(from, seen) |> note(from, reason: reason)}
  end

  defp admit(membership, from, version, message, seen) do
    known = membership.nodes[from]
    reply = if message.kind == :hello, do: [Letter.welcome(membership, from)], else: []
    changed = if same?(known, message), do: [], else: [{:changed, from, :up}]

    membership =
      put(membership, from, :up, arrival(known, message), arrived(known, version, message, seen))

    Decisions.and_then({reply ++ changed, membership}, &learn(&1, message, seen))
  end

  defp arrived(known, version, message, seen) do
    [
      protocol: version,
      incarnation: message.incarnation,
      capabilities: message.capabilities,
      digest: message.digest,
      nodedown_reason: nil,
      down_since: nil,
      joined_at: (known && known.joined_at) || seen
    ]
  end

  defp learn(membership, message, seen),
    do: Decisions.adopt(membership, Register.merge(membership.register, message.register, seen))

  # Without a word of the VM in between, only the scope began again.
  defp arrival(%{incarnation: old} = known, %{incarnation: new})
       when is_integer(old) and old != new,
       do: if(known.nodedown_reason == nil, do: :other_incarnation, else: :restarted)

  # The second half of the same handshake.
  defp arrival(%{status: :up, reason: reason}, _message), do: reason
  defp arrival(_known, _message), do: nil

  # One that began anew without a word of the VM in between has come, too.
  defp same?(known, message),
    do: match?(%{status: :up}, known) and known.incarnation == message.incarnation

  defp no_common_version(membership, from) do
    changed = if up?(membership, from), do: [{:changed, from, :down}], else: []

    {[Letter.refuse(membership, from, :no_common_version) | changed],
     put(membership, from, :down, :no_common_version)}
  end

  # Helpers

  # It said no on the connection that still stands: that holds until it says something else.
  defp refused?(membership, node) do
    case membership.nodes[node] do
      %{status: :down, nodedown_reason: nil, reason: reason} -> reason in @refusals
      _other -> false
    end
  end

  defp again(%{status: :unregistered} = info), do: info
  defp again(%{status: :down} = info), do: info
  defp again(info), do: %{info | status: :joining, reason: :connecting}
end
