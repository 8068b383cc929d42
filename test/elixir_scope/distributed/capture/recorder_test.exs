defmodule ElixirScope.Distributed.Capture.RecorderTest do
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed, as: Scope

  test "what the rings cannot take is counted to the last event, and never silent" do
    [node] =
      start_nodes([:small], config: [elixir_scope_distributed: [ring_bytes: 4 * 1024 * 1024]])

    on(node, fn ->
      sent = 300_000
      for n <- 1..sent, do: Scope.record(:flood, n)
      {:ok, result} = Scope.query(limit: 1_000_000, kinds: [:mark, :gap])
      {:ok, status} = Scope.status()
      {gaps, marks} = Enum.split_with(result.events, &(&1.kind == :gap))

      assert status.rings.lost > 0
      assert length(marks) + status.rings.lost == sent
      assert Enum.sum(Enum.map(gaps, & &1.data)) == status.rings.lost
      assert result.dropped == status.rings.lost

      # Newest are dropped: what is there is in order, each once.
      numbers = Enum.map(marks, & &1.data)
      assert numbers == Enum.sort(numbers)
      assert numbers == Enum.uniq(numbers)
    end)
  end
end
