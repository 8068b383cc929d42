defmodule ElixirScope.Distributed.Transports.Isolated.Flight do
  @moduledoc false
  # What is under way in a simulated network, ordered by when it arrives. Pure.
  #
  # Invariant: of two events put in order on one way, the first arrives first, however
  # their delays fell. `tails` holds when the last one of each way arrives; `number`
  # settles ties.

  defstruct queue: :gb_trees.empty(), tails: %{}, number: 0

  @type way :: {from :: term, to :: term}
  @type t :: %__MODULE__{
          queue: :gb_trees.tree({ms :: integer, integer}, term),
          tails: %{way => integer},
          number: non_neg_integer
        }

  @doc "Sends `event` off: it arrives at `due`, or behind what is before it on its way."
  @spec put(t, way, integer, :in_order | :held_back, term) :: t
  def put(flight, way, due, :in_order, event) do
    due = max(due, Map.get(flight.tails, way, due))
    enqueue(%{flight | tails: Map.put(flight.tails, way, due)}, due, event)
  end

  def put(flight, _way, due, :held_back, event), do: enqueue(flight, due, event)

  @doc "Takes out what has arrived at `now`, in order."
  @spec arrived(t, integer) :: {[term], t}
  def arrived(flight, now, events \\ []) do
    case next(flight) do
      due when is_integer(due) and due <= now -> take(flight, now, events)
      _later -> {Enum.reverse(events), flight}
    end
  end

  @doc "When the next event arrives."
  @spec next(t) :: integer | nil
  def next(%{queue: queue}) do
    unless :gb_trees.is_empty(queue), do: queue |> :gb_trees.smallest() |> elem(0) |> elem(0)
  end

  defp take(flight, now, events) do
    {_key, event, queue} = :gb_trees.take_smallest(flight.queue)
    arrived(%{flight | queue: queue}, now, [event | events])
  end

  defp enqueue(%{number: number} = flight, due, event) do
    queue = :gb_trees.insert({due, number}, event, flight.queue)
    %{flight | queue: queue, number: number + 1}
  end
end
