defmodule ElixirScope.Distributed.Sync.RosterTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Sync.Roster

  @minute 60_000

  defp members(roster, at), do: roster |> Roster.members(at) |> elem(0)

  test "who left belongs for ten minutes more, or until it is back" do
    roster = %Roster{} |> Roster.update([:b@h, :a@h], 0) |> Roster.update([:a@h], @minute)
    assert members(roster, @minute) == [:a@h, :b@h]
    assert members(roster, 10 * @minute) == [:a@h, :b@h]
    assert members(roster, 11 * @minute) == [:a@h]
    back = Roster.update(roster, [:a@h, :b@h], 2 * @minute)
    assert members(back, 60 * @minute) == [:a@h, :b@h]
  end

  test "names that never come back do not add up" do
    roster =
      Enum.reduce(1..1_000, %Roster{}, fn n, roster ->
        {_members, roster} =
          roster |> Roster.update([:"n#{n}@h"], n * @minute) |> Roster.members(n * @minute)

        roster
      end)

    assert map_size(roster.left) <= 10
  end

  test "of many that leave at once the last ones are remembered" do
    roster = Enum.reduce(1..600, %Roster{}, &Roster.update(&2, [:"n#{&1}@h"], &1))
    assert %{left: 512, left_limit: 512} = Roster.bounds(roster)
    {members, _roster} = Roster.members(roster, 600)
    assert :n88@h in members and :n87@h not in members
  end
end
