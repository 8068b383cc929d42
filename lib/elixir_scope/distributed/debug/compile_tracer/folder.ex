defmodule ElixirScope.Distributed.Debug.CompileTracer.Folder do
  @moduledoc false
  # The files in which references are kept, one for each module, beside Mix's manifests.
  #
  # The BEAM files are written by Mix when everything is compiled, and may never be. So a file keeps two versions:
  # of the BEAM file that is there, and the newest; whoever reads takes the one with the digest of
  # the BEAM file.

  alias ElixirScope.Distributed.Debug.Beams
  alias ElixirScope.Distributed.Debug.Beams.{Names, Source}
  alias ElixirScope.Distributed.Debug.CompileTracer.{Record, Seen}

  # Mix is a part of no release.
  @compile {:no_warn_undefined, Mix.Project}

  @folder "elixir_scope"
  @manifests ".mix"

  @typedoc "Where it is kept, and where the BEAM files are."
  @type t :: {kept :: Path.t(), beams :: Path.t()}

  @doc "That of the project that is compiled."
  @spec current() :: t | nil
  def current do
    if Code.ensure_loaded?(Mix.Project) and Mix.Project.get() != nil,
      do: {Path.join(Mix.Project.manifest_path(), @folder), Mix.Project.compile_path()}
  end

  @doc "Keeps what came of some modules."
  @spec write(Seen.finished()) :: :ok
  def write(modules) do
    with {folder, beams} <- current() do
      File.mkdir_p!(folder)
      Enum.each(modules, &keep(&1, folder, beams))
    end

    :ok
  rescue
    error -> failed(error)
  end

  # Once, as the next one fails as well.
  defp failed(error) do
    unless :persistent_term.get(__MODULE__, false),
      do: IO.puts(:stderr, "references are not kept: #{Exception.message(error)}")

    :persistent_term.put(__MODULE__, true)
  end

  defp keep({module, md5, entries}, folder, beams) do
    file = Path.join(folder, name(Atom.to_string(module)))
    there = of_digest(file, digest(Path.join(beams, "#{module}.beam")))
    versions = [Record.version(md5, entries) | Enum.reject(there, &(elem(&1, 0) == md5))]
    replace(file, Record.write(versions))
  end

  defp digest(beam) do
    case Beams.md5(beam) do
      {:ok, md5} -> md5
      {:error, _none} -> nil
    end
  end

  defp of_digest(file, md5) do
    case File.read(file) do
      {:ok, bytes} -> bytes |> Record.read() |> Enum.filter(&(elem(&1, 0) == md5))
      {:error, _none} -> []
    end
  end

  # By rename: a file is there as a whole or not at all.
  defp replace(file, bytes) do
    draft = "#{file}.#{System.pid()}"
    File.write!(draft, bytes)
    File.rename!(draft, file)
  end

  # Names of modules may be longer than names of files.
  defp name(module), do: module |> :erlang.md5() |> Base.encode16(case: :lower)

  @doc "Deletes what is left of modules that are gone, and of a write that was killed."
  @spec tidy(t) :: :ok
  def tidy({folder, beams}) do
    there =
      for beam <- Source.beams(beams), into: MapSet.new(), do: name(Path.basename(beam, ".beam"))

    for file <- Source.paths(folder), Path.basename(file) not in there, do: File.rm(file)
    :ok
  end

  @doc "What is kept of a build."
  @spec read(Path.t()) :: {:ok, Seen.finished()} | {:error, :no_records | :too_many_atoms}
  def read(build) do
    case Enum.filter([build | applications(build)], &File.dir?(kept(&1))) do
      [] -> {:error, :no_records}
      folders -> folders |> Enum.flat_map(&records/1) |> listed()
    end
  end

  defp applications(build), do: build |> Path.join("lib") |> Source.paths()
  defp kept(application), do: Path.join([application, @manifests, @folder])

  defp records(application) do
    application
    |> Path.join("ebin")
    |> Source.beams()
    |> Task.async_stream(&record(&1, kept(application)), ordered: false, timeout: :infinity)
    |> Enum.flat_map(fn {:ok, record} -> record end)
  end

  defp record(beam, folder) do
    module = Path.basename(beam, ".beam")

    folder
    |> Path.join(name(module))
    |> of_digest(digest(beam))
    |> Enum.map(&{module, &1})
  end

  defp listed(records) do
    Enum.reduce_while(records, {:ok, []}, fn {module, version}, {:ok, listed} ->
      with {:ok, module} <- Names.atom(module),
           {:ok, entries} <- Record.entries(version) do
        {:cont, {:ok, [{module, elem(version, 0), entries} | listed]}}
      else
        {:error, :bad_name} -> {:cont, {:ok, listed}}
        error -> {:halt, error}
      end
    end)
  end
end
