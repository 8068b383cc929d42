defmodule ElixirScope.Distributed.Debug.Owners.Leases do
  @moduledoc false
  # Until when each owner is believed to be there. Pure: whoever calls says what time it is, in
  # milliseconds of any clock that does not go back.
  #
  # Invariant: an owner is in it from the moment it holds until the one moment at which it is told of
  # as gone, by `release/2` or `expire/2`; so what belongs to it is undone once.

  @type owner :: pid
  @type lease :: pos_integer | :infinity
  @type t :: %{owner => {lease, until :: integer | :infinity}}

  @doc "Nobody holds anything."
  @spec new() :: t
  def new, do: %{}

  @doc "An owner comes, or says how long it wants to be believed from now on."
  @spec hold(t, owner, lease, integer) :: t
  def hold(leases, owner, lease, now), do: Map.put(leases, owner, {lease, until(lease, now)})

  @doc "An owner is still there. One whose lease ran out, even unnoticed, is not."
  @spec renew(t, owner, integer) :: {:ok, t} | :error
  def renew(leases, owner, now) do
    case leases do
      %{^owner => {lease, until}} when until > now -> {:ok, hold(leases, owner, lease, now)}
      _gone -> :error
    end
  end

  @doc "Takes an owner out; whether it was there."
  @spec release(t, owner) :: {boolean, t}
  def release(leases, owner), do: {is_map_key(leases, owner), Map.delete(leases, owner)}

  @doc "Takes out whose lease has run out."
  @spec expire(t, integer) :: {[owner], t}
  def expire(leases, now) do
    gone = for {owner, {_lease, until}} <- leases, until <= now, do: owner
    {gone, Map.drop(leases, gone)}
  end

  @doc "In how many milliseconds the next one runs out."
  @spec next(t, integer) :: non_neg_integer | :infinity
  def next(leases, now) do
    case Enum.min(for({_owner, {_lease, until}} <- leases, do: until), fn -> :infinity end) do
      :infinity -> :infinity
      until -> max(until - now, 0)
    end
  end

  @doc "Who holds."
  @spec owners(t) :: [owner]
  def owners(leases), do: Map.keys(leases)

  defp until(:infinity, _now), do: :infinity
  defp until(lease, now), do: now + lease
end
