defmodule Mix.Tasks.Scope.Trace do
  @shortdoc "Traces functions on all nodes of a cluster"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("trace")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["trace" | arguments])
end
