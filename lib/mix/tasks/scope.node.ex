defmodule Mix.Tasks.Scope.Node do
  @shortdoc "Starts a node that can be debugged"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("node")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["node" | arguments])
end
