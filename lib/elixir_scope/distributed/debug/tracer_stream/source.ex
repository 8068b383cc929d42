defmodule ElixirScope.Distributed.Debug.TracerStream.Source do
  @moduledoc false
  # What a stream begins with, and what changed on disk since: out of the modules' files.
  #
  # A module whose md5 is the same may have its lines elsewhere. If its list was read from its file it
  # is read again; if somebody told it (the compiler knows more than the file) that is left to who told.

  alias ElixirScope.Distributed.Debug.{Beams, Folders, Known, Lines}
  alias ElixirScope.Distributed.Debug.TracerStream.{Log, Server}

  @type which :: :project | :all | :none | [module | Path.t()]
  @typedoc "A module, what was seen of its lines, and what has to be changed."
  @type found :: {module, {lines :: binary | nil, :file | :told}, [Log.change()]}

  # A file takes a thousandth of that.
  @workers [ordered: false, timeout: 60_000, on_timeout: :kill_task]

  @doc "All that is known of these modules."
  @spec read(which) :: [found]
  def read(which) do
    which
    |> files()
    |> Task.async_stream(&one/1, @workers)
    |> Enum.flat_map(&found/1)
  end

  defp one(module_or_path) do
    with {:ok, beam, _path} <- Beams.Source.find(module_or_path),
         {:ok, read} <- Beams.read(beam) do
      {module, md5, entries} = Beams.listed(read)
      [{module, {Lines.Code.digest(beam), :file}, [{:put, module, md5, entries}]}]
    else
      {:error, _reason} -> []
    end
  end

  defp files(:none), do: []
  defp files(:project), do: Enum.map(Folders.project(), &List.to_string/1)
  defp files(:all), do: files(:project) ++ Enum.map(Folders.system(), &List.to_string/1)
  defp files(which), do: Enum.flat_map(which, &in_folder/1)

  defp in_folder(module) when is_atom(module), do: [module]

  defp in_folder(path),
    do: if(File.dir?(path), do: Path.wildcard(Path.join(path, "*.beam")), else: [path])

  @doc "The modules of the project that are not among these."
  @spec new([module]) :: [found]
  def new(known) do
    names = MapSet.new(known, &Atom.to_string/1)
    read(Enum.reject(files(:project), &(Path.basename(&1, ".beam") in names)))
  end

  @doc "What is another one now than what the stream has, of these modules."
  @spec changed([module]) :: [found]
  def changed(modules) do
    modules
    |> Task.async_stream(&change/1, @workers)
    |> Enum.flat_map(&found/1)
  end

  defp found({:ok, found}), do: found
  defp found({:exit, _too_slow}), do: []

  @doc "Whether the stream has to be told of the module's file."
  @spec changed?(module) :: boolean
  def changed?(module), do: judged(Server.md5(module), Known.module(module), module) != :same

  defp change(module) do
    known = Known.module(module)

    case judged(Server.md5(module), known, module) do
      :same -> []
      :removed -> [{module, {nil, :file}, [{:removed, module}]}]
      {:lines, origin} -> moved(module, known, origin)
      :another -> one(module)
    end
  end

  # The md5 that the stream has, and what the file says.
  defp judged({:ok, nil}, {:error, _no_file}, _module), do: :same
  defp judged(:error, {:error, _no_file}, _module), do: :same
  defp judged({:ok, _md5}, {:error, _no_file}, _module), do: :removed
  defp judged({:ok, md5}, {:ok, %{md5: md5, lines: lines}}, module), do: lines(module, lines)
  defp judged(_another_or_none, {:ok, _known}, _module), do: :another

  defp lines(module, lines) do
    case Server.seen(module) do
      {:ok, {^lines, _origin}} -> :same
      {:ok, {_before_or_not_seen, origin}} -> {:lines, origin}
      :error -> {:lines, :told}
    end
  end

  defp moved(module, {:ok, %{lines: lines}}, :told) do
    touched = if Server.seen(module) == :error, do: [], else: [{:touched, module}]
    [{module, {lines, :told}, touched}]
  end

  defp moved(module, _known, :file) do
    with [{^module, seen, changes}] <- one(module),
         do: [{module, seen, changes ++ [{:touched, module}]}]
  end
end
