defmodule ElixirScope.Distributed.Sync.Effects do
  @moduledoc false
  # What a step of the protocol asks for, carried out: batches go to peers, who waited is told, what
  # members disagree about is reported. Over the state of the synchronizer, in its process.

  require Logger

  alias ElixirScope.Distributed.{Scope, Telemetry, Transport}
  alias ElixirScope.Distributed.Sync.{Conflicts, Early, Outbox, Replica, Roster, Rounds}
  alias ElixirScope.Distributed.Types.EventSyncMessage

  @type state :: %{
          :scope => Scope.t(),
          :outbox => Outbox.t(),
          :rounds => Rounds.t(),
          :conflicts => Conflicts.told(),
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

  @doc "Tries again what a busy connection did not take. To be called when `:again` comes."
  @spec again(state) :: state when state: state
  def again(state) do
    outbox = Outbox.retry(state.outbox, &send_out(state, &1, &2))
    come_again(%{state | outbox: outbox, again: nil})
  end

  @doc "A peer sent what cannot be read: one line when it begins to, not one for each batch."
  @spec refuse(state, node, term) :: state when state: state
  def refuse(state, from, reason) do
    if state.refused[from] != reason,
      do: Logger.warning("refused a batch from #{from}: #{reason}", domain: [:elixir_scope])

    put_in(state.refused[from], reason)
  end

  @doc "Every bound of the exchange with its value."
  @spec bounds(state) :: map
  def bounds(state) do
    own = %{mode: state.scope.options[:sync], keeps: state.kept, interval_ms: state.interval_ms}

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
      events_batch: batch,
      since_global_clock: state.floor
    }

    Transport.send_to(state.scope, to, message)
  end

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
