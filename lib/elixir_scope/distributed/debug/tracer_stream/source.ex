defmodule ElixirScope.Distributed.Debug.TracerStream.Source do
  @moduledoc false
  # What a stream begins with, and what changed on disk since: out of the modules' files.

  alias ElixirScope.Distributed.Debug.{Beams, Folders}
  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Server}

  @type which :: :project | :all | :none | [module | Path.t()]

  @doc "All that is known of these modules."
  @spec changes(which) :: [Log.change()]
  def changes(which) do
    for {:ok, {module, md5, entries}} <- which |> files() |> Beams.all(&Beams.listed/1),
        do: {:put, module, md5, entries}
  end

  defp files(:none), do: []
  defp files(:project), do: Enum.map(Folders.project(), &List.to_string/1)
  defp files(:all), do: files(:project) ++ Enum.map(Folders.system(), &List.to_string/1)
  defp files(which), do: which

  @doc "What is another one now than what the stream has, of these modules."
  @spec changed([module]) :: [Log.change()]
  def changed(modules) do
    modules
    |> Task.async_stream(&change/1, ordered: false, timeout: :infinity)
    |> Enum.flat_map(fn {:ok, changes} -> changes end)
  end

  @doc "The modules of the project that are not among these."
  @spec new([module]) :: [Log.change()]
  def new(known) do
    names = MapSet.new(known, &Atom.to_string/1)
    new = Enum.reject(files(:project), &(Path.basename(&1, ".beam") in names))
    changes(new)
  end

  defp change(module) do
    case {Server.md5(module), file_md5(module)} do
      {known, known} -> []
      {:error, {:error, _no_file}} -> []
      {_known, {:error, _no_file}} -> [{:removed, module}]
      {_known, {:ok, _md5}} -> read(module)
    end
  end

  # Of the file: that is what the next start of a node runs.
  defp file_md5(module) do
    with {:ok, path} <- Beams.Source.path(module), do: Beams.md5(path)
  end

  defp read(module) do
    with {:ok, read} <- Beams.read(module) do
      {module, md5, entries} = Beams.listed(read)
      [{:put, module, md5, entries}]
    else
      {:error, _reason} -> []
    end
  end
end
