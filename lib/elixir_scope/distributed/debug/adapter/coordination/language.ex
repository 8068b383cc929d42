defmodule ElixirScope.Distributed.Debug.Adapter.Coordination.Language do
  @moduledoc false
  # The language node of a session as a source of answers. What it said is kept beside the session, in as many answers
  # as `dependencyCacheSize`, and kept right by its stream with `enableTracerStreaming`; so what was asked before
  # is still answered when the node is gone. What was not is asked of somebody else: that this node would know it, too,
  # is for `Coordination` to decide.
  #
  # It belongs to the process that asks first, and ends with it.

  alias ElixirScope.Distributed.Debug.Adapter.{Launch, Tcp}
  alias ElixirScope.Distributed.Debug.DependencyService

  # One for each session that there can be, so that sessions make no atoms.
  @names for number <- 1..Tcp.most_clients(), do: Module.concat(__MODULE__, "Session#{number}")

  @doc "The modules that a breakpoint needs, as the node says or said."
  @spec ask(node | nil, Launch.t(), Path.t(), pos_integer, pos_integer) ::
          {:ok, [module]} | {:error, term}
  def ask(nil, _launch, _file, _line, _timeout_ms), do: {:error, :service_not_found}

  def ask(node, launch, file, line, timeout_ms) do
    with {:ok, service} <- service(node, launch) do
      options = [service: service, scope: launch.scope, timeout_ms: timeout_ms]
      file |> DependencyService.get_breakpoint_dependencies(line, options) |> said(node)
    end
  end

  defp said({:ok, %{source: :local}}, node), do: {:error, {:connection_failed, node}}
  defp said({:ok, result}, _node), do: {:ok, result.interpretation_candidates}
  defp said({:error, reason}, _node), do: {:error, reason}

  @doc "The service that this process has for a node: a new one if it has none yet."
  @spec service(node, Launch.t()) :: {:ok, atom} | {:error, :too_many_sessions}
  def service(node, launch) do
    with nil <- Process.get({__MODULE__, node}), do: start(@names, node, launch)
  end

  defp start([], _node, _launch), do: {:error, :too_many_sessions}

  defp start([name | others], node, launch) do
    own = [name: name, language_server_node: node, scope: launch.scope]

    case DependencyService.start_link(own ++ Launch.dependencies(launch)) do
      {:ok, _pid} -> remember(node, {:ok, name})
      {:error, {:already_started, _pid}} -> start(others, node, launch)
    end
  end

  defp remember(node, found) do
    Process.put({__MODULE__, node}, found)
    found
  end
end
