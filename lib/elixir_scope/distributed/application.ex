defmodule ElixirScope.Distributed.Application do
  @moduledoc false
  # Starts the default scope, so that a node with the dependency answers without a line of code.

  use Application

  alias ElixirScope.Distributed.Capture.{Recorder, Sources, Tracer}
  alias ElixirScope.Distributed.{Config, Debug, Scope}

  @impl true
  def start(_type, _args) do
    config = Config.read!()
    Supervisor.start_link(children(config), strategy: :one_for_one, name: __MODULE__)
  end

  defp children(config) do
    if config[:enabled] and Recorder.start(config) == :ok,
      do:
        [Tracer, Scope.registry(), Debug.Supervisor, Scope.supervisor()] ++
          default_scope(config) ++ sources(config),
      else: []
  end

  defp default_scope(config) do
    if config[:autostart],
      do: [{ElixirScope.Distributed, Config.start_options(config)}],
      else: []
  end

  # After the scope, so that nothing of theirs comes before it is there.
  defp sources(config),
    do: if(config[:capture] == [], do: [], else: [{Sources, config[:capture]}])
end
