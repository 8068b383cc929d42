defmodule ElixirScope.Distributed.Inject.Guest.Leave do
  @moduledoc false
  # The last thing that is done: no trace, then no module. Whoever does it runs in one of these modules
  # itself, so purging them is left to a process that runs only Erlang's own code. Deleted code is
  # still run to its end by who is in it, but cannot be called by name any more: behind
  # `delete` nothing of ours is called.

  alias ElixirScope.Distributed.Inject.Guest.Vm

  @doc "Ends the tracing and takes every module away."
  @spec now(map, term) :: pid
  def now(config, handle) do
    Vm.close(handle, config.steps)
    modules(config.modules)
  end

  @doc "Takes every module away."
  @spec modules([module]) :: pid
  def modules(modules) do
    :lists.foreach(&:code.delete/1, modules)
    :erlang.spawn(:lists, :foreach, [&:code.purge/1, modules])
  end
end
