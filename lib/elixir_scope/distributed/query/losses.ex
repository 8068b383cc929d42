defmodule ElixirScope.Distributed.Query.Losses do
  @moduledoc false
  # What is known to be lost of what a question is about. The merge counts it; one that begins anew,
  # after a member failed, counts anew from there. Pure.

  defstruct dropped: 0, before: 0, expired: 0

  @type t :: %__MODULE__{
          dropped: non_neg_integer,
          before: non_neg_integer,
          expired: non_neg_integer
        }

  @doc "What the merge says by now."
  @spec told(t, non_neg_integer, %{events: non_neg_integer} | nil) :: t
  def told(losses, dropped, nil), do: %{losses | dropped: dropped}

  def told(losses, dropped, %{events: events}),
    do: %{losses | dropped: dropped, expired: max(losses.expired, events)}

  @doc "The merge begins anew."
  @spec anew(t) :: t
  def anew(losses), do: %{losses | dropped: 0, before: dropped(losses)}

  @doc "So many events were lost besides."
  @spec more(t, non_neg_integer) :: t
  def more(losses, events), do: %{losses | before: losses.before + events}

  @doc "How many events were lost before they could be stored, or cannot be shown."
  @spec dropped(t) :: non_neg_integer
  def dropped(losses), do: losses.dropped + losses.before
end
