defmodule ElixirScope.Distributed.Debug.Adapter.Sources do
  @moduledoc false
  # Files of the program and files at hand. A release was built elsewhere, a node runs on another machine: a
  # file that is said by its path there is looked for under the folder of the project by ever shorter ends
  # of that path. What is not found is told by a number, and its text is asked of the node.

  alias ElixirScope.Distributed.Debug.Adapter.{Handles, State}

  @doc "A source as the client knows it, for a frame of a process."
  @spec of(State.t(), pid, %{file: String.t() | nil, module: module}) :: {map | nil, State.t()}
  def of(state, _pid, %{file: nil}), do: {nil, state}

  def of(state, pid, %{file: file} = frame) do
    case found(file, folder(state)) do
      {:ok, path} -> {%{name: Path.basename(file), path: path_out(state, path)}, state}
      :error -> elsewhere(state, pid, frame)
    end
  end

  defp elsewhere(state, pid, %{file: file, module: module}) do
    {number, handles} = Handles.put(state.handles, pid, {:source, module, file})

    source = %{
      name: Path.basename(file),
      sourceReference: number,
      origin: "#{inspect(module)} on #{node(pid)}",
      presentationHint: "deemphasize"
    }

    {source, %{state | handles: handles}}
  end

  defp folder(%{launch: nil}), do: File.cwd!()
  defp folder(%{launch: launch}), do: Path.expand(launch.project_dir || ".")

  @doc """
  A file at hand.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Sources
      iex> Sources.found("/build/elsewhere/mix.exs", File.cwd!())
      {:ok, Path.expand("mix.exs")}
      iex> Sources.found("/build/nowhere.ex", File.cwd!())
      :error
  """
  @spec found(String.t(), String.t()) :: {:ok, String.t()} | :error
  def found(file, folder) do
    candidates = [file | ends(Path.split(file), folder)]
    path = Enum.find(candidates, &(Path.type(&1) == :absolute and File.regular?(&1)))
    if path, do: {:ok, path}, else: :error
  end

  defp ends(["/" | parts], folder), do: ends(parts, folder)
  defp ends([], _folder), do: []
  defp ends(parts, folder), do: [Path.join([folder | parts]) | ends(tl(parts), folder)]

  @doc "A path as the client writes it: by itself, or as a URI."
  @spec path_out(State.t(), String.t()) :: String.t()
  def path_out(%{client: %{"pathFormat" => "uri"}}, path), do: "file://" <> URI.encode(path)
  def path_out(_state, path), do: path

  @doc "The path that a client means."
  @spec path_in(map) :: {:ok, String.t()} | {:error, String.t()}
  def path_in(%{"path" => "file://" <> path}), do: {:ok, URI.decode(path)}
  def path_in(%{"path" => path}) when is_binary(path) and path != "", do: {:ok, path}

  def path_in(_source),
    do: {:error, "source: expected one with a path; nothing can be set in text without a file"}
end
