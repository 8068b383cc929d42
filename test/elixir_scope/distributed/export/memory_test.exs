defmodule ElixirScope.Distributed.Export.MemoryTest do
  # What an export of a million events takes, of each format, everything included: alone, as it is the
  # memory of the whole machine that is looked at.
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Export}

  @moduletag :slow
  @moduletag :tmp_dir
  @moduletag timeout: 600_000

  @events 1_000_000
  @most_mb 200

  # Requests over eight processes of marks, within the bounds of the rings.
  setup_all do
    scope = __MODULE__
    start_supervised!({Scope, name: scope, retention_bytes: 512 * 1024 * 1024})
    for part <- 1..div(@events, 20_000), do: fill(part, scope)
    {:ok, scope: scope}
  end

  # Reading one event waits until all are out of the rings.
  defp fill(part, scope) do
    tasks = for one <- 1..8, do: Task.async(fn -> record(part, one, scope) end)
    Task.await_many(tasks, 60_000)
    {:ok, [_]} = Scope.events(scope: scope, limit: 1, order: :desc)
  end

  defp record(part, one, scope) do
    for n <- 1..2_500 do
      Scope.record(:step, {part, n, "some text"},
        scope: scope,
        correlation_id: {part, one, div(n, 100)}
      )
    end
  end

  for format <- Export.formats() do
    test "#{format}", %{scope: scope, tmp_dir: folder} do
      path = Path.join(folder, "out")
      resident = resident_mb()
      {:ok, most} = Agent.start_link(fn -> resident end)
      look = fn _progress -> Agent.update(most, &max(&1, resident_mb())) end
      options = [scope: scope, limit: @events, progress: look]

      case Export.write(path, unquote(format), options) do
        {:ok, written} ->
          grown = Agent.get(most, & &1) - resident
          assert written.events == @events and File.stat!(path).size == written.bytes
          assert grown <= @most_mb, "#{unquote(format)} took #{grown} MB more"

        {:error, %Error{reason: :no_parquet}} ->
          IO.puts("no memory of Parquet is known: this library was built without it")
      end
    end
  end

  defp resident_mb do
    :erlang.garbage_collect()
    {:ok, text} = File.read("/proc/self/status")
    [_, kilobytes] = Regex.run(~r/VmRSS:\s+(\d+)/, text)
    div(String.to_integer(kilobytes), 1_024)
  end
end
