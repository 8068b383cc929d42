defmodule ElixirScope.Distributed.Cluster.Steps do
  @moduledoc false
  # What a coordinator does: it carries out the steps of its membership.

  alias ElixirScope.Distributed.Capture.Conductor

  alias ElixirScope.Distributed.Cluster.{
    Backoff,
    Membership,
    Memory,
    News,
    Reach,
    Register,
    Roll,
    Versions
  }

  alias ElixirScope.Distributed.{
    ClusterStateManager,
    EventSynchronizer,
    GlobalClock,
    Live,
    Operations,
    Scope,
    Transport
  }

  alias ElixirScope.Distributed.Query.Host
  alias ElixirScope.Distributed.Transport.Inbox

  alias ElixirScope.Distributed.Types.ClusterMessage

  # Who is connected and does not answer is greeted so often, which takes about 40 s.
  @greetings 8

  # Nobody tries to connect to a node that is not wanted: it is only asked after, so often.
  @look_again_ms 3_000

  defstruct [:scope, :memory, :membership, retrying: %{}, looking: %{}]

  @type t :: %__MODULE__{
          scope: Scope.t(),
          memory: Memory.t(),
          membership: Membership.t(),
          retrying: %{node => :waiting | :trying},
          looking: %{node => true}
        }

  @doc "Goes on where the last one stopped."
  @spec new(Scope.t(), Memory.t()) :: t
  def new(scope, memory) do
    grants = Operations.grants(scope.options)
    fresh = Membership.new(scope.node, scope.incarnation, grants)
    membership = Membership.resume(fresh, Memory.recall(memory, :membership, fresh))
    membership = %{membership | digest: Versions.digest(scope.name)}
    ClusterStateManager.tell(scope.name, {:standing, Roll.standing(membership)})
    %__MODULE__{scope: scope, memory: memory, membership: membership}
  end

  @doc "Forgets who is gone for so long that it is not expected back."
  @spec forget(t) :: t
  def forget(state) do
    {_logical, physical_ns, node} = now(state)
    past = physical_ns - state.scope.options[:forget_node_after_ms] * 1_000_000
    stand(state, Roll.forget(state.membership, {0, max(past, 0), node}))
  end

  @doc "Every bound with its value."
  @spec bounds(t) :: map
  def bounds(%{membership: membership, scope: scope}) do
    %{
      nodes: map_size(membership.nodes),
      node_limit: Roll.limit(),
      decisions: length(Register.entries(membership.register)),
      decision_limit: Register.limit(),
      malformed: Inbox.malformed(scope.inbox),
      malformed_limit: Inbox.limit()
    }
  end

  @doc "Takes in what a node says of membership."
  @spec hear(t, node, ClusterMessage.t()) :: t
  def hear(state, from, %{kind: kind} = message) do
    if kind in [:view, :apps, :modules] and Roll.up?(state.membership, from),
      do: hear_member(state, from, message),
      else: hear_anybody(state, from, message)
  end

  defp hear_member(state, from, message) do
    pass_on(state.scope.name, from, message)
    %{state | membership: Roll.note(state.membership, from, last_seen: now(state))}
  end

  defp hear_anybody(state, from, message) do
    before = state.membership.nodes[from]
    state = take(state, Membership.heard(state.membership, from, message, now(state)))
    introduced(state, from, message, before)
    state
  end

  defp pass_on(scope, from, %{kind: :view, view: view}),
    do: ClusterStateManager.tell(scope, {:view, from, view})

  defp pass_on(scope, from, message), do: Versions.tell(scope, {:message, from, message})

  defp introduced(state, from, %{kind: kind, incarnation: incarnation}, before)
       when kind in [:hello, :welcome] do
    lost? = match?(%{joined_at: {_, _, _}, incarnation: ^incarnation}, before)
    again? = lost? and before.status != :up
    ClusterStateManager.tell(state.scope.name, {:greeted, from, again?})

    if Roll.up?(state.membership, from),
      do: Versions.tell(state.scope.name, {:digest, from, state.membership.nodes[from].digest})
  end

  defp introduced(_state, _from, _message, _before), do: :ok

  @doc "Carries out a step of the membership."
  @spec take(t, Membership.step()) :: t
  def take(state, {actions, membership}) do
    state = stand(state, membership)
    Enum.reduce(actions, state, &act/2)
  end

  @doc "What others have to know of a membership, and what outlives the process that keeps it."
  @spec stand(t, Membership.t()) :: t
  def stand(%{membership: old} = state, membership) do
    grants = Roll.grants(membership)
    standing = Roll.standing(membership)
    if grants != Roll.grants(old), do: changed(state.scope.name, grants)
    if membership.register != old.register, do: put_out(state, membership)

    if standing != Roll.standing(old), do: tell(state.scope.name, standing)

    Memory.keep(state.memory, :membership, membership)
    %{state | membership: membership}
  end

  defp tell(scope, standing) do
    ClusterStateManager.tell(scope, {:standing, standing})
    Live.tell(scope, standing)
  end

  defp put_out(state, membership),
    do: Inbox.put_out(state.scope.inbox, Register.out(membership.register))

  defp changed(scope, grants) do
    peers = grants |> Map.keys() |> Enum.sort()
    EventSynchronizer.tell_members(scope, peers, keepers(grants))
    Conductor.members(scope, peers)
    Host.members(scope, peers)
    Versions.tell(scope, {:members, peers})
  end

  # Copies are for those who keep them and hand them out again.
  defp keepers(grants),
    do: for({node, granted} <- grants, [:record, :query] -- granted == [], do: node)

  defp act({:send, node, message}, state), do: send_to(state, node, message)
  defp act({:connect, node}, state), do: connect(state, node, 0)

  defp act({:diagnose, node}, state) do
    Reach.diagnose(state.scope, node)
    Process.send_after(self(), {:overdue, node}, state.scope.options[:sync_interval_ms])
    state
  end

  defp act({:changed, node, status}, state) do
    event = News.changed(state.scope, state.membership.nodes[node], status)
    ClusterStateManager.tell(state.scope.name, {:news, event})
    state
  end

  @doc "Sends a message, with the stamp of now."
  @spec send_to(t, node, ClusterMessage.t()) :: t
  def send_to(state, node, message) do
    _ = Transport.send_to(state.scope, node, message)
    state
  end

  # One attempt at a time: a second one would fail with the first, and look like a refusal.
  defp connect(%{retrying: retrying} = state, node, _attempt)
       when :erlang.map_get(node, retrying) == :trying,
       do: state

  defp connect(state, node, attempt) do
    Reach.connect(state.scope, node, attempt)
    put_in(state.retrying[node], :trying)
  end

  @doc "Its time has come: tries once more."
  @spec again(t, node, non_neg_integer) :: t
  def again(%{retrying: retrying} = state, node, _attempt)
      when :erlang.map_get(node, retrying) == :trying,
      do: state

  def again(state, node, attempt) do
    state = ended(state, node)

    cond do
      node in Roll.unanswered(state.membership) ->
        state |> take(Membership.up(state.membership, node)) |> retry(node, attempt)

      pending?(state, node, attempt) ->
        connect(state, node, attempt)

      true ->
        state
    end
  end

  @doc """
  What was found out of a node that is gone: if that is nothing, it is asked after again, as a port
  mapper that was too busy to answer once is not a network that is cut.
  """
  @spec found(t, node, atom) :: t
  def found(state, node, reason) do
    state = stand(state, Roll.diagnosed(state.membership, node, reason))
    if look?(state, node), do: look_later(state, node), else: state
  end

  @doc "Asks after a node once more, if it is still not known why it is gone."
  @spec look(t, node) :: t
  def look(state, node) do
    state = update_in(state.looking, &Map.delete(&1, node))
    if look?(state, node), do: Reach.diagnose(state.scope, node)
    state
  end

  defp look?(%{membership: membership} = state, node) do
    match?(%{status: :down, reason: :unreachable}, membership.nodes[node]) and
      not is_map_key(state.looking, node) and node not in Roll.missing(membership)
  end

  defp look_later(state, node) do
    Process.send_after(self(), {:look, node}, @look_again_ms)
    put_in(state.looking[node], true)
  end

  @doc "An attempt is over."
  @spec ended(t, node) :: t
  def ended(state, node), do: update_in(state.retrying, &Map.delete(&1, node))

  @doc "Tries a node again after a while, as long as it is wanted or might answer."
  @spec retry(t, node, non_neg_integer) :: t
  def retry(state, node, attempt \\ 0) do
    if pending?(state, node, attempt) and not is_map_key(state.retrying, node) do
      delay = Backoff.delay(attempt, :rand.uniform(), reason(state, node))
      Process.send_after(self(), {:retry, node, attempt + 1}, delay)
      put_in(state.retrying[node], :waiting)
    else
      state
    end
  end

  defp pending?(state, node, attempt) do
    node in Roll.missing(state.membership) or
      (attempt < @greetings and node in Roll.unanswered(state.membership))
  end

  defp reason(state, node), do: state.membership.nodes[node].reason

  @doc "The present stamp."
  @spec now(t) :: Membership.stamp()
  def now(state), do: GlobalClock.now(state.scope.name)
end
