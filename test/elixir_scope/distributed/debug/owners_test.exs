defmodule ElixirScope.Distributed.Debug.OwnersTest do
  # One per VM: not beside others.
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed.Debug.Owners

  setup do
    {:ok, _pid} = Owners.subscribe()
    :ok
  end

  defp owner, do: spawn(fn -> receive do: (:go -> :ok) end)

  test "one that exits, is released or does not renew is told of, once and with its reason" do
    [exits, goes, silent] = for _ <- 1..3, do: owner()
    for owner <- [exits, goes, silent], do: :ok = Owners.hold(owner, 50)
    Process.exit(exits, :kill)
    assert_receive {:owner_gone, ^exits, {:exited, :killed}}
    :ok = Owners.release(goes)
    assert_receive {:owner_gone, ^goes, :released}
    assert_receive {:owner_gone, ^silent, :lease}, 1_000
    assert {:error, :unknown_owner} = Owners.renew(silent)
    refute_received {:owner_gone, _owner, _reason}
    for owner <- [goes, silent], do: Process.exit(owner, :kill)
  end

  test "one of this node needs no lease" do
    owner = owner()
    :ok = Owners.admit(owner)
    :ok = Owners.renew(owner)
    assert owner in Owners.list()
    Process.exit(owner, :kill)
    assert_receive {:owner_gone, ^owner, {:exited, :killed}}
  end

  test "one that was gone in between is another one, also to who did not see it go" do
    :ok = Owners.hold(self(), 5_000)
    {:ok, since} = Owners.since(self())
    :ok = Owners.hold(self(), 5_000)
    assert {:ok, ^since} = Owners.since(self())
    :ok = Owners.release(self())
    assert {:error, :unknown_owner} = Owners.since(self())
    :ok = Owners.hold(self(), 5_000)
    assert {:ok, later} = Owners.since(self())
    assert later != since
    :ok = Owners.release(self())
  end

  test "a lease is of a length that can be borne" do
    assert {:error, :bad_lease} = Owners.hold(self(), 0)
    assert {:error, :bad_lease} = Owners.hold(self(), 10_000_000)
    assert {:error, :bad_lease} = Owners.hold(:me, 1_000)
    assert {:error, :unknown_owner} = Owners.renew(self())
  end
end
