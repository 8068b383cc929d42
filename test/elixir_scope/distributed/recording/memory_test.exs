defmodule ElixirScope.Distributed.Recording.MemoryTest do
  # A million events are saved and opened in a node of its own, whose memory is looked at.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope

  @moduletag :tmp_dir
  @moduletag :slow
  @moduletag timeout: 900_000

  @events 1_000_000
  @growth_mb 200
  @config [elixir_scope_distributed: [retention_bytes: 1024 * 1024 * 1024]]

  # The most that a node ever took, since it was asked to forget what that was.
  defp peak(node, fun) do
    on(node, fn ->
      :erlang.garbage_collect()
      File.write!("/proc/self/clear_refs", "5")
      before = memory("VmRSS")
      result = fun.()
      {result, memory("VmHWM") - before}
    end)
  end

  defp memory(name) do
    [_all, kb] = Regex.run(~r/#{name}:\s+(\d+) kB/, File.read!("/proc/self/status"))
    div(String.to_integer(kb), 1024)
  end

  defp record(count) do
    for from <- 1..count//10_000 do
      for n <- from..(from + 9_999),
          do: Scope.record(:item, {n, :ok, "value #{rem(n, 97)}"}, correlation_id: rem(n, 1_000))

      {:ok, _} = Scope.events(kinds: [:exit], limit: 1)
    end
  end

  test "a million events are saved, opened and read within 200 MB", %{tmp_dir: folder} do
    if File.exists?("/proc/self/clear_refs") do
      [node] = start_nodes(1, config: @config)
      on(node, fn -> record(@events) end)
      path = Path.join(folder, "million.scope")
      {{:ok, saved}, saving} = peak(node, fn -> Scope.save(path) end)
      assert saved.events == @events
      on(node, fn -> Scope.stop() end)

      {{:ok, scope}, opening} = peak(node, fn -> Scope.open(path) end)

      {count, reading} =
        peak(node, fn -> Enum.reduce(Scope.stream(scope: scope), 0, fn _, n -> n + 1 end) end)

      assert count == @events
      {{:ok, few}, asking} = peak(node, fn -> Scope.events(scope: scope, correlation_id: 7) end)
      assert length(few) == div(@events, 1_000)
      growth = [saving: saving, opening: opening, reading: reading, asking: asking]
      assert Enum.all?(growth, fn {_what, mb} -> mb <= @growth_mb end), inspect(growth)
      bytes = File.stat!(path).size / @events
      IO.puts("\na million events: #{inspect(growth)} MB, #{Float.round(bytes, 2)} bytes each")
    else
      IO.puts("\nskipped: this system does not say how much memory a process had at most")
    end
  end
end
