defmodule Mix.Tasks.Scope.Top do
  @shortdoc "Shows where a cluster spends its time"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("top")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["top" | arguments])
end
