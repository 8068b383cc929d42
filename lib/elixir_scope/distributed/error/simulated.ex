defmodule ElixirScope.Distributed.Error.Simulated do
  @moduledoc false
  # What is wrong with a simulation, in words: a part of the one list of errors.

  @doc "The words for a reason, `nil` for one that is not of these."
  @spec text(atom, map) :: String.t() | nil
  def text(:bad_number, %{given: given}),
    do: "#{inspect(given)} is no number of virtual nodes: 1, 2, 3, …"

  def text(:no_room, %{nodes: nodes, limit: limit}) do
    "there is no room for #{nodes} virtual nodes: each is a scope, and all scopes of a VM are at most " <>
      "#{limit}; simulate fewer, or stop other scopes"
  end

  def text(:name_taken, %{scope: scope}),
    do:
      "a scope #{inspect(scope)} runs already, and a virtual node would have that name: stop it first"

  def text(:already_simulated, %{nodes: nodes, scope: scope}) do
    "#{length(nodes)} nodes are simulated with the scope #{inspect(scope)} already; " <>
      "SingleNodeSimulator.disable_simulation() ends that"
  end

  def text(:not_simulated, _details),
    do: "nothing is simulated; SingleNodeSimulator.enable_simulation() begins"

  def text(:no_virtual_node, %{node: node, nodes: nodes}),
    do: "#{inspect(node)} is none of the virtual nodes #{inspect(nodes)}"

  def text(:already_failed, %{node: node}),
    do: "#{node} is down; SingleNodeSimulator.simulate_node_recovery(#{inspect(node)}) starts it"

  def text(:not_failed, %{node: node}), do: "#{node} runs, and has nothing to recover from"

  def text(:bad_groups, %{given: given}) do
    "#{inspect(given)} is no partition: name the nodes that are cut off from the rest, as [node], or " <>
      "groups that are apart, as [[one], [other, another]], each node once"
  end

  def text(:already_partitioned, %{groups: groups}) do
    "#{inspect(groups)} are apart already; SingleNodeSimulator.heal_network_partition() joins them"
  end

  def text(:not_handed_over, %{node: node, reason: reason}) do
    "what #{node} recorded could not be taken over (#{inspect(reason)}): the simulation goes on, and " <>
      "nothing is lost; try again"
  end

  def text(:too_many_nodes, %{nodes: nodes, limit: limit}),
    do: "at most #{limit} nodes are simulated in one VM, and not #{nodes}"

  def text(_another, _details), do: nil
end
