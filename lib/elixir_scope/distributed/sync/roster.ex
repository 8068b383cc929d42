defmodule ElixirScope.Distributed.Sync.Roster do
  @moduledoc false
  # Among whom collectors are chosen: the members, and those that went away so shortly ago that they
  # are likely to come back. A node that is down for a moment moves no events; one that is gone for
  # good, as after each deployment with new names, is not waited for. Pure; the clock is an argument.

  @grace_ms 10 * 60 * 1_000

  # Of those that went away so many are remembered, the last ones.
  @most_left 512

  defstruct up: [], left: %{}

  @type t :: %__MODULE__{up: [node], left: %{node => integer}}

  @doc "The members are `up` from now on."
  @spec update(t, [node], integer) :: t
  def update(roster, up, now_ms) do
    left = Map.new(roster.up -- up, &{&1, now_ms})
    %{roster | up: up, left: roster.left |> Map.merge(left) |> Map.drop(up) |> latest()}
  end

  @doc "Its bound with its value."
  @spec bounds(t) :: map
  def bounds(roster), do: %{left: map_size(roster.left), left_limit: @most_left}

  @doc "Who belongs, sorted; who left is forgotten after a while."
  @spec members(t, integer) :: {[node], t}
  def members(roster, now_ms) do
    left = for {node, at} <- roster.left, now_ms - at < @grace_ms, into: %{}, do: {node, at}
    {Enum.sort(roster.up ++ Map.keys(left)), %{roster | left: left}}
  end

  defp latest(left) when map_size(left) <= @most_left, do: left

  defp latest(left) do
    left
    |> Enum.sort_by(fn {node, at} -> {at, node} end, :desc)
    |> Enum.take(@most_left)
    |> Map.new()
  end
end
