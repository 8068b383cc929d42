defmodule ElixirScope.Distributed.Causality.MemoryTest do
  # What a picture of a million events takes, on a node of its own, as its operating system sees it.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Causality

  @behaviour GenServer

  @moduletag :slow
  @moduletag timeout: 900_000

  @events 1_000_000
  @growth_mib 200
  @part 2_048

  # A busy machine is another test's.
  @calm [run_queue: :infinity, scheduler: :infinity, memory: :infinity, available: 0]
  @unbounded [profile: :recorder, events_per_s: 100_000_000, cpu_percent: 1_000] ++
               [events: 20_000_000, bytes: 8_000_000_000, health: @calm]

  @impl GenServer
  def init(nil), do: {:ok, %{orders: 0, last: nil, names: ["a", "b"]}}

  @impl GenServer
  def handle_call({:order, n, item}, _from, state),
    do: {:reply, {:ordered, price(n, item)}, %{state | orders: state.orders + 1, last: n}}

  def price(n, %{cents: cents}), do: n * cents

  @tag skip: if(not File.exists?("/proc/self/clear_refs"), do: "this system does not say it")
  test "of calls, messages and states with arguments is 200 MB at most, with all its rows" do
    [node] = start_nodes(1)
    {growth, about} = on_alone(node, fn -> measured() end)
    assert about.events == @events
    assert about.edges > @events / 10
    assert growth <= @growth_mib, "#{growth} MiB for #{inspect(about)}"
  end

  # One call may not take so long: the answer is asked for until it is there.
  defp on_alone(node, fun) do
    on(node, fn -> :persistent_term.put(__MODULE__, spawn(fn -> tell(fun.()) end)) end)
    eventually(fn -> assert {:ok, _} = asked(node) end, within: 600_000)
    {:ok, measured} = asked(node)
    measured
  end

  defp tell(measured) do
    receive do: ({:asked, from} -> send(from, {:told, measured}))
    tell(measured)
  end

  defp asked(node) do
    on(node, fn ->
      send(:persistent_term.get(__MODULE__), {:asked, self()})

      receive do
        {:told, measured} -> {:ok, measured}
      after
        1_000 -> :not_yet
      end
    end)
  end

  defp measured do
    fill()
    :erlang.garbage_collect()
    before = resident("VmRSS")
    # From here on the system counts the peak anew.
    File.write!("/proc/self/clear_refs", "5")
    {:ok, picture} = Causality.build(%{limit: @events})
    Enum.each(0..(@events - 1)//@part, &Causality.rows(picture, &1, @part))
    {div(resident("VmHWM") - before, 1_024), picture.about}
  end

  defp resident(what) do
    [_, kib] = Regex.run(~r/#{what}:\s+(\d+)/, File.read!("/proc/self/status"))
    String.to_integer(kib)
  end

  # More events than are wanted, however many of them a busy machine loses.
  defp fill do
    shops = for _ <- 1..4, do: elem(GenServer.start(__MODULE__, nil), 1)
    clients = for shop <- shops, do: spawn(fn -> client(shop) end)

    {:ok, trace} =
      Scope.trace(
        [__MODULE__],
        [processes: shops ++ clients, messages: true, state: true, return: true] ++ @unbounded
      )

    for client <- clients, do: send(client, :go)
    enough()
    for client <- clients, do: Process.exit(client, :kill)
    Scope.stop_trace(trace.id)
  end

  defp client(shop) do
    receive do: (:go -> :ok)
    for n <- Stream.iterate(1, &(&1 + 1)), do: GenServer.call(shop, order(n), :infinity)
  end

  defp order(n), do: {:order, n, %{cents: 12, name: "tea #{n}"}}

  defp enough do
    eventually(
      fn ->
        {:ok, %{store: store}} = Scope.status()
        assert store.events > @events + 10_000
      end,
      within: 600_000
    )
  end
end
