defmodule ElixirScope.Distributed.Capture.Instrument.Entry do
  @moduledoc false
  # Where an entry point (`@scope entry: true`) begins and ends what belongs to one call of it. A
  # pair and not a function around a fun, so that the instrumented function has no frame and no
  # closure that it did not have before. Both must not raise; `leave/1` is also called for
  # exceptions, before they go on.

  @typedoc "What `leave/1` needs in order to put back what was before."
  @type extent :: term

  @doc "Called before the `:call` event of an entry point is recorded."
  @spec enter(module, atom, arity) :: extent
  def enter(_module, _function, _arity), do: nil

  @doc "Called after its `:return` or `:exception` was recorded."
  @spec leave(extent) :: :ok
  def leave(_extent), do: :ok
end
