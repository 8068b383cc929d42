defmodule ElixirScope.Distributed.Status.BoundsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Status.Bounds

  doctest Bounds

  # What lives only as long as a question or a message, and what is taken once.
  @without_value [:pairing, :picture, :frame, :ring_bytes, :debug_memory, :debug_answer] ++
                   [:condition_time, :condition_memory, :breakpoint_messages]

  setup context do
    scope = context.test
    start_supervised!({Scope, name: scope, node: :me@test})
    {:ok, status} = Scope.status(scope)
    [scope: scope, status: status]
  end

  test "every bound has a limit, and a value or a reason to have none", %{status: status} do
    assert map_size(status.bounds) > 30

    for {name, bound} <- status.bounds do
      assert %{limit: limit, used: used, over: over, unit: unit, beyond: beyond} = bound
      assert is_integer(limit) and limit > 0, "#{name} has no limit: #{inspect(bound)}"
      assert is_integer(used) or name in @without_value, "#{name} has no value"
      assert used in [nil, 0] or used <= limit, "#{name} is beyond its limit: #{inspect(bound)}"
      assert over == nil or is_integer(over)
      assert is_atom(unit) and is_binary(beyond)
    end
  end

  test "every limit that a part of the status names is a bound", %{status: status} do
    limits = for {_name, %{limit: limit}} <- status.bounds, limit != nil, do: limit
    for limit <- named(Map.from_struct(status)), do: assert(limit in limits)
  end

  test "what is recorded shows in its bound", %{scope: scope} do
    for n <- 1..100, do: Scope.record(:n, n, scope: scope)
    {:ok, _events} = Scope.events(scope: scope)
    {:ok, %{bounds: %{open_block: open, blocks: blocks}}} = Scope.status(scope)
    assert open.used + blocks.used >= 100
  end

  test "what is gone is counted by its cause", %{status: status} do
    causes =
      ~w(ring_full no_scope expired unsaved unreadable thinned refused subscriptions changes)a

    assert causes -- Map.keys(status.lost) == []
    assert Enum.all?(status.lost, fn {_cause, count} -> count >= 0 end)
  end

  test "a status fits a screen", %{status: status} do
    shown = inspect(status)
    assert shown =~ "members: this node alone" and shown =~ "cluster: whole, majority"
    lines = String.split(shown, "\n")
    assert length(lines) < 24
    assert Enum.all?(lines, &(String.length(&1) < 500))
    assert inspect(status, structs: false, limit: :infinity) =~ "held_calls"
  end

  test "a part that begins again leaves no value, and no crash" do
    for {_name, bound} <- Bounds.of(%{}), do: assert(bound.used == nil)
    assert Bounds.share(%{limit: nil, used: 3}) == 0.0
  end

  # Two of them are no bounds of anything that grows: how far clocks are followed, and when pairs are
  # looked for.
  defp named(%{} = part) do
    Enum.flat_map(part, fn
      {:clock, _clock} -> []
      {:bounds, _bounds} -> []
      {key, limit} when is_integer(limit) -> if limit?(key), do: [limit], else: []
      {_key, %{} = inner} when not is_struct(inner) -> named(inner)
      _other -> []
    end)
  end

  defp limit?(key), do: String.ends_with?(Atom.to_string(key), "limit")
end
