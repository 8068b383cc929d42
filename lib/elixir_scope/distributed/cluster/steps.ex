defmodule ElixirScope.Distributed.Cluster.Steps do
  @moduledoc false
  # What a coordinator does: it carries out the steps of its membership.

  require Logger

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
    Scope,
    Transport
  }

  alias ElixirScope.Distributed.Query.Host
  alias ElixirScope.Distributed.Types.ClusterMessage

  # Who is connected and does not answer is greeted so often, which takes about 40 s.
  @greetings 8

  # Of so many nodes it is counted by name how often they could not be read.
  @tellers 64

  defstruct [:scope, :memory, :membership, retrying: %{}, malformed: %{}]

  @type t :: %__MODULE__{
          scope: Scope.t(),
          memory: Memory.t(),
          membership: Membership.t(),
          retrying: %{node => :waiting | :trying},
          malformed: %{node => pos_integer}
        }

  @doc "Goes on where the last one stopped."
  @spec new(Scope.t(), Memory.t()) :: t
  def new(scope, memory) do
    fresh = Membership.new(scope.node, scope.incarnation, scope.options[:allow])
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
  def bounds(%{membership: membership, malformed: malformed}) do
    %{
      nodes: map_size(membership.nodes),
      node_limit: Roll.limit(),
      decisions: length(Register.entries(membership.register)),
      decision_limit: Register.limit(),
      malformed: malformed,
      malformed_limit: @tellers
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

  @doc "The clock of whoever says something counts before what it says, which may carry stamps."
  @spec observe(t, node, ClusterMessage.t()) :: t
  def observe(state, _from, %{sent_at: nil}), do: state

  def observe(state, from, %{sent_at: stamp}) do
    ahead? = GlobalClock.update(stamp, state.scope.name) != :ok
    membership = Roll.clock(state.membership, from, if(ahead?, do: :ahead, else: :back))
    %{state | membership: membership}
  end

  @doc "Counts and refuses what cannot be read; one line in the log for each who begins with it."
  @spec malformed(t, node, atom) :: t
  def malformed(state, from, what) do
    if not is_map_key(state.malformed, from),
      do:
        Logger.warning("refused a message of #{inspect(from)}: #{what}", domain: [:elixir_scope])

    who = if map_size(state.malformed) < @tellers, do: from, else: :others
    state = update_in(state.malformed, &Map.update(&1, who, 1, fn count -> count + 1 end))
    take(state, Membership.malformed(state.membership, from))
  end

  @doc "Carries out a step of the membership."
  @spec take(t, Membership.step()) :: t
  def take(state, {actions, membership}) do
    state = stand(state, membership)
    Enum.reduce(actions, state, &act/2)
  end

  @doc "What others have to know of a membership, and what outlives the process that keeps it."
  @spec stand(t, Membership.t()) :: t
  def stand(%{membership: old} = state, membership) do
    peers = Membership.peers(membership)
    standing = Roll.standing(membership)
    if peers != Membership.peers(old), do: changed(state.scope.name, peers)

    if standing != Roll.standing(old), do: tell(state.scope.name, standing)

    Memory.keep(state.memory, :membership, membership)
    %{state | membership: membership}
  end

  defp tell(scope, standing) do
    ClusterStateManager.tell(scope, {:standing, standing})
    Live.tell(scope, standing)
  end

  defp changed(scope, peers) do
    EventSynchronizer.members(scope, peers)
    Conductor.members(scope, peers)
    Host.members(scope, peers)
    Versions.tell(scope, {:members, peers})
  end

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
