defmodule Mix.Tasks.Scope.Timeline do
  @shortdoc "Draws the events of a cluster"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("timeline")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["timeline" | arguments])
end
