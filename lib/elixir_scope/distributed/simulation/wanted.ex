defmodule ElixirScope.Distributed.Simulation.Wanted do
  @moduledoc false
  # What the options of a scope say of virtual nodes, where the scope is started.

  alias ElixirScope.Distributed.{Scope, SingleNodeSimulator}

  require Logger

  @doc "The outcome of a start, with what is to be simulated; of a scope that runs, that may still change."
  @spec with_nodes(DynamicSupervisor.on_start_child(), keyword) :: {:ok, pid} | {:error, term}
  def with_nodes({:error, {:already_started, pid}}, options),
    do: with(:ok <- simulate(options), do: {:ok, pid})

  def with_nodes({:ok, pid}, options) do
    with {:error, error} <- simulate(options) do
      Scope.stop(options[:name])
      {:error, error}
    else
      :ok -> {:ok, pid}
    end
  end

  def with_nodes(failure, _options), do: failure

  @doc "What belongs into a scope's own tree. Who started the scope need not wait for it."
  @spec children(keyword) :: [{module, term}]
  def children(options),
    do: if(options[:simulate], do: [{Task, fn -> :ok = warn(simulate(options)) end}], else: [])

  defp simulate(options) do
    if number = options[:simulate],
      do: SingleNodeSimulator.simulate(options[:name], number),
      else: :ok
  end

  defp warn(:ok), do: :ok

  defp warn({:error, error}),
    do:
      Logger.error("nothing is simulated: " <> Exception.message(error), domain: [:elixir_scope])
end
