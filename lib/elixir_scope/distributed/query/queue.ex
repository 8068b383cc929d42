defmodule ElixirScope.Distributed.Query.Queue do
  @moduledoc false
  # Which questions of others are worked on now, and which wait. Both have bounds, also for each
  # member by itself, so that one that asks much keeps nobody else waiting; what finds no room is
  # refused. A question that is here already is not taken twice: who heard nothing asks again. Pure.

  # Reading is bounded for each question, and takes a scheduler for work of that kind.
  @workers 4
  @workers_per_peer 2
  @limit 256
  @limit_per_peer 64

  defstruct running: %{}, waiting: [], count: 0, most: 0

  @typedoc "Who asked, and by which reference."
  @type key :: {node, reference}
  @type job :: term
  @type t :: %__MODULE__{
          running: %{key => job},
          waiting: [{key, job}],
          count: non_neg_integer,
          most: non_neg_integer
        }

  @doc "Takes a question; `:known` if it is here already, `:full` if there is no room."
  @spec put(t, key, job) :: {:ok, t} | :known | :full
  def put(%{running: running}, key, _job) when is_map_key(running, key), do: :known

  def put(queue, {peer, _ref} = key, job) do
    of_peer = Enum.count(queue.waiting, fn {{node, _ref}, _job} -> node == peer end)

    cond do
      List.keymember?(queue.waiting, key, 0) -> :known
      queue.count >= @limit or of_peer >= @limit_per_peer -> :full
      true -> {:ok, grow(%{queue | waiting: queue.waiting ++ [{key, job}]})}
    end
  end

  defp grow(queue),
    do: %{queue | count: queue.count + 1, most: max(queue.most, queue.count + 1)}

  @doc "The next one that there is a worker for, which is running from now on; `nil` if there is none."
  @spec next(t) :: {{key, job}, t} | nil
  def next(%{running: running}) when map_size(running) >= @workers, do: nil

  def next(queue) do
    with {key, job} <- Enum.find(queue.waiting, &free?(queue, &1)) do
      waiting = List.keydelete(queue.waiting, key, 0)
      running = Map.put(queue.running, key, job)
      {{key, job}, %{queue | waiting: waiting, running: running, count: queue.count - 1}}
    end
  end

  defp free?(queue, {{peer, _ref}, _job}),
    do: Enum.count(queue.running, fn {{node, _}, _} -> node == peer end) < @workers_per_peer

  @doc "A question is done with; also what it was."
  @spec done(t, key) :: {job | nil, t}
  def done(queue, key) do
    {job, running} = Map.pop(queue.running, key)
    {job, %{queue | running: running}}
  end

  @doc "A member is gone: nothing waits for it any longer."
  @spec gone(t, node) :: t
  def gone(queue, peer) do
    waiting = Enum.reject(queue.waiting, fn {{node, _ref}, _job} -> node == peer end)
    %{queue | waiting: waiting, count: length(waiting)}
  end

  @doc "Its bounds and what is in it."
  @spec status(t) :: map
  def status(queue) do
    %{
      workers: map_size(queue.running),
      worker_limit: @workers,
      waiting: queue.count,
      waiting_most: queue.most,
      waiting_limit: @limit,
      waiting_limit_per_member: @limit_per_peer
    }
  end
end
