defmodule Mix.Tasks.Scope.Stop do
  @shortdoc "Ends traces on all nodes of a cluster"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("stop")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["stop" | arguments])
end
