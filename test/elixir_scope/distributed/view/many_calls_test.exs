defmodule ElixirScope.Distributed.View.ManyCallsTest do
  # Many calls take no more memory to be shown than few. SCOPE_LONG=1 takes a million events.
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Recorder
  alias ElixirScope.Distributed.Causality
  alias ElixirScope.Distributed.View.{Diff, Flame, Text, Top, Tree}

  @moduletag :slow
  @moduletag timeout: 600_000

  @events if System.get_env("SCOPE_LONG"), do: 1_000_000, else: 100_000

  # What the VM may grow by, the picture included.
  @most_mb 200

  # Two runs of the same program, each of calls within calls.
  @runs 2
  @inner 8

  # Calls that a process records before they are all stored: a ring holds more.
  @part 250

  setup do
    from = System.os_time(:nanosecond)
    each = div(@events, @runs * 2 * (@inner + 1))

    1..@runs
    |> Enum.map(fn _ -> Task.async(fn -> run(each) end) end)
    |> Task.await_many(:infinity)

    [filters: [modules: [__MODULE__.Program], from: from, limit: 1_000_000]]
  end

  defp run(requests) do
    for n <- 1..requests do
      call(:"request#{rem(n, 5)}", [n], fn ->
        for m <- 1..@inner, do: call(:"step#{m}", [m, n], fn -> :ok end)
      end)

      if rem(n, @part) == 0, do: {:ok, _stored} = Scope.query(limit: 1)
    end

    {:ok, _stored} = Scope.query(limit: 1)
  end

  defp call(function, arguments, fun) do
    Recorder.call(__MODULE__.Program, function, arguments)
    fun.()
    Recorder.return(__MODULE__.Program, function, length(arguments), :ok)
  end

  test "every view of many calls is written in little memory", %{filters: filters} do
    before = resident_mb()
    {:ok, picture} = Causality.build(filters)
    {events, dropped} = {picture.about.events, picture.about.dropped}
    assert {events > @events * 0.99, dropped} == {true, 0}

    assert written(Tree, picture, [], before) > events / 2
    assert written(Flame, picture, [], before) > 5
    assert written(Flame, picture, [format: :folded, width: 1_000], before) > 5
    assert written(Top, picture, [], before) > 10

    [one, other] = for %{pid: pid, events: n} when n > 0 <- Causality.processes(picture), do: pid
    {:ok, first} = Causality.build(filters ++ [pids: [one]])
    {:ok, second} = Causality.build(filters ++ [pids: [other]])

    assert ["no difference" | _] =
             Enum.map(Diff.render({first, second}, color: false), &to_string/1)

    assert resident_mb() - before <= @most_mb
    assert Causality.size(first) + Causality.size(second) == events
  end

  # So many lines; none too wide, and never too much memory.
  defp written(view, picture, options, before) do
    options = Keyword.merge([width: 100, color: true], options)

    picture
    |> view.render(options)
    |> Stream.with_index()
    |> Enum.reduce(0, fn {line, at}, _count ->
      if rem(at, 5_000) == 0, do: check(line, options[:width], before)
      at + 1
    end)
  end

  defp check(line, width, before) do
    plain = line |> IO.iodata_to_binary() |> String.replace(~r/\e\[\d+m/, "")
    assert Text.width(plain) <= width
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
