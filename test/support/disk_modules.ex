defmodule ElixirScope.Distributed.DiskModules do
  @moduledoc false
  # Modules in files of a test's own, for what depends on whether they are loaded and on
  # what their files tell.

  alias ElixirScope.Distributed.Scratch

  import ExUnit.Callbacks, only: [on_exit: 1]

  @doc "A folder on the code path with the modules of Elixir source text, none of them loaded."
  def on_path!(source, options \\ []) do
    folder = Scratch.folder!()
    modules = source |> compiled(options) |> Enum.map(&write!(folder, &1))
    true = :code.add_patha(to_charlist(folder))

    on_exit(fn ->
      :code.del_path(to_charlist(folder))
      Enum.each(modules, &unload/1)
      File.rm_rf!(folder)
    end)

    folder
  end

  @doc "A folder on the code path with one module of Erlang source text, not loaded."
  def erlang_on_path!(name, source) do
    folder = Scratch.folder!()
    file = Scratch.write!(folder, "#{name}.erl", source)
    options = [:debug_info, outdir: to_charlist(folder)]
    {:ok, ^name} = :compile.file(to_charlist(file), options)
    true = :code.add_patha(to_charlist(folder))

    on_exit(fn ->
      :code.del_path(to_charlist(folder))
      unload(name)
      File.rm_rf!(folder)
    end)

    folder
  end

  @doc "Takes a module away, whoever still runs it."
  def unload(module) do
    :code.purge(module)
    :code.delete(module)
    :code.purge(module)
  end

  defp compiled(source, options) do
    before = Code.compiler_options(Keyword.merge([debug_info: true], options))
    modules = Code.compile_string(source)
    Code.compiler_options(before)
    for {module, _code} <- modules, do: unload(module)
    modules
  end

  defp write!(folder, {module, code}) do
    File.write!(Path.join(folder, "#{module}.beam"), code)
    module
  end
end
