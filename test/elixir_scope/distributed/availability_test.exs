defmodule ElixirScope.Distributed.AvailabilityTest do
  # What nodes answer while others are killed, stopped, frozen and cut off: at least 99.9 % of the
  # calls to those that run, one every 10 ms on each, end with a value or a named error within
  # their deadline. SCOPE_LONG=1 goes on for an hour with one upheaval a minute, AVAILABILITY_SECONDS
  # for as long as it says; SCOPE_SEED repeats a run. It prints how the calls ended.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Prober

  @long? System.get_env("SCOPE_LONG") != nil
  @upheaval_ms if @long?, do: 60_000, else: 5_000
  @seconds System.get_env("AVAILABILITY_SECONDS") || if(@long?, do: "3600", else: "15")
  @upheavals max(div(String.to_integer(@seconds) * 1_000, @upheaval_ms), 1)
  @moduletag :slow
  @moduletag timeout: :infinity

  @config [elixir_scope_distributed: [sync_since_ms: 60_000]]
  @promise 0.999

  test "those that are there answer, whatever happens to the others" do
    seed = String.to_integer(System.get_env("SCOPE_SEED") || "#{System.os_time(:second)}")
    IO.puts("\nSCOPE_SEED=#{seed}")
    :rand.seed(:exsss, seed)
    nodes = start_nodes(3, config: @config, log: :none)
    for node <- nodes, do: begin(node)

    counts = Enum.reduce(1..@upheavals, %{}, fn n, counts -> upheaval(n, nodes, counts) end)
    counts = Enum.reduce(nodes, counts, &add(on(&1, fn -> Prober.stop() end), &2))

    {made, answered} = report(counts)
    assert made > @upheavals * div(@upheaval_ms, 10)
    assert answered / made >= @promise
    for node <- nodes, do: assert({:ok, %{node: ^node}} = on(node, &Scope.status/0))
  end

  # Something happens in the first third of the time, and is over in the second.
  defp upheaval(n, nodes, counts) do
    began = now()
    kind = Enum.random([:kill, :restart, :split, :one_way, :partial, :freeze])
    [one, other, third] = Enum.shuffle(nodes)
    IO.puts("#{n}/#{@upheavals} #{kind} #{one}")

    wait_until(began + :rand.uniform(div(@upheaval_ms, 3)))
    counts = happen(kind, {one, other, third}, counts)
    wait_until(began + div(@upheaval_ms, 3) + :rand.uniform(div(@upheaval_ms, 3)))
    mend(kind, one, nodes)
    wait_until(began + @upheaval_ms)
    so_far(nodes, counts)
    counts
  end

  defp so_far(nodes, counts) do
    counts = Enum.reduce(nodes, counts, &add(on(&1, fn -> Prober.counts() end), &2))
    {made, answered} = totals(counts)
    IO.puts("  #{made} calls, #{made - answered} without an answer")
  end

  # What a node counted is gone with it: of those that end it is taken before.
  defp happen(:kill, {one, _other, _third}, counts) do
    counts = one |> on(fn -> Prober.counts() end) |> add(counts)
    kill(one)
    counts
  end

  defp happen(:restart, {one, _other, _third}, counts) do
    counts = one |> on(fn -> Prober.stop() end) |> add(counts)
    stop(one)
    counts
  end

  # Who stands still answers nobody, and is not asked.
  defp happen(:freeze, {one, _other, _third}, counts) do
    counts = one |> on(fn -> Prober.stop() end) |> add(counts)
    on(one, fn -> GenServer.stop(Prober) end)
    freeze(one)
    counts
  end

  defp happen(:split, {one, other, third}, counts), do: cut(one, [other, third], counts)
  defp happen(:partial, {one, other, _third}, counts), do: cut(one, [other], counts)

  defp happen(:one_way, {one, other, _third}, counts) do
    partition(one, to: other)
    counts
  end

  defp cut(one, others, counts) do
    partition(one, others)
    counts
  end

  defp mend(ended, one, nodes) when ended in [:kill, :restart] do
    restart(one)
    connect(nodes)
    begin(one)
  end

  defp mend(:freeze, one, nodes) do
    thaw(one)
    connect(nodes)
    begin(one)
  end

  defp mend(_cut, _one, nodes), do: heal(nodes)

  # Something is recorded all the time, beside what the calls record.
  defp begin(node) do
    on(node, fn ->
      unless Process.whereis(:load), do: Process.register(spawn(fn -> load(1) end), :load)
      Prober.start()
    end)
  end

  defp load(n) do
    receive do
      :stop -> n
    after
      5 -> Scope.record(:load, n) && load(n + 1)
    end
  end

  defp add(more, counts), do: Map.merge(counts, more, fn _key, one, other -> one + other end)

  defp report(counts) do
    made = Enum.sum(Map.values(counts))

    answered = Enum.sum(for {{_call, outcome}, n} <- counts, Prober.answered?(outcome), do: n)

    for {{call, outcome}, n} <- Enum.sort(counts), do: IO.puts("#{n} #{call} #{inspect(outcome)}")
    IO.puts("#{made} calls, #{answered} answered: #{Float.round(100 * answered / made, 4)} %")
    {made, answered}
  end

  defp totals(counts) do
    answered = for {{_call, outcome}, n} <- counts, Prober.answered?(outcome), do: n
    {Enum.sum(Map.values(counts)), Enum.sum(answered)}
  end

  defp wait_until(time), do: eventually(fn -> now() >= time end, within: 2 * @upheaval_ms)
  defp now, do: System.monotonic_time(:millisecond)
end
