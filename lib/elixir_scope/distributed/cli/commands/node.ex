defmodule ElixirScope.Distributed.CLI.Commands.Node do
  @moduledoc false
  # `mix scope.node`: this VM becomes the node that its environment describes, and runs a Mix task, or the
  # project's application. A session starts its VMs by it, too, and says over its pipe what they are.

  @behaviour ElixirScope.Distributed.CLI.Command

  alias ElixirScope.Distributed.CLI.Failure
  alias ElixirScope.Distributed.{Config, Options}
  alias ElixirScope.Distributed.Debug.Session.{Alone, Guest, Project, Surroundings}

  @impl true
  def spec do
    %{
      summary: "Starts a node that can be debugged, and runs a task in it",
      about: """
      The VM becomes a node by what its environment says, compiles the project, and runs
      the Mix task behind --, or the project's application until it is ended:

      #{Enum.map_join(Surroundings.variables(), "\n", fn {name, what} -> "    #{name}\n        #{what}" end)}

      The node listens at loopback alone, unless --interface names another address. A project
      does not need the library among its dependencies, where the VM finds it by itself
      (`ERL_LIBS`). With its own exit codes, or that of the task.
      """,
      arguments: {"[-- TASK [ARGUMENTS]]", 0..1_000},
      options: [:name, :interface, :language_node, :language, :allow_debug],
      common: [:help],
      examples: [
        {"--name web", "the project's application, in a node called web"},
        {"-- test test/orders_test.exs", "a test in that node"},
        {"--allow-debug -- phx.server", "a server that a debugger may stop"},
        {"--language", "a node that knows the project's code, and runs none of it"}
      ]
    }
  end

  @impl true
  def check(%{options: %{language: true}, arguments: [_task | _]}),
    do: {:error, "--language runs none of the project's code: give no task"}

  def check(%{options: %{language: true, allow_debug: true}}),
    do: {:error, "--language runs nothing that could be stopped: leave out --allow-debug"}

  def check(_parsed), do: :ok

  @impl true
  def here(%{arguments: task} = parsed) do
    if Guest.here?(), do: Project.guest(task), else: alone(parsed)
    :fine
  end

  @impl true
  def run(_request), do: :failed

  defp alone(%{arguments: task, options: options}) do
    with {:error, exit, message} <- Alone.become(options), do: raise(Failure.new(exit, message))
    if options[:allow_debug], do: Config.grant([:debug])
    role = if options[:language], do: :language, else: :target
    Project.alone(role, task, Options.default_scope())
  end
end
