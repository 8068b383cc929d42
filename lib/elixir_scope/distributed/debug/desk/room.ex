defmodule ElixirScope.Distributed.Debug.Desk.Room do
  @moduledoc false
  # How many requests are worked on, and how many wait, together and of one node. Pure: the desk does
  # what it is told here.
  #
  # Invariants: no more run than `workers`, of one node than `workers_per_node`; no more wait than
  # `waiting`, of one node than `waiting_per_node`; nothing waits that could run.

  @limits %{workers: 32, workers_per_node: 16, waiting: 256, waiting_per_node: 64}

  defstruct limits: @limits, running: %{}, waiting: []

  @type id :: term
  @type limits :: %{
          workers: pos_integer,
          workers_per_node: pos_integer,
          waiting: non_neg_integer,
          waiting_per_node: non_neg_integer
        }
  @type t :: %__MODULE__{
          limits: limits,
          running: %{id => node},
          waiting: [{id, node}]
        }

  @doc "An empty one."
  @spec new(limits) :: t
  def new(limits \\ @limits), do: %__MODULE__{limits: limits}

  @doc "The limits where none are given."
  @spec limits() :: limits
  def limits, do: @limits

  @doc "A request comes."
  @spec admit(t, id, node) :: {:run | :wait | :busy, t}
  def admit(room, id, node) do
    cond do
      free?(room, node) -> {:run, run(room, id, node)}
      space?(room, node) -> {:wait, %{room | waiting: room.waiting ++ [{id, node}]}}
      true -> {:busy, room}
    end
  end

  @doc "It is over, wherever it was; which of those that waited run now."
  @spec done(t, id) :: {[id], t}
  def done(room, id) do
    waiting = List.keydelete(room.waiting, id, 0)
    next(%{room | running: Map.delete(room.running, id), waiting: waiting}, [])
  end

  # In the order in which they came, but for those of a node that has its share.
  defp next(room, begun) do
    case Enum.find(room.waiting, fn {_id, node} -> free?(room, node) end) do
      nil ->
        {Enum.reverse(begun), room}

      {id, node} ->
        room = run(%{room | waiting: List.keydelete(room.waiting, id, 0)}, id, node)
        next(room, [id | begun])
    end
  end

  defp run(room, id, node), do: %{room | running: Map.put(room.running, id, node)}

  defp free?(%{limits: limits, running: running}, node) do
    map_size(running) < limits.workers and
      Enum.count(running, &(elem(&1, 1) == node)) < limits.workers_per_node
  end

  defp space?(%{limits: limits, waiting: waiting}, node) do
    length(waiting) < limits.waiting and
      Enum.count(waiting, &(elem(&1, 1) == node)) < limits.waiting_per_node
  end
end
