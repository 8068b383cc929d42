defmodule ElixirScope.Distributed.Export.MemoryTest do
  # What an export of a million events takes, of each format, everything included: alone, as it is the
  # memory of the whole machine that is looked at.
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Export}
  alias ElixirScope.Distributed.Capture.Recorder

  @moduletag :slow
  @moduletag :tmp_dir
  @moduletag timeout: 600_000

  @events 1_000_000
  @most_mb 200

  # Eight processes of nested calls with marks in them, in parts that fit into the rings.
  @part 2_500
  @turn 5

  setup_all do
    processes = for one <- 1..8, do: spawn_link(fn -> serve(one) end)
    for part <- 1..div(@events, 8 * @part), do: fill(part, processes)
    {:ok, processes: processes}
  end

  # Reading one event waits until all are out of the rings.
  defp fill(part, processes) do
    for process <- processes, do: send(process, {:record, part, self()})
    for process <- processes, do: assert_receive({:recorded, ^process}, 60_000)
    {:ok, [_]} = Scope.events(limit: 1, order: :desc)
  end

  defp serve(one) do
    receive do
      {:record, part, test} ->
        for n <- 1..div(@part, @turn), do: request({part, one, n})
        send(test, {:recorded, self()})
    end

    serve(one)
  end

  defp request(id) do
    Recorder.call(Shop, :buy, [id, "some text"])
    Recorder.call(:"Shop.Größe", :price, 1)
    Scope.record(:step, id, correlation_id: id)
    Recorder.return(:"Shop.Größe", :price, 1, {:ok, 17})
    Recorder.return(Shop, :buy, 2, :ok)
  end

  for format <- Export.formats() do
    test "#{format}", %{processes: processes, tmp_dir: folder} do
      path = Path.join(folder, "out")
      resident = resident_mb()
      {:ok, most} = Agent.start_link(fn -> resident end)
      look = fn _progress -> Agent.update(most, &max(&1, resident_mb())) end
      options = [pids: processes, limit: @events, progress: look]

      case Export.write(path, unquote(format), options) do
        {:ok, written} ->
          grown = Agent.get(most, & &1) - resident
          assert written.events == @events and File.stat!(path).size == written.bytes
          if System.get_env("SCOPE_SAY"), do: IO.puts("#{unquote(format)}: #{grown} MB")
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
