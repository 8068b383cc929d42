defmodule ElixirScope.Distributed.Debug.CompileTracer.Folder do
  @moduledoc false
  # The files in which references are kept, one for each module, beside Mix's manifests.
  #
  # The BEAM files are written by Mix when everything is compiled, and may never be. So a file keeps two versions:
  # of the BEAM file that is there, and the newest; whoever reads takes the one with the digest of
  # the BEAM file.

  alias ElixirScope.Distributed.Debug.Beams
  alias ElixirScope.Distributed.Debug.Beams.Names
  alias ElixirScope.Distributed.Debug.CompileTracer.{Record, Seen}

  # Mix is a part of no release.
  @compile {:no_warn_undefined, Mix.Project}

  @folder "elixir_scope"
  @manifests ".mix"

  @doc "Keeps what came of some modules."
  @spec write(Seen.finished()) :: :ok
  def write(modules) do
    with {manifests, beams} <- project() do
      folder = Path.join(manifests, @folder)
      File.mkdir_p!(folder)
      sweep(folder, beams)
      Enum.each(modules, &keep(&1, folder, beams))
    end

    :ok
  rescue
    error ->
      once(:failed, fn ->
        IO.puts(:stderr, "references are not kept: #{Exception.message(error)}")
      end)
  end

  defp project do
    if Code.ensure_loaded?(Mix.Project) and Mix.Project.get() != nil,
      do: {Mix.Project.manifest_path(), Mix.Project.compile_path()}
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

  # Once in the life of a VM, what is left of modules that are gone is deleted.
  defp sweep(folder, beams) do
    once(folder, fn ->
      there = for beam <- beams(beams), into: MapSet.new(), do: name(Path.basename(beam, ".beam"))
      for file <- File.ls!(folder), file not in there, do: forget(Path.join(folder, file))
    end)
  end

  # What this VM has written is of modules whose files are to come.
  defp forget(file) do
    case File.stat(file, time: :posix) do
      {:ok, %{mtime: written}} -> if written < started(), do: File.rm(file)
      {:error, _gone} -> :ok
    end
  end

  defp started do
    native = :erlang.system_info(:start_time) + :erlang.time_offset()
    System.convert_time_unit(native, :native, :second)
  end

  defp once(what, fun) do
    if :persistent_term.get({__MODULE__, what}, false) do
      :ok
    else
      :persistent_term.put({__MODULE__, what}, true)
      fun.()
      :ok
    end
  end

  defp beams(folder), do: folder |> Path.join("*.beam") |> Path.wildcard()

  @doc "What is kept of a build."
  @spec read(Path.t()) :: {:ok, Seen.finished()} | {:error, :no_records | :too_many_atoms}
  def read(build) do
    case Enum.filter([build | applications(build)], &File.dir?(kept(&1))) do
      [] -> {:error, :no_records}
      folders -> folders |> Enum.flat_map(&records/1) |> listed()
    end
  end

  defp applications(build), do: build |> Path.join("lib/*") |> Path.wildcard()
  defp kept(application), do: Path.join([application, @manifests, @folder])

  defp records(application) do
    application
    |> Path.join("ebin")
    |> beams()
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
