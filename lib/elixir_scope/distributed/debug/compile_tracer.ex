defmodule ElixirScope.Distributed.Debug.CompileTracer do
  @moduledoc """
  What modules need, as the compiler sees it: every reference with its file, its line and its kind.

  In `mix.exs` of the application, which depends on this library in the environment in which it is compiled:

      def project do
        [
          app: :my_app,
          elixirc_options: [tracers: [ElixirScope.Distributed.Debug.CompileTracer]],
          # …
        ]
      end

  Mix compiles all of it once for that (or at `mix compile --force`), and from then on what changed. Then

      {:ok, modules} = ElixirScope.Distributed.Debug.CompileTracer.read("_build/dev")
      for {module, _md5, entries} <- modules, do: {module, entries}

  The kinds are those of `mix xref`, by which Mix decides what it compiles again:

    * `:compile` - the module ran while the other one was compiled: a macro, or a call in the module's body. The
      other one is compiled again when the module changes, or what that needs at run time;
    * `:exports` - the other one has to know which functions or which struct the module has: `import`,
      `require`, `%Struct{}`;
    * `:runtime` - any other reference.

  Where one module is needed in several ways there is an entry of each kind. What stands outside of modules
  counts for all modules of its file; of a file without modules nothing is kept.

  ## What is kept

  One file for each module, in a folder of its own beside Mix's manifests (`_build/dev/lib/my_app/.mix/elixir_scope`),
  written when the source file that the module is in was compiled. It holds what the module's BEAM file was
  compiled of, known by its digest, and where that is newer, what was compiled last: so what is read is that of the
  BEAM files that are there, also after a compilation that was killed before it wrote them. Modules without a BEAM file are
  not read, and what was kept of them is deleted when something is compiled next. A file that cannot be written is
  said on standard error once, and stops no compilation.

  Outside of Mix nothing is kept. A `ElixirScope.Distributed.Debug.TracerStream` that runs in the same VM is told of each
  module.
  """

  alias ElixirScope.Distributed.Debug.CompileTracer.{Folder, Reference, Seen}
  alias ElixirScope.Distributed.Debug.{Graph, TracerStream}

  # The parts of this library that are compiled before it do not know it.
  @compile {:no_warn_undefined, TracerStream}

  @doc """
  What the compiler calls.

      elixirc_options: [tracers: [ElixirScope.Distributed.Debug.CompileTracer]]
  """
  @spec trace(tuple | atom, Macro.Env.t()) :: :ok
  def trace({:on_module, code, _ignored}, env), do: Seen.compiled(env, code)
  def trace(:start, env), do: Seen.start(env)
  def trace(:stop, env), do: env |> Seen.stop() |> finished()

  def trace(event, env) do
    case Reference.of(event, env) do
      nil -> :ok
      reference -> Seen.reference(env, reference)
    end
  end

  defp finished([]), do: :ok

  defp finished(modules) do
    Folder.write(modules)
    if Process.whereis(TracerStream), do: Enum.each(modules, &tell/1), else: :ok
  end

  defp tell({module, md5, entries}), do: TracerStream.put(module, md5, entries)

  @doc """
  What is kept of the modules of a build: of one application (`_build/dev/lib/my_app`), or of all that
  are in it (`_build/dev`). Modules that were compiled without the tracer are left out.

  Errors are `:no_records`, where nothing was ever kept, and `:too_many_atoms`: names that this VM does not know
  become atoms while they fill its table to less than three quarters.

      iex> ElixirScope.Distributed.Debug.CompileTracer.read("no/such/folder")
      {:error, :no_records}
  """
  @spec read(Path.t()) ::
          {:ok, [{module, md5 :: binary, [Graph.entry()]}]}
          | {:error, :no_records | :too_many_atoms}
  def read(build_path), do: Folder.read(build_path)
end
