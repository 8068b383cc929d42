defmodule ElixirScope.Distributed.Sync.ModeTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Options
  alias ElixirScope.Distributed.Sync.Mode
  doctest Mode

  test "every mode that is accepted is understood, and nothing else is accepted" do
    for mode <- [:auto, :full, :on_demand, {:collectors, 3}, {:collectors, [:a@h, :b@h]}] do
      assert {:ok, _} = Options.validate(:start, sync: mode)
      for members <- 1..10, do: assert(Mode.keeps(mode, members))
    end

    for wrong <- [:some, nil, {:collectors, 0}, {:collectors, []}, {:collectors, ["a"]}, 3] do
      assert {:error, "expected :sync to be :auto, :full" <> _} =
               Options.validate(:start, sync: wrong)
    end
  end

  test "the number of members decides only where nothing was said" do
    assert Enum.uniq(for n <- 1..5, do: Mode.keeps(:auto, n)) == [:everything]
    assert Enum.uniq(for n <- 6..60, do: Mode.keeps(:auto, n)) == [{:collected, 3}]
    assert Enum.uniq(for n <- 1..60, do: Mode.keeps(:on_demand, n)) == [:nothing]
  end
end
