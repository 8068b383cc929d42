defmodule ElixirScope.Distributed.Inbox do
  @moduledoc false
  # What a transport delivered, in order, kept until a test asks: also on another
  # node, where the test's own mailbox cannot be reached.

  use Agent

  def start_link(options \\ []), do: Agent.start_link(fn -> [] end, options)
  def put(inbox, delivery), do: Agent.update(inbox, &[delivery | &1])
  def all(inbox), do: Agent.get(inbox, &Enum.reverse/1)

  @doc "A `:deliver` option that puts everything into `inbox`."
  def deliver(inbox), do: fn delivery -> put(inbox, delivery) end
end
