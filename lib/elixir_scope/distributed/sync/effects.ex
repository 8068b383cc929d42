defmodule ElixirScope.Distributed.Sync.Effects do
  @moduledoc false
  # What a step of the protocol asks for, carried out: batches go to peers, who waited is told, what
  # members disagree about is reported. Over the state of the synchronizer, in its process.

  require Logger

  alias ElixirScope.Distributed.{Operations, Scope, Telemetry, Transport}
  alias ElixirScope.Distributed.Sync.{Conflicts, Early, Frame, Mode, Outbox, Replica, Roster}
  alias ElixirScope.Distributed.Sync.Rounds
  alias ElixirScope.Distributed.Types.EventSyncMessage

  # Of so many it is noted in the log.
  @most_refused 512

  @type state :: %{
          :scope => Scope.t(),
          :outbox => Outbox.t(),
          :rounds => Rounds.t(),
          :conflicts => Conflicts.told(),
          :refused => [node],
          :again => reference | nil,
          optional(atom) => term
        }

  @doc "Sends, reports and notes what is done."
  @spec run(state, Replica.step()) :: state when state: state
  def run(state, step) do
    outbox = Enum.reduce(step.out, state.outbox, &put(&1, &2, state))
    conflicts = Conflicts.tell(state.scope, step.conflicts, state.conflicts)
    state = come_again(%{state | outbox: outbox, conflicts: conflicts})
    Enum.reduce(step.done, state, &finish/2)
  end

  @doc """
  A batch could not be read. One line for a peer that sends such; how often it does, the core counts.
  """
  @spec refuse(state, node, String.t()) :: state when state: state
  def refuse(%{refused: refused} = state, from, reason) do
    if from in refused or length(refused) == @most_refused do
      state
    else
      Logger.warning("refused a batch from #{from}: #{reason}", domain: [:elixir_scope])
      %{state | refused: [from | refused]}
    end
  end

  @doc "Tries again what a busy connection did not take. To be called when `:again` comes."
  @spec again(state) :: state when state: state
  def again(state) do
    outbox = Outbox.retry(state.outbox, &send_out(state, &1, &2))
    come_again(%{state | outbox: outbox, again: nil})
  end

  @doc "These are the members now: nobody waits for those that are gone."
  @spec meet(state, [node], integer) :: state when state: state
  def meet(state, peers, now_ms) do
    gone = state.peers -- peers
    for node <- peers -- state.peers, do: Replica.peer(state.scope, node, :up)
    for node <- gone, do: Replica.peer(state.scope, node, :down)
    rounds = Enum.reduce(gone, state.rounds, &Rounds.gone(&2, &1, unavailable(&1)))
    outbox = Enum.reduce(gone, state.outbox, &Outbox.gone(&2, &1))
    roster = Roster.update(state.roster, peers, now_ms)
    %{state | peers: peers, rounds: rounds, outbox: outbox, roster: roster}
  end

  @doc "What who waits for `node` is told."
  @spec unavailable(node) :: {:error, {:node_unavailable, node}}
  def unavailable(node), do: {:error, {:node_unavailable, node}}

  @doc "Tells who waited for exchanges that are over."
  @spec answer(state) :: state when state: state
  def answer(state) do
    {over, rounds} = Rounds.finished(state.rounds)
    Enum.each(over, fn {caller, results} -> GenServer.reply(caller, {:ok, results}) end)
    %{state | rounds: rounds}
  end

  @doc "Every bound of the exchange with its value."
  @spec bounds(state) :: map
  def bounds(state) do
    own = %{mode: Mode.of(state.scope.options), keeps: state.kept, interval_ms: state.interval_ms}

    [
      own,
      %{waiting: Outbox.status(state.outbox)},
      Early.bounds(state.early),
      Rounds.bounds(state.rounds),
      Roster.bounds(state.roster),
      Conflicts.bounds(state.conflicts)
    ]
    |> Enum.reduce(Replica.bounds(state.scope), &Map.merge(&2, &1))
  end

  defp put({to, batch}, outbox, state),
    do: Outbox.put(outbox, to, batch, &send_out(state, &1, &2))

  # What was not sent is asked for again by the peer that lacks it.
  defp send_out(state, to, batch) do
    message = %EventSyncMessage{
      source_node: state.scope.node,
      events_batch: served(batch, state.scope.options),
      since_global_clock: state.floor
    }

    Transport.send_to(state.scope, to, message)
  end

  # Who hands out nothing tells nobody what there is, so that nobody asks.
  defp served(batch, options),
    do: if(:record in Operations.grants(options), do: batch, else: Frame.silent(batch))

  defp come_again(%{again: nil} = state) do
    wait_ms = Outbox.next_ms(state.outbox)
    %{state | again: wait_ms && Process.send_after(self(), :again, wait_ms)}
  end

  defp come_again(state), do: state

  defp finish({node, token, result}, state) do
    Telemetry.emit(:sync, node, result)
    now_ms = System.monotonic_time(:millisecond)
    update_in(state.rounds, &Rounds.done(&1, node, token, result, now_ms))
  end
end
