defmodule ElixirScope.Distributed.SingleNodeSimulatorTest do
  # One simulation in a VM: not beside other tests.
  use ExUnit.Case

  alias ElixirScope.Distributed.SingleNodeSimulator
  @moduletag :capture_log

  doctest SingleNodeSimulator
end
