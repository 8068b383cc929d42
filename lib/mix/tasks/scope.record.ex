defmodule Mix.Tasks.Scope.Record do
  @shortdoc "Saves a recording of a cluster"
  @moduledoc ElixirScope.Distributed.CLI.Help.markdown("record")

  use Mix.Task

  alias ElixirScope.Distributed.CLI

  @impl true
  def run(arguments), do: CLI.main(["record" | arguments])
end
