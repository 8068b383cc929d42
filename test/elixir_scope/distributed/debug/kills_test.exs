defmodule ElixirScope.Distributed.Debug.KillsTest do
  # What a node hears that asks for dependencies while the nodes that know them are killed, frozen and
  # cut off, again and again: at least 99.9 % of its questions are answered in time, by a service or by
  # itself. It goes on for an hour, or for KILLS_SECONDS; SCOPE_SEED repeats a run.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Asking
  alias ElixirScope.Distributed.Debug.Services

  @moduletag :long
  @moduletag timeout: :infinity

  @seconds String.to_integer(System.get_env("KILLS_SECONDS") || "3600")
  @promise 0.999
  @nodes [capture: false, log: :none, net_ticktime: 4]
  @question {:dependency_analysis, :direct, [Enum]}
  @asking [callers: 4, every_ms: 10, timeout_ms: 1_000]

  test "questions are answered, whatever happens to those who know" do
    seed = String.to_integer(System.get_env("SCOPE_SEED") || "#{System.os_time(:second)}")
    IO.puts("\nSCOPE_SEED=#{seed}")
    :rand.seed(:exsss, seed)

    [asker | languages] = start_nodes([:asker, :one, :other], @nodes)
    for node <- languages, do: serve(node)
    # It reads its own code when it is first asked about it.
    {:ok, _, %{node: ^asker}} = on(asker, fn -> own_answer() end)
    {:ok, _pid} = on(asker, Asking, :start, [@question, @asking])

    until = System.monotonic_time(:second) + @seconds
    upheavals(asker, languages, until, 1)
    counts = on(asker, Asking, :stop, [])
    IO.puts("in #{@seconds} s: #{inspect(counts)}")

    made = counts |> Map.values() |> Enum.sum()
    %{service: by_services, fallback: here} = counts
    assert made > 10 * @seconds
    assert (by_services + here) / made >= @promise
  end

  defp serve(node), do: :ok = on(node, fn -> Services.register_language_server_services() end)

  defp own_answer do
    {service, operation, args} = @question
    Services.call(service, operation, args, node: Node.self(), timeout_ms: 60_000)
  end

  defp upheavals(asker, languages, until, n) do
    if System.monotonic_time(:second) < until do
      upheaval(asker, Enum.take(Enum.shuffle(languages), :rand.uniform(2)))
      IO.puts("#{n}: #{inspect(on(asker, Asking, :counts, []))}")
      upheavals(asker, languages, until, n + 1)
    end
  end

  # One of them, or both at the same time.
  defp upheaval(asker, nodes) do
    kinds =
      for node <- nodes, do: {Enum.random([:kill, :kill, :kill, :stop, :cut, :freeze]), node}

    for {kind, node} <- kinds, do: happen(kind, asker, node)
    pause(:rand.uniform(3_000))
    for {kind, node} <- kinds, do: mend(kind, asker, node)
    pause(:rand.uniform(1_500))
  end

  defp happen(:kill, _asker, node), do: kill(node)
  defp happen(:stop, _asker, node), do: stop(node)
  defp happen(:freeze, _asker, node), do: freeze(node)
  defp happen(:cut, asker, node), do: partition([asker], [node])

  defp mend(:freeze, _asker, node), do: thaw(node)
  defp mend(:cut, asker, node), do: heal([asker, node])

  defp mend(_ended, _asker, node) do
    restart(node)
    serve(node)
  end

  defp pause(ms) do
    Process.send_after(self(), :go_on, ms)
    receive(do: (:go_on -> :ok))
  end
end
