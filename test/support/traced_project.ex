defmodule ElixirScope.Distributed.TracedProject do
  @moduledoc false
  # Mix projects that are compiled with the tracer of references, and what `mix xref` says of them.

  import ExUnit.Callbacks, only: [on_exit: 1]

  alias ElixirScope.Distributed.Debug.{Beams, CompileTracer}
  alias ElixirScope.Distributed.{Scratch, Shell}

  @project """
  defmodule Traced.MixProject do
    use Mix.Project

    def project do
      # Newer versions of Mix leave out what is on the code path and no dependency.
      [app: :traced, version: "1.0.0", prune_code_paths: false, elixirc_options: [tracers: [#{inspect(CompileTracer)}]]]
    end
  end
  """

  @doc "A project of these files."
  def new!(files) do
    folder = folder!()
    for {name, text} <- [{"mix.exs", @project} | files], do: Scratch.write!(folder, name, text)
    folder
  end

  @doc "A folder for the time of a test."
  def folder! do
    folder = Scratch.folder!()
    on_exit(fn -> File.rm_rf!(folder) end)
    folder
  end

  @doc "Runs `mix` there, with this library at hand: what it printed, and its status."
  def mix(folder, arguments),
    do: Scratch.mix(folder, arguments, [{"ELIXIR_ERL_OPTIONS", "-pa #{Shell.ebin()}"}])

  @doc "The same, where failing is not expected."
  def mix!(folder, arguments) do
    {output, status} = mix(folder, arguments)
    if status != 0, do: raise("mix #{Enum.join(arguments, " ")}: #{status}\n#{output}")
    output
  end

  @doc "Where an application was built."
  def built(folder, app \\ :traced), do: Path.join([folder, "_build/dev/lib", to_string(app)])

  @doc "What is kept of its modules."
  def read!(folder, app \\ :traced) do
    {:ok, modules} = folder |> built(app) |> CompileTracer.read()
    for {module, _md5, entries} <- modules, into: %{}, do: {module, entries}
  end

  @doc "What one file needs of another, the strongest kind of each two: as `mix xref graph` says it."
  def xref!(folder) do
    mix!(folder, ["do", "compile,", "xref", "graph", "--format", "dot"])
    dot(folder)
  end

  @doc "What `mix xref graph` wrote."
  def dot(folder) do
    dot = folder |> Path.join("xref_graph.dot") |> File.read!()

    ~r/"([^"]+)" -> "([^"]+)"(?: \[label="\((\w+)\)"\])?/
    |> Regex.scan(dot, capture: :all_but_first)
    |> MapSet.new(&edge/1)
  end

  defp edge([from, to]), do: {from, to, :runtime}
  defp edge([from, to, "export"]), do: {from, to, :exports}
  defp edge([from, to, "compile"]), do: {from, to, :compile}

  @doc "The same, as the tracer says it."
  def edges!(folder, app \\ :traced) do
    files = files(folder, app)

    read!(folder, app)
    |> Enum.flat_map(fn {module, entries} -> for entry <- entries, do: {files[module], entry} end)
    |> Enum.reduce(%{}, &strongest(&1, &2, files))
    |> MapSet.new(fn {{from, to}, kind} -> {from, to, kind} end)
  end

  defp strongest({from, {needed, kind, _places}}, edges, files) do
    case files[needed] do
      to when to in [nil, from] -> edges
      to -> Map.update(edges, {from, to}, kind, &Enum.min_by([&1, kind], fn k -> strength(k) end))
    end
  end

  defp strength(kind), do: Enum.find_index([:compile, :exports, :runtime], &(&1 == kind))

  @doc "The source of each module, from the project's folder on."
  def files(folder, app \\ :traced) do
    [folder |> built(app) |> Path.join("ebin")]
    |> Beams.all(&{&1.module, Path.relative_to(&1.file, folder)})
    |> Map.new(fn {:ok, of} -> of end)
  end
end
