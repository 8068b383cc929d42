defmodule Mix.Tasks.Scope.Status do
  @shortdoc "Says how a cluster stands"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("status")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["status" | arguments])
end
