defmodule ElixirScope.Distributed.Transports.Isolated.LinksTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Transports.Isolated.{Faults, Links}

  @a {:s, :a@sim}
  @b {:s, :b@sim}

  test "between two members messages keep their order, however their delays fall" do
    links = connected(latency_ms: 0..50, seed: 3)
    {links, _now} = send_each(links, 1..200, 0)
    assert delivered(Links.advance(links, 1_000)) == Enum.to_list(1..200)
  end

  test "a message takes the time that the latency says, from whom to whom" do
    latency = fn :a@sim, :b@sim -> 30 end
    {links, _now} = send_each(connected(latency_ms: latency), [1], 100)
    assert Links.next(links) == 130
    assert delivered(Links.advance(links, 129)) == []
    assert delivered(Links.advance(links, 130)) == [1]
  end

  test "loss takes about its share and leaves the order of the others" do
    {links, now} = send_each(connected(loss: 0.25, seed: 1, capacity: 2_000), 1..1_000, 0)
    arrived = delivered(Links.advance(links, now))
    assert length(arrived) in 700..800
    assert arrived == Enum.sort(arrived)
  end

  test "reordering and duplication happen only where they are asked for" do
    {links, now} = send_each(connected(reorder: 0.2, duplicate: 0.2, seed: 1), 1..300, 0)
    arrived = delivered(Links.advance(links, now + 1_000))
    assert Enum.uniq(Enum.sort(arrived)) == Enum.to_list(1..300)
    assert length(arrived) > 300
    assert arrived != Enum.sort(arrived)
  end

  test "the same seed gives the n-th message the same fate" do
    options = [loss: 0.1, latency_ms: 1..9, reorder: 0.1, duplicate: 0.1]
    run = fn seed -> connected([seed: seed] ++ options) |> send_each(1..100, 0) |> elem(0) end
    arrivals = fn links -> delivered(Links.advance(links, 500)) end
    assert arrivals.(run.(8)) == arrivals.(run.(8))
    assert arrivals.(run.(8)) != arrivals.(run.(9))
  end

  test "a place is free again when its message was taken, not when it arrived" do
    links = connected(capacity: 2)
    {:ok, links} = Links.send(links, @a, @b, 1, 0)
    {:ok, links} = Links.send(links, @a, @b, 2, 0)
    assert {{:error, :busy}, links} = Links.send(links, @a, @b, 3, 0)

    {out, links} = links |> Links.advance(0) |> Links.take()
    assert {{:error, :busy}, links} = Links.send(links, @a, @b, 3, 0)

    {_b, {:message, :a@sim, receipt, 1}} = Enum.find(out, &match?({@b, {:message, _, _, 1}}, &1))
    assert {:ok, links} = links |> Links.settle(receipt) |> Links.send(@a, @b, 3, 0)
    assert %{refused: 2, sent: 3, delivered: 2, in_flight: 1} = Links.stats(links)
  end

  test "a one-way cut loses that way's messages and ends the connection for both" do
    links = connected(detect_ms: 100)
    links = Links.cut(links, [{:a@sim, :b@sim}], 0)
    {:ok, links} = Links.send(links, @a, @b, :lost, 0)
    {:ok, links} = Links.send(links, @b, @a, :arrives, 0)
    {told, links} = links |> Links.advance(99) |> Links.take()
    assert [{@a, {:message, :b@sim, _receipt, :arrives}}] = told

    {told, links} = links |> Links.advance(100) |> Links.take()
    assert {@a, {:down, :b@sim, :net_tick_timeout}} in told
    assert {@b, {:down, :a@sim, :net_tick_timeout}} in told
    assert {{:error, :unreachable}, _links} = Links.connect(links, @b, @a)
    assert {{:error, :unreachable}, _links} = Links.send(links, @a, @b, 1, 101)
  end

  test "a cut that ends before it is noticed is never told" do
    links = connected(detect_ms: 100) |> Links.cut([{:a@sim, :b@sim}], 0)
    links = Links.open(links, :all, 50)
    links = Links.cut(links, [{:a@sim, :b@sim}], 60)
    assert {[], links} = links |> Links.advance(110) |> Links.take()
    {told, _links} = links |> Links.advance(160) |> Links.take()
    assert length(told) == 2
  end

  test "opening the way brings the connection back, or leaves it to the members" do
    for {reconnect, told} <- [{true, [{@a, {:up, :b@sim}}, {@b, {:up, :a@sim}}]}, {false, []}] do
      links = connected(detect_ms: 10, reconnect: reconnect)
      links = links |> Links.cut([{:a@sim, :b@sim}], 0) |> Links.advance(10)
      {_downs, links} = Links.take(links)
      assert {^told, links} = links |> Links.open(:all, 20) |> Links.advance(30) |> Links.take()
      assert {:ok, _links} = Links.connect(links, @a, @b)
    end
  end

  test "a message of a connection that is over does not arrive on the next one" do
    links = connected(latency_ms: 500, detect_ms: 10)
    {:ok, links} = Links.send(links, @a, @b, :old, 0)
    links = links |> Links.cut([{:a@sim, :b@sim}], 0) |> Links.advance(10)
    links = links |> Links.open(:all, 20) |> Links.advance(30)
    {:ok, links} = Links.send(links, @a, @b, :new, 40)
    links = Links.advance(links, 2_000)
    assert delivered(links) == [:new]
    assert %{lost: 1, delivered: 1, in_flight: 0} = Links.stats(links)
  end

  test "whatever is done, the counts add up and no one hears from who is not up" do
    ways = one_of(for from <- nodes(), to <- nodes(), from != to, do: constant({from, to}))

    commands =
      commands(
        send: [ways],
        connect: [ways],
        cut: [ways],
        open: [ways],
        wait: [integer(0..40)],
        detach: [one_of(Enum.map(nodes(), &constant/1))]
      )

    faults = [loss: 0.1, duplicate: 0.1, reorder: 0.1, latency_ms: 0..30, detect_ms: 15]

    property(tuple([integer(), commands]), fn {seed, commands} ->
      links = attach_all(new([seed: seed] ++ faults))
      {links, now} = Enum.reduce(commands, {links, 0}, &run/2)
      {told, links} = links |> Links.advance(now + 10_000) |> Links.take()
      stats = Links.stats(links)
      assert stats.in_flight == 0
      assert stats.sent + stats.duplicated == stats.delivered + stats.lost
      Enum.each(nodes(), &assert_heard_while_up(told, &1))
    end)
  end

  defp nodes, do: [:a@sim, :b@sim, :c@sim]

  defp run({:wait, [ms]}, {links, now}), do: {Links.advance(links, now + ms), now + ms}
  defp run({:cut, [way]}, {links, now}), do: {Links.cut(links, [way], now), now}
  defp run({:open, [way]}, {links, now}), do: {Links.open(links, [way], now), now}

  defp run({:connect, [{from, to}]}, {links, now}) do
    {_reply, links} = Links.connect(links, {:s, from}, {:s, to})
    {links, now}
  end

  defp run({:send, [{from, to}]}, {links, now}) do
    {_reply, links} = Links.send(links, {:s, from}, {:s, to}, :message, now)
    {links, now}
  end

  defp run({:detach, [node]}, {links, now}) do
    {:ok, links} = links |> Links.detach({:s, node}) |> Links.attach({:s, node})
    {links, now}
  end

  defp assert_heard_while_up(told, node) do
    Enum.reduce(for({{:s, ^node}, what} <- told, do: what), [], &heard/2)
  end

  defp heard({:up, peer}, up), do: [peer | up]

  defp heard(down_or_message, up) do
    peer = elem(down_or_message, 1)
    assert peer in up
    if elem(down_or_message, 0) == :down, do: up -- [peer], else: up
  end

  defp new(options) do
    {faults, settings} = Keyword.split(options, Faults.options())
    settings = Keyword.merge([detect_ms: 10, capacity: 1_024, reconnect: true], settings)
    struct!(Links, [faults: Faults.new(faults)] ++ settings)
  end

  defp attach_all(links) do
    Enum.reduce(nodes(), links, fn node, links ->
      {:ok, links} = Links.attach(links, {:s, node})
      links
    end)
  end

  defp connected(options) do
    {:ok, links} = options |> new() |> attach_all() |> Links.connect(@a, @b)
    {[{@a, {:up, :b@sim}}, {@b, {:up, :a@sim}}], links} = Links.take(links)
    links
  end

  defp send_each(links, messages, start) do
    Enum.reduce(messages, {links, start}, fn message, {links, now} ->
      {:ok, links} = Links.send(links, @a, @b, message, now)
      {links, now}
    end)
  end

  defp delivered(links) do
    {out, _links} = Links.take(links)
    for {@b, {:message, :a@sim, _receipt, message}} <- out, do: message
  end
end
