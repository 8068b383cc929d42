defmodule ElixirScope.Distributed.CLI.Commands do
  @moduledoc false
  # The commands there are; each is `mix scope.<name>`, and the first argument of `CLI.main/1`.

  alias ElixirScope.Distributed.CLI.{Commands, Options}

  @all [
    {"trace", Commands.Trace},
    {"timeline", Commands.Timeline},
    {"top", Commands.Top},
    {"query", Commands.Query},
    {"export", Commands.Export},
    {"status", Commands.Status},
    {"record", Commands.Record},
    {"stop", Commands.Stop},
    {"dap", Commands.Dap},
    {"node", Commands.Node}
  ]

  @doc "Each by its name."
  @spec all() :: [{String.t(), module}]
  def all, do: @all

  @doc "The module of a command."
  @spec fetch(String.t()) :: {:ok, module} | {:error, String.t()}
  def fetch(name) do
    case List.keyfind(@all, name, 0) do
      {^name, module} -> {:ok, module}
      nil -> {:error, name}
    end
  end

  @doc "Every option that it takes."
  @spec options(module) :: [atom]
  def options(command) do
    spec = command.spec()
    spec.options ++ Map.get(spec, :common, Options.common())
  end
end
