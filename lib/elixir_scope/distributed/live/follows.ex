defmodule ElixirScope.Distributed.Live.Follows do
  @moduledoc false
  # The members that a subscription follows: who is there, who is missing, and what all of them have
  # promised. Pure; the time, in milliseconds, is an argument.

  alias ElixirScope.Distributed.Live.Follow

  # Members of which is remembered how far they were followed; more only as long as they belong.
  @most 512

  defstruct [:local, :lateness_ms, members: %{}, up: [], known: []]

  @type t :: %__MODULE__{
          local: Follow.t(),
          lateness_ms: non_neg_integer,
          members: %{node => Follow.t()},
          up: [node],
          known: [node]
        }

  @doc "This node alone."
  @spec new(node, non_neg_integer) :: t
  def new(node, lateness_ms),
    do: %__MODULE__{local: Follow.new(node), lateness_ms: lateness_ms}

  @doc "Who is there, and who belongs. One that left may come back, and is followed from its beginning then."
  @spec members(t, up :: [node], known :: [node]) :: t
  def members(follows, up, known) do
    members = Map.merge(Map.new(up, &{&1, Follow.new(&1)}), follows.members)
    members = Enum.reduce(follows.up -- up, members, &lose/2)
    %{follows | members: bounded(members, up ++ known), up: up, known: known}
  end

  defp bounded(members, _needed) when map_size(members) <= @most, do: members
  defp bounded(members, needed), do: Map.take(members, needed)

  defp lose(node, members) when is_map_key(members, node),
    do: Map.update!(members, node, &Follow.gone/1)

  defp lose(_node, members), do: members

  @doc "Changes what is known of a member."
  @spec put(t, Follow.t()) :: t
  def put(follows, follow), do: put_in(follows.members[follow.node], follow)

  @doc "The members that can be asked."
  @spec there(t) :: [Follow.t()]
  def there(follows), do: for(node <- follows.up, do: follows.members[node])

  @doc "Who was asked that."
  @spec find(t, node, reference) :: Follow.t() | nil
  def find(follows, node, ref) do
    case follows.members do
      %{^node => %{ref: ^ref} = follow} -> follow
      _other -> nil
    end
  end

  @doc "Whether all that are there were heard once."
  @spec all_known?(t) :: boolean
  def all_known?(follows), do: Enum.all?(there(follows), &Follow.known?/1)

  @doc """
  The moment before which nothing will come of any member that answers; `nil` where nobody was heard.
  Nobody waits for who is missing.
  """
  @spec promised(t, integer) :: Follow.stamp() | nil
  def promised(follows, now) do
    [follows.local | Enum.reject(there(follows), &silent?(follows, &1, now))]
    |> Enum.map(& &1.promise)
    |> Enum.reject(&is_nil/1)
    |> Enum.min_by(fn {logical, ns} -> {ns, logical} end, fn -> nil end)
  end

  @doc "The members that belong, and of which nothing comes now."
  @spec missing(t, integer) :: [node]
  def missing(follows, now) do
    out = follows.known -- [follows.local.node | follows.up]
    silent = for follow <- there(follows), silent?(follows, follow, now), do: follow.node
    Enum.sort(out ++ silent)
  end

  defp silent?(follows, follow, now), do: Follow.silent?(follow, follows.lateness_ms, now)
end
