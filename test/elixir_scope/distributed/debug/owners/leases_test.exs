defmodule ElixirScope.Distributed.Debug.Owners.LeasesTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Owners.Leases

  # Owners are any terms to it.
  defp step do
    one_of([
      tuple([constant(:hold), integer(1..4), integer(1..30)]),
      tuple([constant(:renew), integer(1..4)]),
      tuple([constant(:release), integer(1..4)]),
      tuple([constant(:wait), integer(0..20)])
    ])
  end

  test "whoever is told as gone was there, once, and nobody is there beyond its lease" do
    property(list(step()), fn steps ->
      {leases, model, _now} = Enum.reduce(steps, {Leases.new(), %{}, 0}, &run/2)
      assert Enum.sort(Leases.owners(leases)) == Enum.sort(Map.keys(model))
    end)
  end

  # The model: until when each is there.
  defp run({:wait, ms}, {leases, model, now}) do
    now = now + ms
    {gone, leases} = Leases.expire(leases, now)
    late = for {owner, {_lease, until}} <- model, until <= now, do: owner
    model = Map.drop(model, late)
    assert Enum.sort(gone) == Enum.sort(late)
    assert Leases.next(leases, now) == next(model, now)
    {leases, model, now}
  end

  defp run({:hold, owner, lease}, {leases, model, now}),
    do: {Leases.hold(leases, owner, lease, now), Map.put(model, owner, {lease, now + lease}), now}

  defp run({:renew, owner}, {leases, model, now}) do
    case {Leases.renew(leases, owner, now), model} do
      {{:ok, leases}, %{^owner => {lease, _}}} ->
        {leases, Map.put(model, owner, {lease, now + lease}), now}

      {:error, model} ->
        refute is_map_key(model, owner)
        {leases, model, now}
    end
  end

  defp run({:release, owner}, {leases, model, now}) do
    {was_there?, leases} = Leases.release(leases, owner)
    assert was_there? == is_map_key(model, owner)
    {leases, Map.delete(model, owner), now}
  end

  defp next(model, _now) when model == %{}, do: :infinity
  defp next(model, now), do: Enum.min(for({_, {_, until}} <- model, do: until)) - now

  test "one whose lease ran out unnoticed is not renewed" do
    leases = Leases.hold(Leases.new(), :one, 10, 0)
    assert :error = Leases.renew(leases, :one, 10)
    assert {:ok, _leases} = Leases.renew(leases, :one, 9)
  end

  test "owners of this node stay without a lease" do
    leases = Leases.hold(Leases.new(), :one, :infinity, 0)
    assert {[], ^leases} = Leases.expire(leases, 1_000_000_000)
    assert Leases.next(leases, 5) == :infinity
    assert {:ok, ^leases} = Leases.renew(leases, :one, 7)
  end
end
