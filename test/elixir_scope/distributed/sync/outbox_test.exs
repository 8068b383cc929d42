defmodule ElixirScope.Distributed.Sync.OutboxTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Sync.Outbox

  # Takes down what is sent; those who are busy say so.
  defp sending(busy) do
    fn node, batch ->
      if node in busy do
        {:error, :busy}
      else
        send(self(), {node, batch})
        :ok
      end
    end
  end

  defp sent(node) do
    receive do
      {^node, batch} -> [batch | sent(node)]
    after
      0 -> []
    end
  end

  test "what a busy connection did not take goes later and in order, and keeps nobody waiting" do
    busy = sending([:a@h])
    outbox = Enum.reduce(~w(1 2 3), %Outbox{}, &Outbox.put(&2, :a@h, &1, busy))
    outbox = Outbox.put(outbox, :b@h, "x", busy)
    assert {sent(:a@h), sent(:b@h)} == {[], ["x"]}
    # It is free again, but others came first.
    outbox = Outbox.put(outbox, :a@h, "4", sending([]))
    assert sent(:a@h) == []
    outbox = Outbox.retry(outbox, sending([]))
    assert {sent(:a@h), Outbox.next_ms(outbox)} == {~w(1 2 3 4), nil}
  end

  test "it is tried ever more rarely while nothing goes, and soon again once something did" do
    outbox = Enum.reduce(~w(1 2), %Outbox{}, &Outbox.put(&2, :a@h, &1, sending([:a@h])))
    tried = Enum.reduce(1..20, outbox, fn _n, outbox -> Outbox.retry(outbox, sending([:a@h])) end)
    assert {Outbox.next_ms(outbox), Outbox.next_ms(tried)} == {5, 200}

    once = fn _node, batch -> if batch == "1", do: :ok, else: {:error, :busy} end
    assert tried |> Outbox.retry(once) |> Outbox.next_ms() == 5
  end

  test "what waits for a node that is gone, or finds no room, is forgotten" do
    busy = sending([:a@h])
    megabyte = :binary.copy(<<0>>, 1024 * 1024)

    outbox =
      Enum.reduce(1..5, %Outbox{}, fn _n, outbox -> Outbox.put(outbox, :a@h, megabyte, busy) end)

    assert %{limit: limit, bytes: bytes, dropped: 3} = Outbox.status(outbox)
    assert bytes == limit
    assert Outbox.gone(outbox, :a@h).waiting == %{}
    assert %{bytes: 0} = outbox |> Outbox.gone(:a@h) |> Outbox.status()
    # An unreachable node is not waited for.
    gone = Outbox.retry(outbox, fn _node, _batch -> {:error, :unreachable} end)
    assert {Outbox.next_ms(gone), Outbox.status(gone).bytes} == {nil, 0}
  end

  test "each peer gets its batches once and in order, whenever connections are busy" do
    property(list(list(one_of([constant(:a@h), constant(:b@h)]))), fn busy ->
      numbered = Enum.with_index(busy)

      outbox =
        for {busy, n} <- numbered, node <- [:a@h, :b@h], reduce: %Outbox{} do
          outbox ->
            outbox |> Outbox.put(node, "#{n}", sending(busy)) |> Outbox.retry(sending(busy))
        end

      outbox = Outbox.retry(outbox, sending([]))
      assert Outbox.next_ms(outbox) == nil
      all = for {_busy, n} <- numbered, do: "#{n}"
      assert {sent(:a@h), sent(:b@h)} == {all, all}
    end)
  end
end
