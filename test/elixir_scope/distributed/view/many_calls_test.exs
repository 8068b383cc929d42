defmodule ElixirScope.Distributed.View.ManyCallsTest do
  # Many calls take no more memory to be shown than few. SCOPE_LONG=1 takes a million events.
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Recorder
  alias ElixirScope.Distributed.Causality
  alias ElixirScope.Distributed.Causality.Spans
  alias ElixirScope.Distributed.View.{Diff, Flame, Text, Top, Tree}

  @moduletag :slow
  @moduletag timeout: 600_000

  @events if System.get_env("SCOPE_LONG"), do: 1_000_000, else: 100_000

  # What the VM may grow by, the picture included.
  @most_mb 200

  # Two runs of the same program, each a call with calls within calls.
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
    call(:run, [], fn -> Enum.each(1..requests, &request/1) end)
    {:ok, _stored} = Scope.query(limit: 1)
  end

  defp request(n) do
    call(:"request#{rem(n, 5)}", [n], fn ->
      for m <- 1..@inner, do: call(:"step#{m}", [m, n], fn -> :ok end)
    end)

    if rem(n, @part) == 0, do: {:ok, _stored} = Scope.query(limit: 1)
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
    assert written(Flame, picture, [least_percent: 0], before) > 40
    assert written(Flame, picture, [format: :folded, width: 1_000], before) > 40
    assert written(Top, picture, [], before) > 10

    ids = for span <- roots(picture), do: hd(Causality.events(picture, [span.call])).id
    assert [same | _] = rendered(picture, ids: List.to_tuple(ids))
    assert same == "no difference"
    assert resident_mb() - before <= @most_mb
  end

  defp roots(picture) do
    spans = Spans.of(picture)
    assert %{roots: 2, open: 0} = spans.about
    Enum.filter(Spans.stream(spans), &(&1.depth == 0))
  end

  defp rendered(picture, options),
    do: for(line <- Diff.render(picture, [color: false] ++ options), do: to_string(line))

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
