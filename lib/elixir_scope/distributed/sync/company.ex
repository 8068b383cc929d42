defmodule ElixirScope.Distributed.Sync.Company do
  @moduledoc false
  # With whom events are exchanged, and whose are kept here for that. Over the state of the
  # synchronizer, in its process.

  alias ElixirScope.Distributed.Scope
  alias ElixirScope.Distributed.Sync.{Mode, Outbox, Replica, Roster, Rounds}

  @type state :: %{
          :scope => Scope.t(),
          :peers => [node],
          :keepers => [node],
          :kept => Mode.keeps() | nil,
          :rounds => Rounds.t(),
          :outbox => Outbox.t(),
          :roster => Roster.t(),
          optional(atom) => term
        }

  @doc "From now on these are the members, and these of them keep copies for others."
  @spec change(state, [node], [node]) :: state when state: state
  def change(%{peers: old} = state, peers, keepers) do
    for node <- peers -- old, do: Replica.peer(state.scope, node, :up)
    for node <- old -- peers, do: Replica.peer(state.scope, node, :down)
    state = Enum.reduce(old -- peers, state, &left/2)
    roster = Roster.update(state.roster, peers, now_ms())
    keep(%{state | peers: peers, keepers: keepers, roster: roster})
  end

  @doc "Whose events are kept here depends on who belongs to the cluster, also lately."
  @spec keep(state) :: state when state: state
  def keep(state) do
    {others, roster} = Roster.members(state.roster, now_ms())
    keeps = Mode.keeps(Mode.of(state.scope.options), length(others) + 1)
    keep_none = state.peers -- state.keepers
    :ok = Replica.keep(state.scope, others -- keep_none, keeps)
    %{state | roster: roster, kept: keeps}
  end

  @doc "What is said of a node that is no member."
  @spec unavailable(node) :: {:error, {:node_unavailable, node}}
  def unavailable(node), do: {:error, {:node_unavailable, node}}

  defp left(node, state) do
    rounds = Rounds.gone(state.rounds, node, unavailable(node))
    %{state | rounds: rounds, outbox: Outbox.gone(state.outbox, node)}
  end

  defp now_ms, do: System.monotonic_time(:millisecond)
end
