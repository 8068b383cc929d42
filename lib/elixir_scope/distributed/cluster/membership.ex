defmodule ElixirScope.Distributed.Cluster.Membership do
  @moduledoc false
  # Who belongs to the scope, as a pure function of what was asked and what was heard.
  #
  # A node is wanted when somebody registered it or when it is simply there; it is a
  # member (`:up`) once a handshake found a common protocol version. Who was
  # unregistered stays out, also through reconnects, until registered again.
  #
  # Every function returns `{actions, membership}`; the actions are
  # `{:send, node, message}`, `{:connect, node}` and `{:changed, node, status}`.

  alias ElixirScope.Distributed.Types.{ClusterMessage, ClusterNodeInfo, GlobalTimestamp}

  @protocol 1..1

  defstruct [
    :node,
    :incarnation,
    capabilities: [:record, :query],
    nodes: %{},
    wanted: MapSet.new(),
    inviting: MapSet.new()
  ]

  @type t :: %__MODULE__{
          node: node,
          incarnation: non_neg_integer,
          capabilities: [atom],
          nodes: %{node => ClusterNodeInfo.t()},
          wanted: MapSet.t(node),
          inviting: MapSet.t(node)
        }
  @type action ::
          {:send, node, ClusterMessage.t()} | {:connect, node} | {:changed, node, atom}
  @type step :: {[action], t}

  @doc "The membership of a node that knows nobody yet, and what others may ask of it."
  @spec new(node, non_neg_integer, [atom]) :: t
  def new(node, incarnation, capabilities \\ [:record, :query]),
    do: %__MODULE__{node: node, incarnation: incarnation, capabilities: capabilities}

  @doc "The members this node may exchange events with, sorted."
  @spec peers(t) :: [node]
  def peers(membership),
    do: for({node, %{status: :up}} <- Enum.sort(membership.nodes), do: node)

  @doc "The members with this node, sorted."
  @spec members(t) :: [node]
  def members(membership), do: Enum.sort([membership.node | peers(membership)])

  @doc "Somebody wants `node` in."
  @spec register(t, node) :: {:ok | {:error, :already_exists}, step}
  def register(%{node: node} = membership, node),
    do: {{:error, :already_exists}, {[], membership}}

  def register(membership, node) do
    case membership.nodes[node] do
      %{status: status} when status in [:up, :joining] ->
        {{:error, :already_exists}, {[], want(membership, node)}}

      _out ->
        {:ok, {[{:connect, node}], membership |> want(node) |> put(node, :joining, nil)}}
    end
  end

  @doc "Somebody wants `nodes` to form one scope with this one, all with all."
  @spec set_up(t, [node]) :: step
  def set_up(membership, nodes) do
    nodes = nodes -- [membership.node]
    registered = register_all(membership, nodes)

    registered
    |> and_then(&{[], %{&1 | inviting: MapSet.union(&1.inviting, MapSet.new(nodes))}})
    |> and_then(fn membership -> invite(membership, peers(membership)) end)
  end

  @doc "Somebody wants `node` out, and out it stays."
  @spec unregister(t, node) :: {:ok | {:error, :not_found}, step}
  def unregister(membership, node) do
    case membership.nodes do
      %{^node => %{status: status}} when status != :unregistered ->
        membership = %{membership | wanted: MapSet.delete(membership.wanted, node)}
        refusal = message(membership, :refused, reason: :unregistered)

        {:ok,
         {[{:send, node, refusal}, {:changed, node, :unregistered}],
          put(membership, node, :unregistered, :unregistered)}}

      _none ->
        {{:error, :not_found}, {[], membership}}
    end
  end

  @doc "The transport can reach `node`: introduce ourselves, unless it is to stay out."
  @spec up(t, node) :: step
  def up(membership, node) do
    case membership.nodes[node] do
      %{status: :unregistered} -> {[], membership}
      %{status: :up} -> {[hello(membership, node)], membership}
      _known -> {[hello(membership, node)], put(membership, node, :joining, :no_library)}
    end
  end

  @doc "The transport can no longer reach `node`."
  @spec down(t, node) :: step
  def down(membership, node) do
    case membership.nodes[node] do
      %{status: :up} ->
        {[{:changed, node, :down}], put(membership, node, :down, :unreachable)}

      %{status: :joining} ->
        {[], put(membership, node, :down, :unreachable)}

      _out ->
        {[], membership}
    end
  end

  @doc "What `from` says about membership; `seen` is the present stamp."
  @spec heard(t, node, ClusterMessage.t(), GlobalTimestamp.t()) :: step
  def heard(membership, from, message, seen) do
    {actions, membership} = hear(membership, from, message)
    {actions, update_in(membership.nodes, &last_seen(&1, from, seen))}
  end

  defp last_seen(nodes, from, seen) do
    case nodes do
      %{^from => info} -> %{nodes | from => %{info | last_seen: seen}}
      _unknown -> nodes
    end
  end

  defp hear(membership, from, %{kind: :bye}), do: down(membership, from)

  defp hear(membership, from, %{kind: :refused, reason: reason}) do
    {[{:changed, from, :down}], put(membership, from, :down, reason)}
  end

  defp hear(membership, from, %{kind: :join, members: members}),
    do: membership |> register_all(members -- [membership.node]) |> and_then(&up(&1, from))

  defp hear(membership, from, %{kind: kind} = message) when kind in [:hello, :welcome] do
    case {membership.nodes[from], common(message.protocol)} do
      {%{status: :unregistered}, _version} ->
        {[refuse(membership, from, :unregistered)], membership}

      {_known, nil} ->
        no_common_version(membership, from)

      {known, version} ->
        admit(membership, from, known, version, message)
    end
  end

  defp hear(membership, _from, _unknown), do: {[], membership}

  @doc "The wanted nodes that are not there: try again."
  @spec missing(t) :: [node]
  def missing(membership),
    do: Enum.filter(membership.wanted, &(membership.nodes[&1].status in [:down, :joining]))

  @doc "The message by which this node takes its leave."
  @spec farewell(t) :: ClusterMessage.t()
  def farewell(membership), do: message(membership, :bye, [])

  defp admit(membership, from, known, version, message) do
    reply = if message.kind == :hello, do: [welcome(membership, from)], else: []
    changed = if match?(%{status: :up}, known), do: [], else: [{:changed, from, :up}]

    membership
    |> put(from, :up, arrival(known, message),
      protocol: version,
      incarnation: message.incarnation,
      capabilities: message.capabilities
    )
    |> then(&and_then({reply ++ changed, &1}, fn membership -> invite(membership, [from]) end))
  end

  # Those who are there now are asked to join all whom we want; the others once they come.
  defp invite(membership, nodes) do
    {now, later} = Enum.split_with(membership.inviting, &(&1 in nodes))
    join = message(membership, :join, members: Enum.sort([membership.node | wanted(membership)]))
    {Enum.map(now, &{:send, &1, join}), %{membership | inviting: MapSet.new(later)}}
  end

  defp register_all(membership, nodes) do
    Enum.reduce(nodes, {[], membership}, fn node, step ->
      and_then(step, fn membership -> membership |> lift(node) |> register(node) |> elem(1) end)
    end)
  end

  defp arrival(%{incarnation: old}, %{incarnation: new}) when is_integer(old) and old != new,
    do: :restarted

  # The second half of the same handshake.
  defp arrival(%{status: :up, reason: reason}, _message), do: reason
  defp arrival(_known, _message), do: nil

  defp no_common_version(membership, from) do
    {[refuse(membership, from, :no_common_version)],
     put(membership, from, :down, :no_common_version)}
  end

  # The highest version both sides speak.
  defp common(%Range{first: first, last: last}) do
    highest = min(last, @protocol.last)
    if highest >= max(first, @protocol.first), do: highest
  end

  defp common(version) when is_integer(version), do: if(version in @protocol, do: version)
  defp common(_other), do: nil

  # Being invited is being registered: it ends an earlier exclusion.
  defp lift(membership, node) do
    case membership.nodes[node] do
      %{status: :unregistered} -> put(membership, node, :down, nil)
      _other -> membership
    end
  end

  defp and_then({actions, membership}, next) do
    {more, membership} = next.(membership)
    {actions ++ more, membership}
  end

  defp wanted(membership), do: MapSet.to_list(membership.wanted)
  defp want(membership, node), do: update_in(membership.wanted, &MapSet.put(&1, node))
  defp hello(membership, node), do: {:send, node, message(membership, :hello, [])}
  defp welcome(membership, node), do: {:send, node, message(membership, :welcome, [])}

  defp refuse(membership, node, reason),
    do: {:send, node, message(membership, :refused, reason: reason)}

  defp message(membership, kind, fields) do
    struct!(
      %ClusterMessage{
        source_node: membership.node,
        kind: kind,
        protocol: @protocol,
        incarnation: membership.incarnation,
        capabilities: membership.capabilities
      },
      fields
    )
  end

  defp put(membership, node, status, reason, fields \\ []) do
    known = Map.get(membership.nodes, node, %ClusterNodeInfo{node: node, status: status})
    info = struct!(known, [status: status, reason: reason] ++ fields)
    put_in(membership.nodes[node], info)
  end
end
