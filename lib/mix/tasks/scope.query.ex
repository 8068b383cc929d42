defmodule Mix.Tasks.Scope.Query do
  @shortdoc "Lists events of a cluster"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("query")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["query" | arguments])
end
