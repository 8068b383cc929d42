Code.require_file("../../../shared/transport_contract.exs", __DIR__)

defmodule ElixirScope.Distributed.Transports.ErlDistTest do
  use ExUnit.Case

  @moduletag :cluster
  use ElixirScope.Distributed.TransportContract, adapter: ElixirScope.Distributed.ErlDistAdapter
end
