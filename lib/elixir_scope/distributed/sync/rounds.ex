defmodule ElixirScope.Distributed.Sync.Rounds do
  @moduledoc false
  # The callers that wait until this node is equal to others: which nodes each still
  # waits for, and what the others answered. Pure; the clock is an argument.

  defstruct waiting: %{}

  @type result :: map | {:error, term}
  @type t :: %__MODULE__{waiting: %{reference => map}}

  @doc "A new caller, that waits for `nodes`; with none it is answered at once."
  @spec begin(t, reference, term, [node], integer) :: t
  def begin(rounds, ref, caller, nodes, now_ms) do
    round = %{caller: caller, began: now_ms, open: MapSet.new(nodes), results: %{}}
    put_in(rounds.waiting[ref], round)
  end

  @doc "One node is done: the result goes to every caller that waits for it."
  @spec done(t, node, result, integer) :: t
  def done(rounds, node, result, now_ms) do
    %{rounds | waiting: Map.new(rounds.waiting, &settle(&1, node, result, now_ms))}
  end

  @doc "The deadline of a caller is over: what it still waits for did not answer in time."
  @spec expire(t, reference, integer) :: t
  def expire(rounds, ref, now_ms) do
    open = get_in(rounds.waiting, [ref, Access.key(:open, [])]) || []

    Enum.reduce(open, rounds, fn node, rounds ->
      update_in(rounds.waiting[ref], fn round ->
        elem(settle({ref, round}, node, {:error, :distributed_timeout}, now_ms), 1)
      end)
    end)
  end

  @doc "The callers that wait for nothing more, each with its results, and the rest."
  @spec finished(t) :: {[{caller :: term, %{node => result}}], t}
  def finished(rounds) do
    {over, waiting} =
      Enum.split_with(rounds.waiting, fn {_ref, round} -> Enum.empty?(round.open) end)

    {Enum.map(over, fn {_ref, round} -> {round.caller, round.results} end),
     %{rounds | waiting: Map.new(waiting)}}
  end

  defp settle({ref, round}, node, result, now_ms) do
    if node in round.open do
      results = Map.put(round.results, node, timed(result, now_ms - round.began))
      {ref, %{round | open: MapSet.delete(round.open, node), results: results}}
    else
      {ref, round}
    end
  end

  defp timed({:error, reason}, _ms), do: {:error, reason}
  defp timed(result, ms), do: Map.put(result, :ms, ms)
end
