defmodule ElixirScope.Distributed.Sync.Handover do
  @moduledoc false
  # Everything that one scope of this VM has, given to another one: the exchange of two members, run
  # to its end in the calling process. Neither of them may synchronise with anybody meanwhile: their
  # processes above the store are halted.

  alias ElixirScope.Distributed.{Error, Scope}
  alias ElixirScope.Distributed.Sync.Replica

  # Of a side that has nothing to say until its budget of bytes is filled up again.
  @longest_wait_ms 1_000

  @doc "Gives `to` what it lacks of `from`, within `timeout_ms`."
  @spec run(Scope.t(), Scope.t(), pos_integer) :: {:ok, Replica.summary()} | {:error, Error.t()}
  def run(from, to, timeout_ms) do
    deadline = System.monotonic_time(:millisecond) + timeout_ms
    sides = %{from.node => from, to.node => to}
    for {one, other} <- [{from, to}, {to, from}], do: alone_with(one, other.node)
    {:ok, token, step} = Replica.start(to, from.node, :everything)
    result = exchange([{to.node, step}], sides, {from.node, token}, deadline)
    for {one, other} <- [{from, to}, {to, from}], do: Replica.peer(one, other.node, :down)
    result
  end

  # With whom it exchanged before it has nothing to do any more.
  defp alone_with(side, peer) do
    for known <- [peer | Map.keys(Replica.status(side))], do: Replica.peer(side, known, :down)
    Replica.peer(side, peer, :up)
  end

  defp exchange([], sides, awaited, deadline) do
    if System.monotonic_time(:millisecond) < deadline,
      do: sides |> tick() |> exchange(sides, awaited, deadline),
      else: failed(awaited, :distributed_timeout)
  end

  defp exchange([{at, step} | steps], sides, {peer, token} = awaited, deadline) do
    case List.keyfind(step.done, token, 1) do
      {^peer, ^token, {:error, reason}} -> failed(awaited, reason)
      {^peer, ^token, summary} -> {:ok, summary}
      _not_yet -> exchange(steps ++ deliver(at, step, sides), sides, awaited, deadline)
    end
  end

  defp deliver(at, step, sides) do
    for {to, bytes} <- step.out, side = sides[to], to != at do
      {:ok, next} = Replica.handle(side, at, bytes)
      {to, next}
    end
  end

  # Nothing is on its way: what is left waits for time to pass.
  defp tick(sides) do
    steps = for {node, side} <- sides, do: {node, Replica.tick(side)}
    wait_ms = for {_node, %{next_ms: ms}} when ms != nil <- steps, do: ms
    if idle?(steps), do: wait(Enum.min(wait_ms, fn -> 1 end))
    steps
  end

  defp idle?(steps), do: Enum.all?(steps, fn {_node, step} -> step.out == [] end)
  defp wait(ms), do: receive(after: (min(ms, @longest_wait_ms) -> :ok))

  defp failed({peer, _token}, reason),
    do: {:error, Error.new(:not_handed_over, node: peer, reason: reason)}
end
