defmodule ElixirScope.Distributed.Cluster.Roll do
  @moduledoc false
  # The nodes that a membership knows, and how each stands.

  alias ElixirScope.Distributed.Cluster.{Membership, Outlook, Reason, Register}
  alias ElixirScope.Distributed.GlobalClock
  alias ElixirScope.Distributed.Types.ClusterNodeInfo

  @limit 512

  # What is connected, or was, and is no member by its nature.
  @strangers [:no_library, :no_common_version, :hidden, :malformed]

  # What is found out by trying to connect: the last attempt is right.
  @found [nil, :lost, :unreachable, :not_running, :cookie, :hidden, :not_distributed]

  @doc "How many nodes are known at most."
  @spec limit() :: pos_integer
  def limit, do: @limit

  @doc "The members this node may exchange events with, sorted."
  @spec peers(Membership.t()) :: [node]
  def peers(membership),
    do: for({node, %{status: :up}} <- Enum.sort(membership.nodes), do: node)

  @doc "What each of them grants others."
  @spec grants(Membership.t()) :: %{node => [atom]}
  def grants(membership) do
    for {node, %{status: :up} = info} <- membership.nodes,
        into: %{},
        do: {node, info.capabilities}
  end

  @doc "The members with this node, sorted."
  @spec members(Membership.t()) :: [node]
  def members(membership), do: Enum.sort([membership.node | peers(membership)])

  @doc "The wanted nodes that are not there: try again."
  @spec missing(Membership.t()) :: [node]
  def missing(membership) do
    for node <- Register.wanted(membership.register),
        match?(%{status: status} when status in [:down, :joining], membership.nodes[node]),
        do: node
  end

  @doc "Those that are connected and did not answer yet."
  @spec unanswered(Membership.t()) :: [node]
  def unanswered(membership) do
    for {node, %{status: :joining, reason: :no_library}} <- membership.nodes, do: node
  end

  @doc """
  The known members: this node, those that were registered, and those that were ever up, without
  who said goodbye, was put out, or is no member by its nature.
  """
  @spec known(Membership.t()) :: [node]
  def known(membership) do
    ever_up = for {node, %{joined_at: at}} <- membership.nodes, at != nil, do: node
    named = Enum.filter(ever_up ++ Register.wanted(membership.register), &counts?(membership, &1))
    Enum.sort(Enum.uniq([membership.node | named]))
  end

  @doc "The members that were here and cannot be reached, as far as it is known why."
  @spec missed(Membership.t()) :: [node]
  def missed(membership) do
    for {node, %{status: :down, joined_at: at, reason: reason}} <- Enum.sort(membership.nodes),
        at != nil and reason in [:unreachable, :cookie, :not_distributed],
        do: node
  end

  @doc "Nothing was found out of a node that was lost."
  @spec overdue(Membership.t(), node) :: Membership.t()
  def overdue(membership, node) do
    if match?(%{reason: :lost}, membership.nodes[node]),
      do: diagnosed(membership, node, :unreachable),
      else: membership
  end

  @doc "What was found out of a node that is not there."
  @spec diagnosed(Membership.t(), node, Reason.t()) :: Membership.t()
  def diagnosed(membership, node, reason) do
    case membership.nodes[node] do
      %{status: :joining, reason: :connecting} -> put(membership, node, :down, reason)
      %{status: :down, reason: old} when old in @found -> note(membership, node, reason: reason)
      _there_or_plainer -> membership
    end
  end

  @doc "Forgets who is gone since before `stamp`, and wanted by nobody."
  @spec forget(Membership.t(), Membership.stamp()) :: Membership.t()
  def forget(membership, stamp) do
    gone =
      for %{node: node, down_since: at} <- forgettable(membership),
          GlobalClock.compare(at, stamp) == :lt,
          do: node

    %{membership | nodes: Map.drop(membership.nodes, gone)}
  end

  @doc "How each node stands, in words; with `:all`, this one too."
  @spec told(Membership.t(), :others | :all) :: %{node => ClusterNodeInfo.t()}
  def told(membership, :others),
    do: Map.new(membership.nodes, fn {node, info} -> {node, Reason.give(info, info.reason)} end)

  def told(membership, :all) do
    own = %ClusterNodeInfo{
      node: membership.node,
      status: :up,
      incarnation: membership.incarnation,
      capabilities: membership.capabilities
    }

    Map.put(told(membership, :others), membership.node, own)
  end

  @doc "What the rest of the scope has to know of a membership."
  @spec standing(Membership.t()) :: Outlook.standing()
  def standing(membership) do
    %{
      up: peers(membership),
      missed: missed(membership),
      known: known(membership),
      register: Register.digest(membership.register)
    }
  end

  @doc "Whether `node` is a member."
  @spec up?(Membership.t(), node) :: boolean
  def up?(membership, node), do: match?(%{status: :up}, membership.nodes[node])

  @doc "Room for `node`: where there is none, who is gone longest makes it."
  @spec room(Membership.t(), node) :: {:ok, Membership.t()} | :full
  def room(%{nodes: nodes} = membership, node)
      when map_size(nodes) < @limit or is_map_key(nodes, node),
      do: {:ok, membership}

  def room(membership, _node) do
    case Enum.min_by(forgettable(membership), &age/1, fn -> nil end) do
      nil -> :full
      %{node: gone} -> {:ok, %{membership | nodes: Map.delete(membership.nodes, gone)}}
    end
  end

  @doc "Sets how a node stands."
  @spec put(Membership.t(), node, ClusterNodeInfo.status(), Reason.t(), keyword) :: Membership.t()
  def put(membership, node, status, reason, fields \\ []) do
    known = Map.get(membership.nodes, node, %ClusterNodeInfo{node: node, status: status})
    info = struct!(known, [status: status, reason: reason] ++ fields)
    put_in(membership.nodes[node], info)
  end

  @doc "Sets fields of a node that is known."
  @spec note(Membership.t(), node, keyword) :: Membership.t()
  def note(membership, node, fields) do
    case membership.nodes do
      %{^node => info} -> put_in(membership.nodes[node], struct!(info, fields))
      _unknown -> membership
    end
  end

  @doc "A node is gone."
  @spec lose(Membership.t(), node, Membership.stamp()) :: Membership.t()
  def lose(membership, node, now),
    do: put(membership, node, :down, :lost, down_since: now)

  defp counts?(membership, node) do
    case membership.nodes[node] do
      nil -> true
      %{status: :unregistered} -> false
      %{reason: :left} -> false
      %{joined_at: nil, reason: reason} -> reason not in @strangers
      _ever_up -> true
    end
  end

  # Gone, and wanted by nobody.
  defp forgettable(membership) do
    for {node, %{status: :down, down_since: at} = info} when at != nil <- membership.nodes,
        not Register.wanted?(membership.register, node),
        do: info
  end

  defp age(%{down_since: {logical, physical_ns, _node}}), do: {physical_ns, logical}
end
