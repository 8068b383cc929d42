defmodule ElixirScope.Distributed.Sync.Early do
  @moduledoc false
  # Batches of those that are no members yet: the other side of a handshake may be through with it
  # first. The last one of each is kept until it is a member, and forgotten with the next change of
  # members. Whoever is refused room asks again.

  @most 64
  @most_bytes 256 * 1024

  defstruct batches: %{}, refused: 0

  @type t :: %__MODULE__{batches: %{node => struct}, refused: non_neg_integer}

  @doc "Keeps the batch of a node that is no member."
  @spec put(t, node, %{:events_batch => binary, optional(atom) => term}) :: t
  def put(%{batches: batches} = early, node, %{events_batch: batch} = message)
      when byte_size(batch) <= @most_bytes and
             (map_size(batches) < @most or is_map_key(batches, node)),
      do: put_in(early.batches[node], message)

  def put(early, _node, _message), do: %{early | refused: early.refused + 1}

  @doc "Those of these members; the others are forgotten."
  @spec take(t, [node]) :: {[{node, struct}], t}
  def take(early, members),
    do: {Enum.to_list(Map.take(early.batches, members)), %{early | batches: %{}}}

  @doc "Its bound with its value."
  @spec bounds(t) :: map
  def bounds(early),
    do: %{early: map_size(early.batches), early_limit: @most, early_refused: early.refused}
end
