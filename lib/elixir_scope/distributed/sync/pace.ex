defmodule ElixirScope.Distributed.Sync.Pace do
  @moduledoc false
  # When the next round is: at the interval of the scope while something goes on, else less and less
  # often. Over the state of the synchronizer, in its process.

  @slowest_ms 30_000

  @type state :: %{
          :scope => ElixirScope.Distributed.Scope.t(),
          :interval_ms => pos_integer,
          :timer => reference | nil,
          optional(atom) => term
        }

  @doc "The interval after a round."
  @spec next(ElixirScope.Distributed.Sync.Replica.step(), state) :: pos_integer
  def next(%{out: [], next_ms: nil}, state), do: min(state.interval_ms * 2, @slowest_ms)
  def next(_step, state), do: state.scope.options[:sync_interval_ms]

  @doc "The next round is in so many milliseconds at the latest."
  @spec hasten(state, non_neg_integer) :: state when state: state
  def hasten(state, ms) do
    left = state.timer && Process.read_timer(state.timer)
    if left && left <= ms, do: state, else: schedule(state, ms)
  end

  @doc "The next round, `:tick`, is in so many milliseconds."
  @spec schedule(state, non_neg_integer) :: state when state: state
  def schedule(state, ms) do
    if state.timer, do: Process.cancel_timer(state.timer)
    %{state | timer: Process.send_after(self(), :tick, ms)}
  end
end
