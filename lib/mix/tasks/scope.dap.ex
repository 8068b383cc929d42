defmodule Mix.Tasks.Scope.Dap do
  @shortdoc "Serves editors that speak the Debug Adapter Protocol"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("dap")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["dap" | arguments])
end
