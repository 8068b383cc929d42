defmodule ElixirScope.Distributed.Debug.Adapter.Target do
  @moduledoc false
  # What an adapter asks of a node that is debugged, beside what any debugger asks: rows of the table of
  # operations lead here. It runs there, in a worker.

  alias ElixirScope.Distributed.Capture.Targets.Modules
  alias ElixirScope.Distributed.Debug.Folders
  alias ElixirScope.Distributed.{Error, NodeCoordinator}

  # More than any file that people step through.
  @most_bytes 4 * 1024 * 1024

  @doc "The members of the cluster of the default scope, this node included."
  @spec members() :: {:ok, [node]} | {:error, term}
  def members do
    with {:ok, nodes} <- NodeCoordinator.get_cluster_nodes(), do: {:ok, nodes}
  end

  @doc "The modules of the project and of what it depends on: those on the path that are not Erlang's, Elixir's or ours."
  @spec project() :: {:ok, [module]}
  def project do
    ours = MapSet.new(Modules.of_application(:elixir_scope_distributed))

    files =
      for file <- Folders.project(),
          {:ok, {module, []}} <- [:beam_lib.chunks(file, [])],
          do: module

    {:ok, files |> Enum.uniq() |> Enum.reject(&(&1 in ours))}
  end

  @doc "The text of the file that a module was compiled from, as far as this node has it."
  @spec source(module) :: {:ok, String.t()} | {:error, Error.t()}
  def source(module) do
    with {:ok, path} <- path(module),
         {:ok, %{size: size}} when size <= @most_bytes <- File.stat(path),
         {:ok, text} <- File.read(path) do
      {:ok, text}
    else
      {:ok, _large} -> no_source(module, "its file is too large")
      {:error, reason} when is_atom(reason) -> no_source(module, :file.format_error(reason))
      {:error, why} -> no_source(module, why)
    end
  end

  # No other file is ever read: the one that the module itself names.
  defp path(module) do
    with true <- :code.is_loaded(module) != false || {:error, "it is not loaded"},
         source when is_list(source) <- module.module_info(:compile)[:source] do
      {:ok, List.to_string(source)}
    else
      nil -> {:error, "it does not say which file that was"}
      error -> error
    end
  end

  defp no_source(module, why) do
    message = "there is no source of #{inspect(module)} on #{node()}: #{why}"
    {:error, Error.new(:no_source, message: message)}
  end

  @doc "Ends this node, in order."
  @spec terminate() :: {:ok, :terminating}
  def terminate do
    :ok = :init.stop()
    {:ok, :terminating}
  end
end
