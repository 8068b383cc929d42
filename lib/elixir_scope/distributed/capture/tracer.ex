defmodule ElixirScope.Distributed.Capture.Tracer do
  @moduledoc false
  # The VM tracer of this library: what it sees goes into the rings of the default
  # scope. The gate is a flag in the native core: while it is shut, a call that is still
  # traced costs the VM's own part and nothing is recorded.

  alias ElixirScope.Distributed.Native

  @doc "What `:erlang.trace/3` and trace sessions take as the tracer."
  @spec tracer() :: {module, term}
  def tracer, do: {Native, []}

  @doc "Lets the tracer record."
  @spec open() :: :ok
  def open, do: Native.trace_gate(true)

  @doc "Stops recording at once, also where trace flags are still set."
  @spec shut() :: :ok
  def shut, do: Native.trace_gate(false)
end
