defmodule ElixirScope.Distributed.Options.Simulation do
  @moduledoc false
  # What is said of virtual nodes, as a part of the one schema of all options.

  @scope [
    simulate: [
      type: {:or, [:pos_integer, nil]},
      default: nil,
      doc:
        "so many virtual nodes in this VM, of which the scope is the first: see " <>
          "`ElixirScope.Distributed.SingleNodeSimulator`; `nil` is the real network"
    ]
  ]

  @doc "The options of a scope."
  @spec of_scope() :: keyword
  def of_scope, do: @scope

  @doc "The options of the simulator."
  @spec of_simulator(atom) :: keyword
  def of_simulator(default_scope) do
    [scope: [type: :atom, default: default_scope, doc: "the scope that becomes the first node"]]
  end
end
