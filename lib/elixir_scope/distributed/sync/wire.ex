defmodule ElixirScope.Distributed.Sync.Wire do
  @moduledoc false
  # A message of the synchronisation, as it is read. The batch is bytes of the native core's own
  # form, which checks them before it uses them; here they only have to be no more than may come.

  import ElixirScope.Distributed.Operations.Shape, except: [check: 2]

  alias ElixirScope.Distributed.{Operations.Shape, Sync.Frame}

  @doc "The value of a field, checked."
  @spec check(atom, term) :: {:ok, term} | :error
  def check(:batch, batch),
    do: passed(is_binary(batch) and byte_size(batch) <= Frame.longest(), batch)

  def check(:floor, stamp), do: passed(stamp == nil or stamp?(stamp), stamp)
  def check(type, value), do: Shape.check(type, value)
end
