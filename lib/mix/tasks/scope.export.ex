defmodule Mix.Tasks.Scope.Export do
  @shortdoc "Exports events for other tools"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("export")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["export" | arguments])
end
