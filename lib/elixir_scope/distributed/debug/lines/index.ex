defmodule ElixirScope.Distributed.Debug.Lines.Index do
  @moduledoc false
  # Which modules have code from a file, for all modules that this node can load. Whoever asks
  # reads a table; the process only brings it up to date: where a folder of code changed, or when
  # it is told to look at every file, as one that is written over changes no folder.
  #
  # Invariant: a row for each name of a file (without folders) has every module with code from such
  # a file, as its BEAM file was when it was last looked at. What belongs to Erlang and Elixir is
  # looked at when their folders change.

  use GenServer

  alias ElixirScope.Distributed.Debug
  alias ElixirScope.Distributed.Debug.Folders
  alias ElixirScope.Distributed.Debug.Known.{Keeper, Stamp}
  alias ElixirScope.Distributed.Debug.Lines.Code
  alias ElixirScope.Distributed.Debug.TracerStream

  @table __MODULE__

  defstruct project: %{}, system: %{}, names: MapSet.new()

  @type found :: {module, path :: String.t(), beam :: charlist}

  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "What has code from a file of that name, as far as is known."
  @spec named(String.t()) :: [found]
  def named(file) do
    case :ets.lookup(@table, {:name, Path.basename(file)}) do
      [{_key, found}] -> found
      [] -> []
    end
  end

  @doc "Sees to it that the modules of every folder are known."
  @spec current() :: :ok | {:error, term}
  def current do
    with {:ok, _pid} <- Debug.Supervisor.ensure(:language, __MODULE__) do
      if folders_as_seen?(), do: :ok, else: refresh()
    end
  end

  @doc "Looks at every file of the project again. What changed is made known to a stream that runs."
  @spec refresh() :: :ok
  def refresh do
    changed = GenServer.call(__MODULE__, :refresh, :infinity)
    if Process.whereis(TracerStream), do: tell(TracerStream.Source.changed(changed))
    :ok
  end

  # Read again, a file is often what it was.
  defp tell([]), do: :ok
  defp tell(found), do: TracerStream.Server.found(found)

  defp folders_as_seen? do
    case :ets.lookup(@table, :folders) do
      [{:folders, path, seen}] -> path == :code.get_path() and Enum.all?(seen, &as_seen?/1)
      [] -> false
    end
  end

  defp as_seen?({folder, stamp}) do
    case Stamp.of(folder) do
      {:ok, now} -> Stamp.same?(stamp, now)
      :error -> stamp == nil
    end
  end

  defp other_path? do
    case :ets.lookup(@table, :folders) do
      [{:folders, path, _seen}] -> path != :code.get_path()
      [] -> false
    end
  end

  @impl true
  def init(_options) do
    :ets.new(@table, [:named_table, :protected, read_concurrency: true])
    {:ok, %__MODULE__{}}
  end

  @impl true
  def handle_call(:refresh, _from, state) do
    # Before the files, so that what changes meanwhile is looked at again.
    folders = {:folders, :code.get_path(), folders()}
    if other_path?(), do: Keeper.clear()
    project = looked_at(state.project, Folders.project(), &seen/2)
    system = looked_at(state.system, Folders.system(), &once/2)
    changed = changed(state.project, project)
    state = written(state, %{state | project: project, system: system})
    :ets.insert(@table, folders)
    {:reply, changed, state}
  end

  # The modules whose files are other ones now; at first, all.
  defp changed(old, new) do
    gone = for {beam, {_stamp, module, _}} <- old, not is_map_key(new, beam), do: module
    other = for {beam, {_, module, _} = now} <- new, old[beam] != now, do: module
    Enum.uniq(for module <- gone ++ other, module != nil, do: module)
  end

  defp folders, do: for(folder <- Folders.of_project(), do: {folder, stamp(folder)})

  defp stamp(file) do
    case Stamp.of(file) do
      {:ok, stamp} -> stamp
      :error -> nil
    end
  end

  defp looked_at(known, beams, look), do: Map.new(beams, &{&1, look.(&1, known[&1])})

  defp once(beam, nil), do: read(beam, {0, 0, 0, 0})
  defp once(_beam, known), do: known

  defp seen(beam, known) do
    now = stamp(beam)
    if known && now && Stamp.same?(elem(known, 0), now), do: known, else: read(beam, now)
  end

  defp read(_beam, nil), do: {{0, 0, 0, 0}, nil, []}

  defp read(beam, stamp) do
    case Code.files(beam) do
      {:ok, module, paths} -> {stamp, module, paths}
      {:error, _reason} -> {stamp, nil, []}
    end
  end

  defp written(%{project: same, system: so}, %{project: same, system: so} = state), do: state

  defp written(_before, state) do
    rows = state.system |> Map.merge(state.project) |> Enum.flat_map(&rows/1)
    rows = Enum.group_by(rows, fn {_module, path, _beam} -> {:name, Path.basename(path)} end)
    :ets.insert(@table, Map.to_list(rows))
    names = rows |> Map.keys() |> MapSet.new()
    for gone <- MapSet.difference(state.names, names), do: :ets.delete(@table, gone)
    %{state | names: names}
  end

  defp rows({beam, {_stamp, module, paths}}), do: for(path <- paths, do: {module, path, beam})
end
