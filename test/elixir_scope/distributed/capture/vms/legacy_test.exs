defmodule ElixirScope.Distributed.Capture.Vms.LegacyTest do
  # The tracer of all tools: nothing else may trace meanwhile.
  use ExUnit.Case

  alias ElixirScope.Distributed.Capture.{Vm, Vms.Legacy}

  @moduletag skip: Vm.sessions?() && "a session of our own is used instead"

  @flags [:call, :procs]

  test "takes everything away from whom it traced, and nothing from whom others trace" do
    [ours, theirs] = for _ <- 1..2, do: spawn_link(fn -> receive do: (:stop -> :ok) end)
    {:ok, handle} = Legacy.open()
    Legacy.set(handle, {:process, ours, true, @flags})
    Legacy.set(handle, {:process, :new, true, @flags})
    :erlang.trace(theirs, true, [:call])
    assert Enum.sort(flags(ours)) == Enum.sort(flags(:new_processes))
    Legacy.close(handle)
    assert {flags(ours), flags(:new_processes), flags(theirs)} == {[], [], [:call]}
    assert :erlang.trace_info(theirs, :tracer) == {:tracer, self()}
    assert {:error, %{reason: :other_tracer, details: %{processes: 1}}} = Legacy.open()
    :erlang.trace(theirs, false, [:all])
    assert Legacy.open() == {:ok, :legacy}
  end

  defp flags(who), do: elem(:erlang.trace_info(who, :flags), 1)
end
