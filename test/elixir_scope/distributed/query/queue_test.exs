defmodule ElixirScope.Distributed.Query.QueueTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Query.Queue

  defp put!(queue, keys) do
    Enum.reduce(keys, queue, fn key, queue ->
      {:ok, queue} = Queue.put(queue, key, :job)
      queue
    end)
  end

  defp keys(peer, number), do: for(_ <- 1..number, do: {peer, make_ref()})

  defp running(queue, started \\ []) do
    case Queue.next(queue) do
      nil -> {started, queue}
      {{key, _job}, queue} -> running(queue, started ++ [key])
    end
  end

  test "few are worked on at once, two for each member, in the order in which they came" do
    [a1, a2, a3] = keys(:a, 3)
    [b1, b2, b3] = keys(:b, 3)
    {started, queue} = %Queue{} |> put!([a1, a2, a3, b1, b2, b3]) |> running()
    assert started == [a1, a2, b1, b2]
    assert {:job, queue} = Queue.done(queue, b1)
    assert {[^b3], queue} = running(queue)
    assert %{workers: 4, worker_limit: 4, waiting: 1, waiting_most: 6} = Queue.status(queue)
  end

  test "what is here is not taken twice" do
    [one] = keys(:a, 1)
    queue = put!(%Queue{}, [one])
    assert Queue.put(queue, one, :job) == :known
    {[^one], queue} = running(queue)
    assert Queue.put(queue, one, :job) == :known
    {:job, queue} = Queue.done(queue, one)
    assert {:ok, _queue} = Queue.put(queue, one, :job)
    assert Queue.done(queue, {:a, make_ref()}) == {nil, queue}
  end

  test "a member that asks much leaves room for others, and all together have a bound" do
    queue = put!(%Queue{}, keys(:a, 64))
    assert Queue.put(queue, hd(keys(:a, 1)), :job) == :full
    queue = put!(queue, keys(:b, 64) ++ keys(:c, 64) ++ keys(:d, 64))
    assert Queue.put(queue, hd(keys(:e, 1)), :job) == :full
    assert {:ok, _} = queue |> Queue.gone(:a) |> Queue.put(hd(keys(:e, 1)), :job)
  end
end
