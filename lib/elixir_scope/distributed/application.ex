defmodule ElixirScope.Distributed.Application do
  @moduledoc false
  # Starts the default scope, so that a node with the dependency answers without a line of code.

  use Application

  alias ElixirScope.Distributed.{Capture.Recorder, Capture.Tracer, Config, Scope}

  @impl true
  def start(_type, _args) do
    config = Config.read!()
    Supervisor.start_link(children(config), strategy: :one_for_one, name: __MODULE__)
  end

  defp children(config) do
    if config[:enabled] and Recorder.start(config) == :ok,
      do: [Tracer, Scope.registry(), Scope.supervisor() | default_scope(config)],
      else: []
  end

  defp default_scope(config) do
    if config[:autostart],
      do: [{ElixirScope.Distributed, Config.start_options(config)}],
      else: []
  end
end
