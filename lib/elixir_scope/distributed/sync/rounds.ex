defmodule ElixirScope.Distributed.Sync.Rounds do
  @moduledoc false
  # The callers that wait until this node is equal to others: which exchange with which
  # node each still waits for, and what became of the others. An exchange has a token,
  # because one that began before a caller came says nothing about what came after it.
  # Pure; the clock is an argument.

  alias ElixirScope.Distributed.Error

  # Callers that may wait at one time.
  @most 1_024

  defstruct waiting: %{}, refused: 0

  @type token :: non_neg_integer
  @type result :: map | {:error, term}
  @type t :: %__MODULE__{waiting: %{reference => map}, refused: non_neg_integer}

  @doc "Whether so many wait that a new caller is refused, which is counted."
  @spec room(t) :: :ok | {:full, Error.t(), t}
  def room(%{waiting: waiting}) when map_size(waiting) < @most, do: :ok

  def room(rounds) do
    error = Error.new(:too_many_callers, limit: @most)
    {:full, error, %{rounds | refused: rounds.refused + 1}}
  end

  @doc "Its bound with its value."
  @spec bounds(t) :: map
  def bounds(rounds) do
    %{
      callers: map_size(rounds.waiting),
      caller_limit: @most,
      callers_refused: rounds.refused
    }
  end

  @doc "A new caller; with nothing to wait for it is finished at once."
  @spec begin(t, reference, term, integer) :: t
  def begin(rounds, ref, caller, now_ms),
    do: put_in(rounds.waiting[ref], %{caller: caller, began: now_ms, open: %{}, results: %{}})

  @doc "The caller waits for the exchange `token` with `node`."
  @spec await(t, reference, node, token) :: t
  def await(rounds, ref, node, token), do: put_in(rounds.waiting[ref].open[node], token)

  @doc "The caller need not wait for `node`: the result is known."
  @spec settle(t, reference, node, result) :: t
  def settle(rounds, ref, node, result),
    do: update_in(rounds.waiting[ref], &settle(&1, node, result))

  @doc "An exchange is over: the result goes to every caller that waits for it, or for one before."
  @spec done(t, node, token, result, integer) :: t
  def done(rounds, node, token, result, now_ms) do
    each(rounds, fn round ->
      if awaits?(round, node, token),
        do: settle(round, node, timed(result, now_ms - round.began)),
        else: round
    end)
  end

  @doc "A node went away: nobody waits for it any longer."
  @spec gone(t, node, result) :: t
  def gone(rounds, node, result) do
    each(rounds, fn round ->
      if Map.has_key?(round.open, node), do: settle(round, node, result), else: round
    end)
  end

  @doc """
  The deadline of a caller is over: what it still waits for did not answer in time. Also the
  exchanges for which nobody waits any longer.
  """
  @spec expire(t, reference) :: {[{node, token}], t}
  def expire(%{waiting: waiting} = rounds, ref) when is_map_key(waiting, ref) do
    open = Enum.to_list(waiting[ref].open)
    others = waiting |> Map.delete(ref) |> Map.values()
    late = {:error, :distributed_timeout}

    rounds =
      Enum.reduce(open, rounds, fn {node, _token}, rounds -> settle(rounds, ref, node, late) end)

    {Enum.reject(open, fn {node, token} -> Enum.any?(others, &awaits?(&1, node, token)) end),
     rounds}
  end

  def expire(rounds, _ref), do: {[], rounds}

  @doc "The callers that wait for nothing more, each with its results, and the rest."
  @spec finished(t) :: {[{caller :: term, %{node => result}}], t}
  def finished(rounds) do
    {over, waiting} = Enum.split_with(rounds.waiting, fn {_ref, round} -> round.open == %{} end)

    {Enum.map(over, fn {_ref, round} -> {round.caller, round.results} end),
     %{rounds | waiting: Map.new(waiting)}}
  end

  defp awaits?(%{open: open}, node, token), do: is_map_key(open, node) and open[node] <= token

  defp each(rounds, fun) do
    update_in(rounds.waiting, &Map.new(&1, fn {ref, round} -> {ref, fun.(round)} end))
  end

  defp settle(round, node, result) do
    %{round | open: Map.delete(round.open, node), results: Map.put(round.results, node, result)}
  end

  defp timed({:error, reason}, _ms), do: {:error, reason}
  defp timed(result, ms), do: Map.put(result, :ms, ms)
end
