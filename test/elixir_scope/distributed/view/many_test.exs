defmodule ElixirScope.Distributed.View.ManyTest do
  # A long picture takes no more memory to be written than a short one. SCOPE_LONG=1 takes a million
  # events.
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Causality
  alias ElixirScope.Distributed.View.{Dependencies, Gaps, Sequence, Text, Timeline}

  @moduletag :slow
  @moduletag timeout: 600_000

  @events if System.get_env("SCOPE_LONG"), do: 1_000_000, else: 100_000
  @writers 50

  # What the VM may grow by, the picture included.
  @most_mb 200

  # What a writer records before it is all stored: a ring holds more.
  @part 1_000

  @scope :many_events

  setup do
    {:ok, _pid} = Scope.start(name: @scope, retention_bytes: 1_000_000_000)
    on_exit(fn -> Scope.stop(@scope) end)
    each = div(@events, @writers)
    1..@writers |> Enum.map(&Task.async(fn -> write(&1, each) end)) |> Task.await_many(:infinity)
    :ok
  end

  defp write(writer, events) do
    for first <- 1..events//@part do
      for n <- first..(first + @part - 1), do: Scope.record(:step, {writer, n}, scope: @scope)
      {:ok, _result} = Scope.query(scope: @scope, limit: 1)
    end
  end

  test "every event of a long picture is written in little memory" do
    before = resident_mb()
    {:ok, picture} = Causality.build(scope: @scope, limit: 1_000_000)
    assert picture.about.events == @events
    assert picture.about.dropped == 0

    lines =
      for view <- [Timeline, Sequence, Gaps, Dependencies],
          do: {view, written(view, picture, before)}

    assert lines[Timeline] > @events
    assert lines[Sequence] > @events
  end

  # So many lines; none too wide, and never too much memory.
  defp written(view, picture, before) do
    picture
    |> view.render(width: 100, color: true)
    |> Stream.with_index()
    |> Enum.reduce(0, fn {line, at}, _count ->
      if rem(at, 5_000) == 0, do: check(line, before)
      at + 1
    end)
  end

  defp check(line, before) do
    plain = line |> IO.iodata_to_binary() |> String.replace(~r/\e\[\d+m/, "")
    assert Text.width(plain) <= 100
    assert resident_mb() - before <= @most_mb
  end

  defp resident_mb do
    case File.read("/proc/self/status") do
      {:ok, status} ->
        Regex.run(~r/VmRSS:\s+(\d+) kB/, status)
        |> List.last()
        |> String.to_integer()
        |> div(1024)

      {:error, _not_linux} ->
        div(:erlang.memory(:total), 1_048_576)
    end
  end
end
