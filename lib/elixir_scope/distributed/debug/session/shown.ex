defmodule ElixirScope.Distributed.Debug.Session.Shown do
  @moduledoc false
  # How a session stands, as people ask for it.

  alias ElixirScope.Distributed.Debug.Session.Output

  @doc "The status of the session whose process this is called in."
  @spec status(map) :: map
  def status(state) do
    nodes = for {role, member} <- state.life.nodes, do: node(state, role, member)
    %{id: self(), phase: state.life.phase, nodes: nodes, output: Output.status(state.output)}
  end

  defp node(state, role, member) do
    member
    |> Map.take([:how, :state, :reason, :status, :attempts])
    |> Map.merge(%{role: role, node: state.given.nodes[role], os_pid: state.os_pids[role]})
  end
end
