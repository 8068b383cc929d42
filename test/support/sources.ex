defmodule ElixirScope.Distributed.Sources do
  @moduledoc false
  # Sources on disk beside the modules that were compiled from them, as a project has them, and what
  # happens to such: they are compiled again, changed, and taken away.

  alias ElixirScope.Distributed.{DiskModules, Scratch}

  import ExUnit.Callbacks, only: [on_exit: 1]

  @doc "A folder on the code path for modules, of which none is loaded."
  def project! do
    folder = Scratch.folder!()
    File.mkdir_p!(beams(folder))
    true = :code.add_patha(to_charlist(beams(folder)))

    on_exit(fn ->
      :code.del_path(to_charlist(beams(folder)))
      for beam <- list(folder), do: DiskModules.unload(module(beam))
      File.rm_rf!(folder)
    end)

    folder
  end

  @doc "Writes a source and what it compiles to; the source's path."
  def compile!(folder, name, source, options \\ []) do
    file = Scratch.write!(folder, name, source)
    for {module, code} <- compiled(source, file, options), do: write!(folder, module, code)
    file
  end

  @doc "The folder of a project's modules."
  def beams(folder), do: Path.join(folder, "ebin")

  defp compiled(source, file, options) do
    options = [debug_info: true, ignore_module_conflict: true] |> Keyword.merge(options)
    before = Code.compiler_options(options)
    modules = Code.compile_string(source, file)
    Code.compiler_options(before)
    for {module, _code} <- modules, do: DiskModules.unload(module)
    modules
  end

  defp write!(folder, module, code),
    do: File.write!(Path.join(beams(folder), "#{module}.beam"), code)

  defp list(folder), do: folder |> beams() |> Path.join("*.beam") |> Path.wildcard()
  defp module(beam), do: beam |> Path.basename(".beam") |> String.to_existing_atom()
end
