defmodule ElixirScope.Distributed.Transports.ErlDistTest do
  use ExUnit.Case

  @moduletag :cluster
  use ElixirScope.Distributed.Case.TransportContract,
    adapter: ElixirScope.Distributed.ErlDistAdapter
end
